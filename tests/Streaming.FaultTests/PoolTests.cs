using System.Net;
using Npgsql;
using Streaming.FaultTests.Proof;
using Streaming.FaultTests.Rigs;
using Streaming.IntegrationTests.Fixtures;
using Xunit;

namespace Streaming.FaultTests;

/// <summary>No connection to the database is to be had: the pool is small, or others have taken all that the server gives.</summary>
public sealed class PoolTests(PostgresServer postgres)
{
    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Three_connections_serve_many_requests_and_streams_one_after_the_other()
    {
        var (clients, time) = Faults.Pick((60, TimeSpan.FromSeconds(2)), (200, TimeSpan.FromSeconds(30)));
        Faults.Random();
        var database = await Rig.DatabaseAsync(postgres, Cancellation);
        await using var host = await ServiceHost.StartAsync(postgres, Rig.Settings("Database:ConnectionsMax=3", "Models:Offline:TokensPerSecond=100"), database);
        var before = await Aftermath.BeforeAsync(host);

        Account account;
        var answers = new Answers();
        await using (var load = new GenerationLoad(host.Address, streams: 8, ideas: Faults.Pick(1, 4), readersEach: 4))
        {
            await Eventually.TrueAsync(() => Task.FromResult(load.Delivered > 100), "messages arrive");
            await answers.CollectAsync(host.Address, load, clients, () => Task.Delay(time, TimeProvider.System, Cancellation));
            account = await Ledger.CompareAsync(database, await load.FinishAsync(TimeSpan.FromSeconds(60)), Cancellation);
        }

        Faults.Say($"{answers}");
        Report.Write("pool of 3 connections", answers.Count, account);
        account.AssertComplete();
        answers.AssertPatient();
        Assert.True(answers.Ok > clients, $"only {answers.Ok} of {answers.Count} requests were answered");
        await before.AssertAsync();
    }

    [Fact]
    public async Task Server_without_a_free_connection_is_waited_for()
    {
        const int ConnectionsMax = 24;
        var times = Faults.Pick(1, 5);
        var random = Faults.Random();
        await using var server = await PostgresProcess.StartAsync(settings: new Dictionary<string, string> { ["max_connections"] = $"{ConnectionsMax}" });
        var database = await server.CreateDatabaseAsync("streaming");
        await using var host = await ServiceHost.StartAsync(postgres,
            Rig.Settings(Rig.Resilient.Concat(["Models:Offline:TokensPerSecond=100", "Database:ConnectionsMax=8", "Database:RequestPatience=00:00:01"])), database);
        var before = await Aftermath.BeforeAsync(host);

        Account account;
        var answers = new Answers();
        await using (var load = new GenerationLoad(host.Address, streams: 6, ideas: Faults.Pick(2, 4), readersEach: 2))
        {
            for (var time = 0; time < times; time++)
            {
                var delivered = load.Delivered;
                await Eventually.TrueAsync(() => Task.FromResult(load.Delivered > delivered + 300), "messages arrive");
                await using (var others = new Others(server.ConnectionString("postgres")))
                {
                    await others.TakeAllAsync(ConnectionsMax);
                    await answers.CollectAsync(host.Address, load, 20, async () =>
                    {
                        var was = answers.Unavailable;
                        await Eventually.TrueAsync(() => Task.FromResult(answers.Unavailable >= was + 20), "requests are answered 503");
                        // New readers too, who have no stream to hold on to.
                        using var client = Rig.Client(host.Address);
                        using var response = await client.OpenStreamAsync($"/api/stream/ideation/{load.Readers.Last().SessionId}", null, Cancellation);
                        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
                        Assert.Contains("\"reconnect\":true", await FirstFrameAsync(response), StringComparison.Ordinal);
                        await Task.Delay(random.NextTimeSpan(TimeSpan.Zero, TimeSpan.FromSeconds(Faults.Pick(1, 10))), TimeProvider.System, Cancellation);
                    });
                }
            }

            account = await Ledger.CompareAsync(database, await load.FinishAsync(TimeSpan.FromSeconds(60)), Cancellation);
        }

        Faults.Say($"{answers}");
        Report.Write("every connection of the server taken by others", times, account);
        account.AssertComplete();
        answers.AssertPatient();
        await before.AssertAsync();
    }

