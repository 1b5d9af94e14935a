using System.Net;
using Npgsql;
using Streaming.IntegrationTests.Fixtures;
using Xunit;

namespace Streaming.IntegrationTests.Subscriptions;

/// <summary>Whatever happens between the table and a reader: every message once and in order.</summary>
public sealed class DeliveryTests(ServiceFixture service) : IClassFixture<ServiceFixture>
{
    HttpClient Client => service.Host.Client;

    [Fact]
    public async Task Reader_that_falls_behind_the_window_reads_on_from_the_table()
    {
        await using var host = await ServiceHost.StartAsync(service.Postgres, [
            new("Subscriptions:WindowMessagesMax", "8"), new("Subscriptions:PageMessagesMax", "10"), new("Messages:DataBytesMax", "300000")]);
        var relay = await host.Client.RelayAsync();
        using var response = await host.Client.OpenStreamAsync($"/api/stream/relay/{relay.Id()}", "1-0");
        // More than sockets and pipes hold: the writer stands still until somebody reads.
        var text = new string('x', 200_000);
        for (var i = 0; i < 60; i++)
            await host.Client.PostJsonAsync($"/api/relays/{relay.Id()}/messages", new { type = "chunk", text = $"{i}:{text}" }, HttpStatusCode.OK);
        await host.Client.PostJsonAsync($"/api/relays/{relay.Id()}/end", null);
        await using var body = await response.Content.ReadAsStreamAsync();
        var next = 1;
        await foreach (var item in body.EventsAsync())
        {
            Assert.Equal(next, item.First);
            next = item.Index!.Value + 1;
        }

        Assert.Equal(62, next);
    }

    [Fact]
    public async Task Pages_that_end_at_their_bytes_leave_nothing_out()
    {
        const int Messages = 40;
        const int PageBytes = 1000;
        await using var host = await ServiceHost.StartAsync(service.Postgres, [
            new("Subscriptions:PageBytesMax", $"{PageBytes}"), new("Subscriptions:WindowMessagesMax", "4"), new("Subscriptions:MergedBytesMax", "1")]);
        var relay = await host.Client.RelayAsync();
        var path = $"/api/stream/relay/{relay.Id()}";
        var live = host.Client.ReadStreamAsync(path);
        await using (var source = NpgsqlDataSource.Create(host.ConnectionString))
        {
            // In one statement, by somebody else: below a page, just a page, and many times one, in one notification.
            await using var command = source.CreateCommand(
                "insert into transform_chunks (transform_id, chunk_index, chunk_type, chunk_data) select $1, n, 'chunk', repeat('x', (array[10, 499, 500, 501, 1000, 5000])[1 + n % 6]) from generate_series(1, $2) as n");
            command.Parameters.Add(new NpgsqlParameter { Value = relay.GetProperty("streamingData").GetProperty("transformId").GetGuid() });
            command.Parameters.Add(new NpgsqlParameter { Value = Messages });
            await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
        }

        await host.Client.PostJsonAsync($"/api/relays/{relay.Id()}/end", null);
        foreach (var events in (List<StreamEvent>[])[await live, await host.Client.ReadStreamAsync(path)])
        {
            Assert.Equal(Enumerable.Range(0, Messages + 2), events.Select(e => e.Index!.Value));
            Assert.All(events.Where(e => e.Type == "chunk"), e => Assert.Equal(((int[])[10, 499, 500, 501, 1000, 5000])[e.Index!.Value % 6], e.Text!.Length));
        }
    }

