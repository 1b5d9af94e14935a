using System.Net;
using System.Text.Json;
using Npgsql;
using Streaming.IntegrationTests.Fixtures;
using Streaming.Messages;
using Xunit;

namespace Streaming.IntegrationTests.Messages;

/// <summary>Messages go after their time, and no reader ever sees a stream with a hole.</summary>
public sealed class MessageRetentionTests(PostgresServer postgres) : IAsyncLifetime
{
    const int BatchMessagesMax = 40;

    // No grace, and nothing is removed but by the test.
    static readonly KeyValuePair<string, string>[] OnDemand =
    [
        new("Retention:GracePeriod", "00:00:00"), new("Retention:Interval", "1.00:00:00"), new("Retention:BatchMessagesMax", $"{BatchMessagesMax}"),
        new("Messages:DataBytesMax", "300000"),
    ];

    ServiceHost _host = null!;

    HttpClient Client => _host.Client;

    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _host = await ServiceHost.StartAsync(postgres, OnDemand);

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Fact]
    public async Task Messages_go_and_artifacts_stay_when_the_grace_period_is_over()
    {
        await using var host = await ServiceHost.StartAsync(postgres, [new("Retention:GracePeriod", "00:00:00.001"), new("Retention:Interval", "00:00:00.02")]);
        var made = await host.Client.IdeateAsync();
        await host.Client.EndedAsync($"/api/ideations/{made.Id()}");
        await Eventually.TrueAsync(async () => await ScalarAsync(host, "select count(*) from transforms where messages_removed_at is not null") == 1, "the messages have gone");
        Assert.Equal(0, await ScalarAsync(host, "select count(*) from transform_chunks"));
        Assert.Equal(2, await ScalarAsync(host, "select count(*) from artifacts"));
        Assert.Equal(2, (await host.Client.StateAsync($"/api/ideations/{made.Id()}")).GetProperty("ideas").GetArrayLength());
    }

    [Fact]
    public async Task Stream_is_result_and_end_afterwards_and_the_state_is_as_it_was()
    {
        var made = await Client.IdeateAsync();
        var path = $"/api/ideations/{made.Id()}";
        await Client.EndedAsync(path);
        var (before, tag) = await GetAsync(path);
        var full = await Client.ReadStreamAsync($"/api/stream/ideation/{made.Id()}");
        await RemoveAllAsync();

        Assert.Equal((before, tag), await GetAsync(path));
        using var poll = new HttpRequestMessage(HttpMethod.Get, path);
        poll.Headers.TryAddWithoutValidation("If-None-Match", tag);
        using var unchanged = await Client.SendAsync(poll, Cancellation);
        Assert.Equal(HttpStatusCode.NotModified, unchanged.StatusCode);

        var events = await Client.ReadStreamAsync($"/api/stream/ideation/{made.Id()}");
        Assert.Equal(["result", "end"], events.Select(e => e.Type));
        Assert.Equal(full.TakeLast(2).Select(e => e.Id), events.Select(e => e.Id));
        Assert.True(JsonElement.DeepEquals(full[^2].Data.GetProperty("ideas"), events[0].Data.GetProperty("ideas")));
        // No index is left out, as in any stream.
        Assert.Equal((0, events[0].Index + 1), (events[0].First, events[1].First));
        Assert.Equal("completed", events[1].Data.Status());
    }

    [Fact]
    public async Task Cursors_before_at_and_after_what_was_removed_get_what_the_protocol_says()
    {
        var relay = await EndedRelayAsync(5);
        await RemoveAllAsync();
        var path = $"/api/stream/relay/{relay}";

        Assert.Equal(["status", "result", "end"], await TypesAsync("1-0"));
        Assert.Equal(["status", "result", "end"], await TypesAsync("1-3"));
        Assert.Equal(["end"], await TypesAsync("1-5"));
        Assert.Equal(["status", "result", "end"], await TypesAsync("1-7"));
        Assert.Equal(["status", "result", "end"], await TypesAsync("2-0"));
        Assert.True((await Client.ReadStreamAsync(path, "1-3"))[0].Data.GetProperty("reset").GetBoolean());
        using var end = await Client.OpenStreamAsync(path, "1-6");
        Assert.Equal(HttpStatusCode.NoContent, end.StatusCode);
        Assert.Equal("1-6", (await Client.StateAsync($"/api/relays/{relay}")).GetProperty("lastEventId").GetString());

        async Task<string[]> TypesAsync(string cursor) => [.. (await Client.ReadStreamAsync(path, cursor)).Select(e => e.Type)];
    }

    [Fact]
    public async Task Failed_and_cancelled_transforms_keep_their_status_and_error()
    {
        var relay = await Client.RelayAsync();
        await Client.PostJsonAsync($"/api/relays/{relay.Id()}/messages", new { type = "chunk", text = "lost" }, HttpStatusCode.OK);
        await Client.PostJsonAsync($"/api/relays/{relay.Id()}/cancel", null);
        Assert.Equal("lost", (await Client.StateAsync($"/api/relays/{relay.Id()}")).GetProperty("text").GetString());
        await RemoveAllAsync();

        var events = await Client.ReadStreamAsync($"/api/stream/relay/{relay.Id()}");
        Assert.Equal(["result", "end"], events.Select(e => e.Type));
        Assert.Equal("cancelled", events[1].Data.Status());
        var state = await Client.StateAsync($"/api/relays/{relay.Id()}");
        Assert.Equal("cancelled", state.Status());
        Assert.False(state.TryGetProperty("text", out _));
    }

    [Fact]
    public async Task Running_transforms_keep_theirs()
    {
        var running = await Client.RelayAsync();
        await EndedRelayAsync(3);
        await RemoveAllAsync();
        Assert.Equal(1, await ScalarAsync(_host, "select count(*) from transform_chunks"));
        Assert.Equal("1-0", (await Client.StateAsync($"/api/relays/{running.Id()}")).GetProperty("lastEventId").GetString());
    }

    [Fact]
    public async Task Messages_of_an_ended_transform_stay_within_the_grace_period()
    {
        await using var host = await ServiceHost.StartAsync(postgres, [new("Retention:Interval", "1.00:00:00")]);
        var relay = await host.Client.RelayAsync();
        await host.Client.PostJsonAsync($"/api/relays/{relay.Id()}/end", null);
        Assert.Equal(default, await host.Service<MessageRetention>().RemoveBatchAsync(Cancellation));
        Assert.Equal(2, await ScalarAsync(host, "select count(*) from transform_chunks"));
    }

    [Fact]
    public async Task Batches_are_bounded_and_a_transform_that_fits_goes_whole()
    {
        // 12 messages each: three of them fit into a batch of 40.
        for (var i = 0; i < 4; i++)
            await EndedRelayAsync(10);
        var retention = _host.Service<MessageRetention>();
        Assert.Equal(new MessageRetention.Batch(3, 36), await retention.RemoveBatchAsync(Cancellation));
        Assert.Equal(12, await ScalarAsync(_host, "select count(*) from transform_chunks"));
        Assert.Equal(new MessageRetention.Batch(1, 12), await retention.RemoveBatchAsync(Cancellation));
        Assert.Equal(default, await retention.RemoveBatchAsync(Cancellation));
    }

    [Fact]
    public async Task Large_transform_is_short_from_its_first_batch_on()
    {
        var relay = await EndedRelayAsync(100);
        var retention = _host.Service<MessageRetention>();
        for (var left = 102; left > 0; left -= BatchMessagesMax)
        {
            Assert.Equal(new MessageRetention.Batch(1, Math.Min(left, BatchMessagesMax)), await retention.RemoveBatchAsync(Cancellation));
            var events = await Client.ReadStreamAsync($"/api/stream/relay/{relay}");
            Assert.Equal([("result", "1-100"), ("end", "1-101")], events.Select(e => (e.Type, e.Id!)));
        }

        Assert.Equal(0, await ScalarAsync(_host, "select count(*) from transform_chunks"));
        Assert.Equal(default, await retention.RemoveBatchAsync(Cancellation));
    }

    [Fact]
    public async Task Two_services_remove_side_by_side_and_everything_goes_once()
    {
        await using var other = await ServiceHost.StartAsync(postgres, OnDemand, _host.ConnectionString);
        for (var i = 0; i < 20; i++)
            await EndedRelayAsync(10);
        await EndedRelayAsync(200);
        var removed = await Task.WhenAll(Enumerable.Range(0, 4).Select(i => Task.Run(async () =>
        {
            var messages = 0;
            while (await ScalarAsync(_host, "select count(*) from transforms where messages_removed_at is null") > 0)
                messages += (await (i % 2 == 0 ? _host : other).Service<MessageRetention>().RemoveBatchAsync(Cancellation)).Messages;
            return messages;
        })));
        Assert.Equal(20 * 12 + 202, removed.Sum());
        Assert.Equal(0, await ScalarAsync(_host, "select count(*) from transform_chunks"));
        Assert.Equal(21, await ScalarAsync(_host, "select count(*) from transforms where last_index = 11 or last_index = 201"));
    }

    [Fact]
    public async Task Slow_reader_in_the_middle_of_a_catch_up_gets_a_reset_and_the_short_form()
    {
        await using var host = await ServiceHost.StartAsync(postgres, [.. OnDemand, new("Subscriptions:PageMessagesMax", "10")]);
        var relay = await host.Client.RelayAsync();
        // More than sockets and pipes hold: the writer stands still until somebody reads.
        var text = new string('x', 200_000);
        for (var i = 0; i < 20; i++)
            await host.Client.PostJsonAsync($"/api/relays/{relay.Id()}/messages", Enumerable.Range(0, 5).Select(_ => new { type = "chunk", text }), HttpStatusCode.OK);
        await host.Client.PostJsonAsync($"/api/relays/{relay.Id()}/end", null);
        using var response = await host.Client.OpenStreamAsync($"/api/stream/relay/{relay.Id()}");
        await using var body = await response.Content.ReadAsStreamAsync(Cancellation);
        await using var events = body.EventsAsync(Cancellation).GetAsyncEnumerator(Cancellation);
        Assert.True(await events.MoveNextAsync());
        var next = 0;
        // Only the first batch: the rest of the rows is still there, and yet nobody may go on with it.
        await host.Service<MessageRetention>().RemoveBatchAsync(Cancellation);
        while (events.Current.Type != "status")
        {
            Assert.Equal(next, events.Current.First);
            next = events.Current.Index!.Value + 1;
            Assert.True(await events.MoveNextAsync());
        }

        Assert.True(next < 40, $"{next} messages were sent before the reset");
        Assert.True(events.Current.Data.GetProperty("reset").GetBoolean());
        Assert.True(await events.MoveNextAsync());
        Assert.Equal(("result", "1-100", 0), (events.Current.Type, events.Current.Id, events.Current.First));
        Assert.True(await events.MoveNextAsync());
        Assert.Equal(("end", "1-101"), (events.Current.Type, events.Current.Id));
        Assert.False(await events.MoveNextAsync());
    }

    [Fact]
    public async Task Reader_that_was_told_nothing_of_the_end_is_not_left_waiting()
    {
        var relay = await Client.RelayAsync();
        using var response = await Client.OpenStreamAsync($"/api/stream/relay/{relay.Id()}", "1-0");
        await using var body = await response.Content.ReadAsStreamAsync(Cancellation);
        // Replica mode fires no trigger: nobody is told of the end, nor of the removal.
        await ExecuteAsync($"""
            set session_replication_role = replica;
            update transforms set status = 'completed', ended_at = clock_timestamp(), last_index = 5, messages_removed_at = clock_timestamp();
            delete from transform_chunks;
            set session_replication_role = origin
            """);
        var types = new List<string>();
        await foreach (var item in body.EventsAsync(Cancellation))
            types.Add(item.Type);
        Assert.Equal(["status", "result", "end"], types);
    }

    [Fact]
    public async Task Retried_session_streams_its_newest_transform_when_the_older_ones_messages_have_gone()
    {
        var made = await Client.IdeateAsync();
        await Client.EndedAsync($"/api/ideations/{made.Id()}");
        await ExecuteAsync("update transforms set status = 'failed'");
        await RemoveAllAsync();
        await Client.PostJsonAsync($"/api/ideations/{made.Id()}/retry", null);
        Assert.Equal("completed", (await Client.EndedAsync($"/api/ideations/{made.Id()}")).Status());
        var events = await Client.ReadStreamAsync($"/api/stream/ideation/{made.Id()}");
        Assert.Equal(("start", "2-0"), (events[0].Type, events[0].Id));
    }

    async Task<string> EndedRelayAsync(int messages)
    {
        var relay = await Client.RelayAsync();
        await Client.PostJsonAsync($"/api/relays/{relay.Id()}/messages", Enumerable.Range(0, messages).Select(i => new { type = "chunk", text = $"{i};" }), HttpStatusCode.OK);
        await Client.PostJsonAsync($"/api/relays/{relay.Id()}/end", null);
        return relay.Id();
    }

    async Task RemoveAllAsync()
    {
        while (await _host.Service<MessageRetention>().RemoveBatchAsync(Cancellation) is { Transforms: > 0 } batch)
            Assert.InRange(batch.Messages, 0, BatchMessagesMax);
    }

    async Task<(string Body, string Tag)> GetAsync(string path)
    {
        using var response = await Client.GetAsync(path, Cancellation);
        return (await response.Content.ReadAsStringAsync(Cancellation), response.Headers.ETag!.Tag);
    }

    Task<long> ExecuteAsync(string sql) => ScalarAsync(_host, sql);

    static async Task<long> ScalarAsync(ServiceHost host, string sql)
    {
        await using var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(host.ConnectionString) { Pooling = false }.ConnectionString);
        await connection.OpenAsync(Cancellation);
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync(Cancellation) is long count ? count : 0;
    }
}
