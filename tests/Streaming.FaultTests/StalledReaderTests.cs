using System.Net.Sockets;
using Streaming.FaultTests.Proof;
using Streaming.FaultTests.Rigs;
using Streaming.IntegrationTests.Fixtures;
using Xunit;

namespace Streaming.FaultTests;

/// <summary>Phones in a tunnel: their connections stand, and they read nothing.</summary>
public sealed class StalledReaderTests(PostgresServer postgres)
{
    /// <summary>Of those that read, while one does not; a loaded machine of two processors has moments of its own.</summary>
    static readonly TimeSpan LagMax = TimeSpan.FromSeconds(2);

    /// <summary>Three messages of this size fill what Kestrel holds of a response, some hundred and fifty what the system does.</summary>
    const int TextCharacters = 24 * 1024;

    /// <summary>So many that their backlog, if the service kept it for them, would show in its memory.</summary>
    const int Stalled = 10;

    /// <summary>What the buffers of one reader that reads hold at both ends, which are in this process both.</summary>
    const int ReaderBytesMax = 192 * 1024;

    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Readers_that_stop_reading_hold_up_no_other_and_have_everything_afterwards()
    {
        var (others, stall) = Faults.Pick((100, TimeSpan.FromSeconds(10)), (500, TimeSpan.FromMinutes(1)));
        var random = Faults.Random();
        var database = await Rig.DatabaseAsync(postgres, Cancellation);
        await using var host = await ServiceHost.StartAsync(postgres, null, database);
        var before = await Aftermath.BeforeAsync(host);
        var account = await StallAsync(host, database, others, stall, random);
        Report.Write($"readers that stop reading for {stall.TotalSeconds:N0} s, among {others} that read", Stalled, account);
        account.AssertComplete();
        await before.AssertAsync();
    }

    /// <summary>What readers have of a stream of which some stop reading; a method of its own, so that nothing holds them afterwards.</summary>
    static async Task<Account> StallAsync(ServiceHost host, string database, int others, TimeSpan stall, Random random)
    {
        // 7 MB and more, well above what the buffers of two sockets take (4 MB), at a rate that the others' parsing can bear.
        var pause = stall / 400;
        using var client = Rig.Client(host.Address);
        using var narrow = Narrow(host.Address);
        var relay = (await host.Client.RelayAsync()).Id();
        var wake = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var stalled = Enumerable.Range(1, Stalled).Select(i => new ResumingReader(narrow, "relay", relay, Faults.Random(others + i))
        {
            Received = async _ => await wake.Task,
            SilenceMax = stall * 2,
        }).ToList();
        var lagMax = new TimeSpan[others];
        var live = Enumerable.Range(0, others).Select(i => new ResumingReader(client, "relay", relay, Faults.Random(i + 1))
        {
            Received = frame =>
            {
                lagMax[i] = frame.Lag > lagMax[i] ? frame.Lag : lagMax[i];
                return ValueTask.CompletedTask;
            },
        }).ToList();
        var stalledRuns = Task.WhenAll(stalled.Select(reader => reader.RunAsync(Cancellation)));
        var liveRuns = Task.WhenAll(live.Select(reader => reader.RunAsync(Cancellation)));
        await Eventually.TrueAsync(() => Task.FromResult(stalled.Concat(live).All(reader => reader.Head >= 0)), "everybody reads");
        Array.Clear(lagMax);
        var memoryBefore = GC.GetTotalMemory(forceFullCollection: true);

        var text = new char[TextCharacters];
        for (var began = TimeProvider.System.GetTimestamp(); TimeProvider.System.GetElapsedTime(began) < stall;)
        {
            for (var i = 0; i < text.Length; i++)
                text[i] = (char)random.Next('a', 'z');
            await host.Client.PostJsonAsync($"/api/relays/{relay}/messages", new { type = "chunk", text = new string(text) }, System.Net.HttpStatusCode.OK);
            await Task.Delay(pause, TimeProvider.System, Cancellation);
        }

        var memory = GC.GetTotalMemory(forceFullCollection: true) - memoryBefore;
        await host.Client.PostJsonAsync($"/api/relays/{relay}/end", null);
        await liveRuns.WaitAsync(TimeSpan.FromSeconds(20), Cancellation);
        Faults.Say($"the others' lag {lagMax.Max().TotalMilliseconds:N0} ms at most; the heap grew by {memory:N0} bytes; the stalled ones were at {stalled.Max(reader => reader.Head)} of {live[0].Head}");
        Assert.All(stalled, reader => Assert.True(live[0].Head - reader.Head > 100, "a stalled reader was not behind"));
        Assert.True(memory < (others + Stalled) * ReaderBytesMax, $"the heap grew by {memory:N0} bytes");
        Assert.All(lagMax, lag => Assert.True(lag < LagMax, $"a reader that read waited {lag}"));

        wake.SetResult();
        await stalledRuns.WaitAsync(TimeSpan.FromSeconds(20), Cancellation);
        return await Ledger.CompareAsync(database, [.. stalled, .. live], Cancellation);
    }

    /// <summary>A client whose system takes little for it, so that the service soon cannot send.</summary>
    static HttpClient Narrow(Uri address) => new(new SocketsHttpHandler
    {
        UseProxy = false,
        ConnectCallback = async (context, cancellation) =>
        {
            var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = 4096 };
            await socket.ConnectAsync(context.DnsEndPoint, cancellation);
            return new NetworkStream(socket, ownsSocket: true);
        },
    })
    { BaseAddress = address, Timeout = Timeout.InfiniteTimeSpan };
}
