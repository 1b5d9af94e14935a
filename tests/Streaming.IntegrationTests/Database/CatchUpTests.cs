using System.Net;
using Npgsql;
using Streaming.Database;
using Streaming.IntegrationTests.Fixtures;
using Xunit;

namespace Streaming.IntegrationTests.Database;

/// <summary>Streams that come back together are read together, and nobody else waits for them.</summary>
public sealed class CatchUpTests(PostgresServer server)
{
    const int Streams = 40;

    [Fact]
    public async Task Streams_that_open_together_share_their_statements_and_each_gets_its_own_messages()
    {
        await using var host = await ServiceHost.StartAsync(server, [new("Database:CatchUpsMax", "1")]);
        var relays = new List<string>();
        for (var i = 0; i < Streams; i++)
        {
            var id = (await host.Client.RelayAsync()).GetProperty("id").GetString()!;
            foreach (var text in (string[])[$"one of {i}", $"two of {i}"])
                await host.Client.PostJsonAsync($"/api/relays/{id}/messages", new { type = "chunk", text }, HttpStatusCode.OK);
            await host.Client.PostJsonAsync($"/api/relays/{id}/messages", new { type = "end" }, HttpStatusCode.OK);
            relays.Add(id);
        }

        await using var source = NpgsqlDataSource.Create(host.ConnectionString);
        await using var connection = await source.OpenConnectionAsync(TestContext.Current.CancellationToken);
        await using var held = await connection.BeginTransactionAsync(TestContext.Current.CancellationToken);
        await using (var command = new NpgsqlCommand("lock table sessions in access exclusive mode", connection))
            await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);

        using var queries = new QueryCount(host.ConnectionString);
        var reading = relays.Select(id => host.Client.ReadStreamAsync($"/api/stream/relay/{id}", "1-1")).ToList();
        var requests = host.Service<Streaming.Http.Limits.OpenStreams>();
        await Eventually.TrueAsync(() => Task.FromResult(requests.Count == Streams), "All have asked.");
        // A request that needs none of what they wait for.
        Assert.Equal(7, await host.Service<Postgres>().RunAsync(async free =>
        {
            await using var command = new NpgsqlCommand("select 7", free);
            return (int)(await command.ExecuteScalarAsync(TestContext.Current.CancellationToken))!;
        }, TestContext.Current.CancellationToken));
        await held.RollbackAsync(TestContext.Current.CancellationToken);

        var streams = await Task.WhenAll(reading);
        for (var i = 0; i < Streams; i++)
            Assert.Equal((2, 3, $"two of {i}"), (streams[i][0].Index, streams[i][^1].Index, streams[i][0].Text));
        TestContext.Current.SendDiagnosticMessage($"{queries.Total} queries for {Streams} streams");
        // Alone they would be two each. How many share one hangs on how many come while one is read, and the service has its own.
        Assert.InRange(queries.Total, 3, Streams);
    }
}
