using System.Net;
using System.Net.Sockets;
using System.Text;
using Streaming.FaultTests.Proof;
using Streaming.FaultTests.Rigs;
using Streaming.IntegrationTests.Fixtures;
using Streaming.Subscriptions;
using Xunit;

namespace Streaming.FaultTests;

/// <summary>Readers that come in crowds and go without a word, at whatever moment.</summary>
public sealed class VanishingReaderTests(PostgresServer postgres)
{
    /// <summary>At once: as many as connect within the life of one of them.</summary>
    const int CrowdMax = 200;

    const int ReadBytesMax = 20_000;

    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Readers_that_vanish_leave_nothing_behind_and_disturb_nobody()
    {
        var readers = Faults.Pick(shortForm: 300, longForm: 2000);
        var random = Faults.Random();
        var database = await Rig.DatabaseAsync(postgres, Cancellation);
        await using var host = await ServiceHost.StartAsync(postgres, Rig.Settings("Models:Offline:TokensPerSecond=100"), database);
        var before = await Aftermath.BeforeAsync(host);
        var most = 0;
        Account account;
        await using (var load = new GenerationLoad(host.Address, streams: 4, ideas: 2, readersEach: 3))
        {
            await Eventually.TrueAsync(() => Task.FromResult(load.Readers.Count == 12 && load.Readers.All(reader => reader.Head > 0)), "messages arrive");
            var plans = Enumerable.Range(0, readers).Select(_ => (Seed: random.Next(), Bytes: PlannedBytes(random))).ToArray();
            await Parallel.ForEachAsync(plans, new ParallelOptions { MaxDegreeOfParallelism = CrowdMax, CancellationToken = Cancellation }, async (plan, cancellation) =>
            {
                var sessions = load.Readers.TakeLast(12).ToList();
                await VanishAsync(host.Address.Port, sessions[plan.Seed % sessions.Count].SessionId, plan.Bytes, new Random(plan.Seed), cancellation);
                InterlockedMax(ref most, host.Service<LiveReaders>().SubscriberCount);
            });
            account = await Ledger.CompareAsync(database, await load.FinishAsync(TimeSpan.FromSeconds(60)), Cancellation);
        }

        Faults.Say($"up to {most} subscribers at once");
        Report.Write("readers that connect and vanish (RST), among 12 that stay", readers, account);
        account.AssertComplete();
        await before.AssertAsync();
    }

    /// <summary>A third never reads, a third goes with the headers, a third somewhere in the messages, mostly within a frame.</summary>
    static int PlannedBytes(Random random) => random.Next(3) switch { 0 => 0, 1 => random.Next(1, 300), _ => random.Next(300, ReadBytesMax) };

    /// <summary>Asks for a stream, reads so many bytes of it or what comes within a moment, and resets the connection.</summary>
    static async Task VanishAsync(int port, Guid session, int bytes, Random random, CancellationToken cancellation)
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPAddress.Loopback, port, cancellation);
        await socket.SendAsync(Encoding.ASCII.GetBytes($"GET /api/stream/ideation/{session} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"), cancellation);
        using var moment = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        moment.CancelAfter(random.NextTimeSpan(TimeSpan.Zero, TimeSpan.FromSeconds(1)));
        try
        {
            for (var buffer = new byte[1024]; bytes > 0;)
            {
                var read = await socket.ReceiveAsync(buffer.AsMemory(0, Math.Min(bytes, buffer.Length)), moment.Token);
                if (read == 0)
                    break;
                bytes -= read;
            }
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            // It goes before it has got what it wanted.
        }

        // No time to linger in: the service gets a RST.
        socket.Close(0);
    }

    static void InterlockedMax(ref int most, int now)
    {
        for (var seen = Volatile.Read(ref most); now > seen;)
            seen = Interlocked.CompareExchange(ref most, now, seen) is var found && found == seen ? now : found;
    }
}