    static async Task<string> FirstFrameAsync(HttpResponseMessage response)
    {
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(Cancellation));
        while (await reader.ReadLineAsync(Cancellation) is { } line)
            if (line.StartsWith("data:", StringComparison.Ordinal))
                return line;
        return "";
    }

    /// <summary>Somebody else's connections.</summary>
    sealed class Others(string connectionString) : IAsyncDisposable
    {
        readonly List<NpgsqlConnection> _connections = [];

        /// <summary>Takes what is free, and what the service has too, until the server gives no more.</summary>
        public async Task TakeAllAsync(int connectionsMax)
        {
            await Eventually.TrueAsync(async () =>
            {
                while (await TakeAsync())
                {
                }

                if (_connections.Count >= connectionsMax)
                    return true;
                await using var command = new NpgsqlCommand(
                    "select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'streaming%'", _connections[0]);
                await command.ExecuteNonQueryAsync(Cancellation);
                return false;
            }, "all connections of the server are taken");
        }

        async Task<bool> TakeAsync()
        {
            var connection = new NpgsqlConnection($"{connectionString};Pooling=false");
            try
            {
                await connection.OpenAsync(Cancellation);
                _connections.Add(connection);
                return true;
            }
            catch (PostgresException refused) when (refused.SqlState == PostgresErrorCodes.TooManyConnections)
            {
                await connection.DisposeAsync();
                return false;
            }
        }

        public async ValueTask DisposeAsync()
        {
            foreach (var connection in _connections)
                await connection.DisposeAsync();
        }
    }

    /// <summary>What clients were told that asked for states all the time.</summary>
    sealed class Answers
    {
        int _ok;
        int _unavailable;
        string? _other;

        public int Ok => _ok;

        public int Unavailable => _unavailable;

        public int Count => _ok + _unavailable;

        /// <summary>Asks with many clients at once until <paramref name="meanwhile"/> is done.</summary>
        public async Task CollectAsync(Uri address, GenerationLoad load, int clients, Func<Task> meanwhile)
        {
            using var client = Rig.Client(address);
            using var over = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
            var asking = Enumerable.Range(0, clients).Select(_ => AskAsync(client, load, over.Token)).ToList();
            try
            {
                await meanwhile();
            }
            finally
            {
                await over.CancelAsync();
                await Task.WhenAll(asking);
            }
        }

        async Task AskAsync(HttpClient client, GenerationLoad load, CancellationToken over)
        {
            var readers = load.Readers;
            for (var turn = 0; !over.IsCancellationRequested; turn++)
            {
                using var response = await client.GetAsync($"/api/ideations/{readers.ElementAt(turn % readers.Count).SessionId}", CancellationToken.None);
                var body = await response.Content.ReadAsStringAsync(CancellationToken.None);
                if (response.StatusCode == HttpStatusCode.OK)
                    Interlocked.Increment(ref _ok);
                else if (response.StatusCode == HttpStatusCode.ServiceUnavailable && response.Headers.RetryAfter is not null
                    && body.Contains("\"database_unavailable\"", StringComparison.Ordinal))
                    Interlocked.Increment(ref _unavailable);
                else
                    _other = $"{(int)response.StatusCode} {body}";
            }
        }

        /// <summary>200, or 503 <c>database_unavailable</c> with <c>Retry-After</c>, and nothing else.</summary>
        public void AssertPatient() => Assert.Null(_other);

        public override string ToString() => $"{_ok} requests were answered 200, {_unavailable} 503";
    }
}
