using System.Diagnostics;
using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Streaming.FaultTests.Proof;
using Streaming.FaultTests.Rigs;
using Streaming.IntegrationTests.Fixtures;
using Streaming.Models;
using Xunit;

namespace Streaming.FaultTests;

/// <summary>
/// The wall clock of the service jumps by an hour, forwards and backwards. That of the database is the machine's own, and
/// no test may set it; leases and tickets live by it.
/// </summary>
public sealed class ClockTests(PostgresServer postgres)
{
    static readonly TimeSpan Jump = TimeSpan.FromHours(1);

    /// <summary>An idle service with open streams; a loop that spins would take all of a processor.</summary>
    static readonly TimeSpan IdleTime = TimeSpan.FromSeconds(2);

    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Clock_that_jumps_by_an_hour_loses_no_lease_and_no_message()
    {
        var jumps = Faults.Pick(6, 60);
        var random = Faults.Random();
        var clock = new JumpingClock();
        var database = await Rig.DatabaseAsync(postgres, Cancellation);
        await using var host = await StartAsync(database, clock, "Models:Offline:TokensPerSecond=100", "Subscriptions:HeartbeatInterval=00:00:01");
        var before = await Aftermath.BeforeAsync(host);

        Account account;
        await using (var load = new GenerationLoad(host.Address, streams: 6, ideas: Faults.Pick(1, 3), readersEach: 2))
        {
            for (var jump = 0; jump < jumps; jump++)
            {
                clock.Offset = Jump * random.Next(-1, 2);
                await Task.Delay(random.NextTimeSpan(TimeSpan.FromSeconds(0.2), TimeSpan.FromSeconds(1)), TimeProvider.System, Cancellation);
            }

            account = await Ledger.CompareAsync(database, await load.FinishAsync(TimeSpan.FromSeconds(60)), Cancellation);
        }

        Report.Write("wall clock of the service jumps by an hour", jumps, account);
        account.AssertComplete();
        Assert.Equal(0, account.Reconnects);
        await using (var source = NpgsqlDataSource.Create(database))
        await using (var attempts = source.CreateCommand("select max(attempt) from transforms"))
            Assert.Equal(1, await attempts.ExecuteScalarAsync(Cancellation));
        await before.AssertAsync();
    }

    [Theory]
    [InlineData(1)]
    [InlineData(-1)]
    public async Task Quiet_stream_has_its_heartbeats_and_its_messages_after_a_jump(int direction)
    {
        var clock = new JumpingClock();
        var database = await Rig.DatabaseAsync(postgres, Cancellation);
        await using var host = await StartAsync(database, clock, "Subscriptions:HeartbeatInterval=00:00:00.5");
        var relay = (await host.Client.RelayAsync()).Id();
        using var over = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        over.CancelAfter(TimeSpan.FromSeconds(20));
        await using var events = host.Client.StreamAsync($"/api/stream/relay/{relay}", cancellation: over.Token).GetAsyncEnumerator(over.Token);
        var before = await UseAsync();
        clock.Offset = Jump * direction;
        var after = await UseAsync();
        Assert.True(after < before + IdleTime / 2, $"{after} of processor time while nothing happened, {before} before the jump");
        await host.Client.PostJsonAsync($"/api/relays/{relay}/messages", new { type = "chunk", text = "after" }, HttpStatusCode.OK);
        await NextAsync("chunk");

        // Processor time of the process while the stream is quiet.
        async Task<TimeSpan> UseAsync()
        {
            await NextAsync("heartbeat");
            using var process = Process.GetCurrentProcess();
            var (used, since) = (process.TotalProcessorTime, Stopwatch.StartNew());
            for (var beats = 0; since.Elapsed < IdleTime; beats++)
            {
                await NextAsync("heartbeat");
                Assert.True(beats <= 6, "heartbeats come without a pause");
            }

            process.Refresh();
            return process.TotalProcessorTime - used;
        }

        async Task NextAsync(string type)
        {
            do
                Assert.True(await events.MoveNextAsync(), $"the stream ended before a {type}");
            while (events.Current.Type != type);
        }
    }

    [Fact]
    public async Task Tickets_are_good_and_tokens_are_judged_by_the_clock_that_is_theirs()
    {
        var (clock, jwt) = (new JumpingClock(), new JwtSettings());
        await using var host = await ServiceHost.StartAsync(postgres, jwt.Settings, services: services => services.AddSingleton<TimeProvider>(clock));
        using var ada = jwt.ClientOf(host.Address, "ada");
        var relay = (await ada.RelayAsync()).Id();
        // Tickets live by the database's clock.
        var ticket = (await ada.PostJsonAsync("/api/stream-tickets", new { kind = "relay", id = relay }, HttpStatusCode.Created)).GetProperty("ticket").GetString();
        clock.Offset = Jump;
        using (var stream = await host.Client.OpenStreamAsync($"/api/stream/relay/{relay}?ticket={ticket}", cancellation: Cancellation))
            Assert.Equal(HttpStatusCode.OK, stream.StatusCode);
        // A token is good for 10 minutes, by the service's own.
        using (var late = await ada.GetAsync($"/api/relays/{relay}", Cancellation))
            Assert.Equal(HttpStatusCode.Unauthorized, late.StatusCode);
        clock.Offset = -Jump;
        using (var early = await ada.GetAsync($"/api/relays/{relay}", Cancellation))
            Assert.Equal(HttpStatusCode.OK, early.StatusCode);
        clock.Offset = TimeSpan.Zero;
        using (var right = await ada.GetAsync($"/api/relays/{relay}", Cancellation))
            Assert.Equal(HttpStatusCode.OK, right.StatusCode);
    }

    [Fact]
    public async Task Circuit_that_opened_before_the_clock_was_set_back_closes_in_time()
    {
        var clock = new JumpingClock();
        var options = new ModelOptions { RetriesMax = 0, BreakerRequestsMin = 2, BreakerPause = TimeSpan.FromSeconds(0.5), BreakerSampling = TimeSpan.FromSeconds(5) };
        var unused = new OpenAIModelOptions { Endpoint = new Uri("http://127.0.0.1:9/v1"), Model = "unused" };
        using var client = new ModelClient(new OpenAIChatClient(unused, TimeSpan.FromMinutes(1)), new ModelInfo("openai", "unused"), options, clock);
        for (var request = 0; request < 2; request++)
            Assert.Equal("provider_unavailable", await CodeAsync(_ => throw new ModelFault(ModelFaultKind.Unavailable, "down")));
        Assert.Equal("provider_circuit_open", await CodeAsync(_ => Task.CompletedTask));
        clock.Offset = -Jump;
        await Eventually.TrueAsync(async () => await CodeAsync(_ => Task.CompletedTask) is null, "the circuit is closed", TimeSpan.FromSeconds(5));

        async Task<string?> CodeAsync(Func<CancellationToken, Task> attempt)
        {
            try
            {
                await client.RunAsync(attempt, _ => Task.CompletedTask, Cancellation);
                return null;
            }
            catch (ModelFault fault)
            {
                return fault.Code;
            }
        }
    }

    Task<ServiceHost> StartAsync(string database, JumpingClock clock, params string[] options) =>
        ServiceHost.StartAsync(postgres, Rig.Settings(Rig.Resilient.Concat(options)), database, services => services.AddSingleton<TimeProvider>(clock));
}