    [Fact]
    public async Task Burst_larger_than_one_flush_arrives_whole_though_nothing_follows_it()
    {
        var relay = await Client.RelayAsync();
        // Below the interval of heartbeats, which would wake a stream that has forgotten the rest.
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(5));
        await using var events = Client.StreamAsync($"/api/stream/relay/{relay.Id()}", "1-0", deadline.Token).GetAsyncEnumerator();
        await Client.PostJsonAsync($"/api/relays/{relay.Id()}/messages", new { type = "chunk", text = "first" }, HttpStatusCode.OK);
        Assert.True(await events.MoveNextAsync());
        var text = new string('x', 10_000);
        await Client.PostJsonAsync($"/api/relays/{relay.Id()}/messages", Enumerable.Range(2, 40).Select(i => new { type = "chunk", text = $"{i}{text}" }), HttpStatusCode.OK);
        for (var i = 2; i <= 41; i++)
        {
            Assert.True(await events.MoveNextAsync());
            Assert.Equal(i, events.Current.Index);
        }
    }

    [Fact]
    public async Task Lost_listener_connection_costs_no_message()
    {
        var relay = await Client.RelayAsync();
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        await using var events = Client.StreamAsync($"/api/stream/relay/{relay.Id()}", "1-0", deadline.Token).GetAsyncEnumerator();
        for (var i = 1; i <= 5; i++)
        {
            await ExecuteAsync(service.Host, "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'streaming listener' and datname = current_database()");
            await ExecuteAsync(service.Host, $"select append_message('{TransformId(relay)}', 'chunk', '{i}')");
            Assert.True(await events.MoveNextAsync());
            Assert.Equal((i, $"{i}"), (events.Current.Index, events.Current.Text));
        }
    }

    [Fact]
    public async Task Lost_notification_is_made_good_by_the_reconciliation()
    {
        var relay = await Client.RelayAsync();
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        await using var events = Client.StreamAsync($"/api/stream/relay/{relay.Id()}", "1-0", deadline.Token).GetAsyncEnumerator();
        // Replica mode fires no trigger: the row is there and nobody was told.
        await ExecuteAsync(service.Host, $"set session_replication_role = replica; insert into transform_chunks (transform_id, chunk_index, chunk_type, chunk_data) values ('{TransformId(relay)}', 1, 'chunk', 'silent'); set session_replication_role = origin");
        Assert.True(await events.MoveNextAsync());
        Assert.Equal("silent", events.Current.Text);
    }

    [Fact]
    public async Task Two_services_on_one_database_serve_each_others_streams()
    {
        await using var other = await ServiceHost.StartAsync(service.Postgres, connectionString: service.Host.ConnectionString);
        var made = await Client.IdeateAsync(ideaCount: 3);
        var streams = await Task.WhenAll(
            Client.ReadStreamAsync($"/api/stream/ideation/{made.Id()}"), other.Client.ReadStreamAsync($"/api/stream/ideation/{made.Id()}"));
        Assert.Equal(streams[0].TextOf(), streams[1].TextOf());
        Assert.Equal(streams[0][^1].Id, streams[1][^1].Id);
    }

    [Fact]
    public async Task Thousand_messages_in_one_statement_reach_all_readers()
    {
        var relay = await Client.RelayAsync();
        var readers = Enumerable.Range(0, 30).Select(_ => Client.ReadStreamAsync($"/api/stream/relay/{relay.Id()}")).ToList();
        await ExecuteAsync(service.Host, $"insert into transform_chunks (transform_id, chunk_index, chunk_type, chunk_data) select '{TransformId(relay)}', i, 'chunk', i || ';' from generate_series(1, 5000) as i");
        await Client.PostJsonAsync($"/api/relays/{relay.Id()}/end", null);
        var expected = string.Concat(Enumerable.Range(1, 5000).Select(i => $"{i};"));
        foreach (var events in await Task.WhenAll(readers))
            Assert.Equal(expected, events.TextOf());
    }

    [Fact]
    public async Task Bogus_notifications_harm_nothing()
    {
        var relay = await Client.RelayAsync();
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        await using var events = Client.StreamAsync($"/api/stream/relay/{relay.Id()}", "1-0", deadline.Token).GetAsyncEnumerator();
        await ExecuteAsync(service.Host, $"select pg_notify('transform_changes', p) from unnest(array['', 'x', '{TransformId(relay)}:', '{TransformId(relay)}:99999999999', '{TransformId(relay)}:1000000', ',,']) as p");
        await ExecuteAsync(service.Host, "select pg_notify('transform_status', 'x:y'), pg_notify('session_artifacts', 'x')");
        await ExecuteAsync(service.Host, $"select append_message('{TransformId(relay)}', 'chunk', 'still here')");
        Assert.True(await events.MoveNextAsync());
        Assert.Equal("still here", events.Current.Text);
        Assert.Equal(HttpStatusCode.OK, (await Client.GetAsync("/health/ready")).StatusCode);
    }

    static string TransformId(System.Text.Json.JsonElement relay) => relay.GetProperty("streamingData").GetProperty("transformId").GetString()!;

    static async Task ExecuteAsync(ServiceHost host, string sql)
    {
        await using var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(host.ConnectionString) { Pooling = false }.ConnectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }
}
