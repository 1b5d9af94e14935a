using Npgsql;
using Streaming.FaultTests.Proof;
using Streaming.FaultTests.Rigs;
using Streaming.IntegrationTests.Fixtures;
using Xunit;

namespace Streaming.FaultTests;

/// <summary>
/// NOTIFY is a hint: streams complete without it, within the intervals at which the service looks for itself. The messages
/// come from another process than the one that is read from, or else it would need no notification.
/// </summary>
public sealed class NotificationTests : IAsyncDisposable
{
    const int MessagesEach = 60;
    static readonly TimeSpan ReconcileInterval = TimeSpan.FromSeconds(1);

    /// <summary>The interval, and what a loaded machine of two processors takes for two queries and a frame.</summary>
    static readonly TimeSpan LagMax = ReconcileInterval + TimeSpan.FromSeconds(2);

    readonly List<IAsyncDisposable> _rig = [];

    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Killed_LISTEN_connection_is_made_again_and_nothing_is_missed()
    {
        var kills = Faults.Pick(shortForm: 5, longForm: 50);
        var random = Faults.Random();
        var (postgres, database) = await PostgresAsync();
        var host = await HostAsync(database, database);
        await using var source = NpgsqlDataSource.Create(database);
        await AssertStreamsAsync("LISTEN connection killed (pg_terminate_backend)", kills, host, postgres, async () =>
        {
            for (var kill = 0; kill < kills; kill++)
            {
                await Eventually.TrueAsync(async () => await TerminateListenerAsync(source) == 1, "there is a LISTEN connection to kill");
                await Task.Delay(random.NextTimeSpan(TimeSpan.Zero, TimeSpan.FromMilliseconds(400)), TimeProvider.System, Cancellation);
            }
        });
    }

    [Fact]
    public async Task Blackholed_LISTEN_connection_holds_no_stream_up_and_is_replaced()
    {
        var times = Faults.Pick(shortForm: 1, longForm: 5);
        Faults.Random();
        var (postgres, database) = await PostgresAsync();
        var proxy = Keep(new CuttableProxy(new Uri($"tcp://127.0.0.1:{postgres.Port}")));
        var host = await HostAsync(database, postgres.ConnectionString("notified", proxy.Port));
        await AssertStreamsAsync("LISTEN connection blackholed", times, host, postgres, async () =>
        {
            for (var time = 0; time < times; time++)
            {
                proxy.Blackhole();
                // Only the probe of Database:ListenerKeepAlive finds out, and the connection is then given up.
                await Eventually.TrueAsync(async () => !await IsListeningAsync(host), "the service has noticed that its LISTEN connection is dead");
                proxy.Pass();
                await Eventually.TrueAsync(() => IsListeningAsync(host), "it listens again");
            }
        });
    }

    [Fact]
    public async Task Streams_complete_when_no_notification_ever_arrives()
    {
        var random = Faults.Random();
        var (postgres, database) = await PostgresAsync();
        // LISTEN works and nothing ever comes: notifications stay within their database.
        var host = await HostAsync(database, await postgres.CreateDatabaseAsync("silent"));
        await AssertStreamsAsync("NOTIFY lost, all of them", 1, host, postgres,
            () => Task.Delay(random.NextTimeSpan(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(2)), TimeProvider.System, Cancellation));
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var part in Enumerable.Reverse(_rig))
            await part.DisposeAsync();
    }

    T Keep<T>(T part) where T : IAsyncDisposable
    {
        _rig.Add(part);
        return part;
    }

    async Task<(PostgresProcess Postgres, string Database)> PostgresAsync()
    {
        var postgres = Keep(await PostgresProcess.StartAsync());
        return (postgres, await postgres.CreateDatabaseAsync("notified"));
    }

    async Task<ServiceHost> HostAsync(string database, string listener) => Keep(await ServiceHost.StartAsync(null!, Rig.Settings([
        $"ConnectionStrings:StreamingListener={listener}", $"Subscriptions:ReconcileInterval={ReconcileInterval}", "Database:ListenerKeepAlive=00:00:01",
        "Transforms:PollInterval=00:00:01", "Models:Offline:TokensPerSecond=100"]), database));

    /// <summary>Relays written by SQL, and ideations, while <paramref name="faults"/> runs; all must come through in time.</summary>
    static async Task AssertStreamsAsync(string fault, int times, ServiceHost host, PostgresProcess postgres, Func<Task> faults)
    {
        var before = await Aftermath.BeforeAsync(host);
        IReadOnlyCollection<ResumingReader> readers;
        using (var client = Rig.Client(host.Address))
        await using (var load = new GenerationLoad(host.Address, streams: 4, ideas: 1))
        {
            await using var source = NpgsqlDataSource.Create(host.ConnectionString);
            var lagMax = TimeSpan.Zero;
            var relay = await host.Client.RelayAsync();
            var reader = new ResumingReader(client, "relay", relay.Id(), Faults.Random(100))
            {
                Received = frame =>
                {
                    lagMax = frame.Lag > lagMax ? frame.Lag : lagMax;
                    return ValueTask.CompletedTask;
                },
            };
            var reading = reader.RunAsync(Cancellation);
            var doing = faults();
            // Written by nobody in this process, so no hand-over: what is not notified must be found.
            var written = 0;
            for (; written < MessagesEach || !doing.IsCompleted; written++)
            {
                await AppendAsync(source, relay.GetProperty("streamingData").GetProperty("transformId").GetGuid(), "chunk", $"message {written} ");
                await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, Cancellation);
            }

            await doing;
            await AppendAsync(source, relay.GetProperty("streamingData").GetProperty("transformId").GetGuid(), "end", """{"status":"completed"}""");
            await reading.WaitAsync(TimeSpan.FromSeconds(20), Cancellation);
            readers = [reader, .. await load.FinishAsync(TimeSpan.FromSeconds(60))];
            Faults.Say($"each of {written} messages came within {lagMax.TotalMilliseconds:N0} ms");
            Assert.True(lagMax < LagMax, $"a message took {lagMax}");
        }

        var account = await Ledger.CompareAsync(host.ConnectionString, readers, Cancellation);
        Report.Write(fault, times, account);
        account.AssertComplete();
        await before.AssertAsync();
    }

    static async Task AppendAsync(NpgsqlDataSource source, Guid transformId, string type, string data)
    {
        await using var command = source.CreateCommand("select append_message($1, $2, $3::text)");
        command.Parameters.Add(new() { Value = transformId });
        command.Parameters.Add(new() { Value = type });
        command.Parameters.Add(new() { Value = data });
        await command.ExecuteNonQueryAsync(Cancellation);
    }

    static async Task<long> TerminateListenerAsync(NpgsqlDataSource source)
    {
        await using var command = source.CreateCommand(
            "select count(pg_terminate_backend(pid)) from pg_stat_activity where datname = current_database() and application_name = 'streaming listener'");
        return (long)(await command.ExecuteScalarAsync(Cancellation))!;
    }

    static async Task<bool> IsListeningAsync(ServiceHost host)
    {
        using var response = await host.Client.GetAsync("/health/ready", Cancellation);
        return (await response.Content.ReadAsStringAsync(Cancellation)).Contains("\"listener\":true", StringComparison.Ordinal);
    }
}
