using System.Net;
using System.Text;
using System.Text.Json;
using Streaming.Http.Limits;
using Streaming.IntegrationTests.Fixtures;
using Streaming.Messages;
using Xunit;

namespace Streaming.IntegrationTests.Http;

/// <summary>Several sessions on one connection: for each of them the same promise as on a stream of its own.</summary>
public sealed class MultiStreamTests(ServiceFixture service) : IClassFixture<ServiceFixture>
{
    HttpClient Client => service.Host.Client;

    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Reader_that_is_cut_at_random_gets_every_message_of_every_session_once_and_in_order()
    {
        var seed = Environment.TickCount;
        TestContext.Current.SendDiagnosticMessage($"seed {seed}");
        var random = new Random(seed);
        // Two run at a time, so that others are queued; windows and pages are small, so that cursors fall behind.
        await using var host = await ServiceHost.StartAsync(service.Postgres, [
            new("Models:Offline:TokensPerSecond", "300"), new("Transforms:Concurrency", "2"),
            new("Subscriptions:WindowMessagesMax", "16"), new("Subscriptions:PageMessagesMax", "20")]);
        var finished = (await host.Client.IdeateAsync(ideaCount: 1)).Id();
        await host.Client.EndedAsync($"/api/ideations/{finished}");
        var sessions = new List<(string Kind, string Id)> { ("ideation", finished) };
        for (var i = 0; i < 5; i++)
            sessions.Add(("ideation", (await host.Client.IdeateAsync(ideaCount: 1)).Id()));
        var relay = await EndedRelayAsync(host.Client, 30);
        sessions.Add(("relay", relay));
        await using var proxy = new CuttableProxy(host.Address);
        proxy.Plan = () => new Cut(random.Next(200, 20_000), random.Next(2) == 0 ? CutKind.Fin : CutKind.Rst);
        using var client = new HttpClient { BaseAddress = proxy.Address, Timeout = TimeSpan.FromSeconds(60) };

        var events = await ReadUntil204Async(client, Path(sessions.Select(session => session.Id)));

        Assert.True(proxy.PlannedCuts > 5, $"{proxy.PlannedCuts} cuts");
        foreach (var (kind, id) in sessions)
        {
            var own = Of(events, id);
            Assert.True(IsContiguous(own, from: 0), $"seed {seed}: {kind} {string.Join(' ', own.Select(e => e.Index))}");
            var single = await host.Client.ReadStreamAsync($"/api/stream/{kind}/{id}", cancellation: Cancellation);
            Assert.Equal((single.TextOf(), single[^1].Index), (own.TextOf(), own[^1].Index));
        }
    }

    [Fact]
    public async Task Messages_are_those_of_the_single_streams_and_only_the_ids_differ()
    {
        string[] ids = [await EndedRelayAsync(Client, 2), await EndedRelayAsync(Client, 1)];
        var text = await Client.GetStringAsync(Path(ids), Cancellation);
        var events = text.Split("\n\n", StringSplitOptions.RemoveEmptyEntries);
        Assert.Matches(@"^retry: [12]\d{3}$|^retry: 3000$", events[0]);
        var expected = new List<string>();
        foreach (var id in ids)
            expected.AddRange((await Client.GetStringAsync($"/api/stream/relay/{id}", Cancellation)).Split("\n\n", StringSplitOptions.RemoveEmptyEntries)[1..]);
        Assert.Equal(expected.Select(e => e.Split('\n')[0]), events[1..].Select(e => e.Split('\n')[0]));
        Assert.Equal("id: 1-3.1-2", events[^1].Split('\n')[1]);
    }

    [Fact]
    public async Task Cursor_has_its_parts_in_the_order_of_the_ids()
    {
        var (a, b) = (await EndedRelayAsync(Client, 1), await EndedRelayAsync(Client, 4));
        var rest = await Client.ReadStreamAsync(Path([a, b]), "1-2.1-4", Cancellation);
        Assert.Equal([(b, 5)], rest.Select(e => (Session(e)!, e.Index!.Value)));
        rest = await Client.ReadStreamAsync(Path([b, a]), "1-4.1-2", Cancellation);
        Assert.Equal([(b, 5)], rest.Select(e => (Session(e)!, e.Index!.Value)));
        // What a state has as lastEventId makes a cursor with the others', and the query is as good as the header.
        rest = await Client.ReadStreamAsync($"{Path([a, b])}&lastEventId=-.1-5", cancellation: Cancellation);
        Assert.All(rest, e => Assert.Equal(a, Session(e)));
        Assert.True(IsContiguous(rest, from: 0));
    }

    [Fact]
    public async Task Everything_at_its_end_is_204_and_one_session_that_is_not_is_a_stream()
    {
        var (a, b) = (await EndedRelayAsync(Client, 1), await EndedRelayAsync(Client, 1));
        var last = (await Client.ReadStreamAsync(Path([a, b]), cancellation: Cancellation))[^1].Id;
        Assert.Equal("1-2.1-2", last);
        Assert.Equal(HttpStatusCode.NoContent, await StatusAsync(Client, Path([a, b]), last));
        Assert.Equal(["end"], (await Client.ReadStreamAsync(Path([a, b]), "1-2.1-1", Cancellation)).Select(e => e.Type));
    }

    [Fact]
    public async Task Cursor_ahead_of_a_session_resets_that_session_alone()
    {
        var (a, b) = (await EndedRelayAsync(Client, 3), await EndedRelayAsync(Client, 3));
        var events = await Client.ReadStreamAsync(Path([a, b]), "1-2.1-99", Cancellation);
        Assert.True(IsContiguous(Of(events, a), from: 3));
        var reset = Assert.Single(events, e => e.Type == "status");
        Assert.True(reset.Data.GetProperty("reset").GetBoolean());
        Assert.Equal(b, Session(reset));
        Assert.True(IsContiguous(Of(events, b), from: 0));
    }

    [Fact]
    public async Task Session_that_is_deleted_on_the_way_is_told_and_the_others_go_on()
    {
        var (a, b) = ((await Client.RelayAsync()).Id(), (await Client.RelayAsync()).Id());
        await using var events = Client.StreamAsync(Path([a, b]), cancellation: Cancellation).GetAsyncEnumerator(Cancellation);
        Assert.True(await events.MoveNextAsync());
        Assert.True(await events.MoveNextAsync());
        Assert.Equal("1-0.1-0", events.Current.Id);

        using (await Client.DeleteAsync($"/api/relays/{a}", Cancellation))
            Assert.True(await events.MoveNextAsync());
        Assert.Equal(("status", "deleted", a, "x.1-0"), (events.Current.Type, Code(events.Current), Session(events.Current), events.Current.Id));
        await AppendAsync(Client, b, 1);
        Assert.True(await events.MoveNextAsync());
        Assert.Equal((b, 1, "x.1-1"), (Session(events.Current), events.Current.Index, events.Current.Id));

        // Whoever was away just then is told as well, and who knows is not told again.
        await Client.PostJsonAsync($"/api/relays/{b}/end", null);
        var missed = await Client.ReadStreamAsync(Path([a, b]), "1-0.1-0", Cancellation);
        Assert.Equal(["deleted", null, null], missed.Select(Code));
        Assert.Equal(["end"], (await Client.ReadStreamAsync(Path([a, b]), "x.1-1", Cancellation)).Select(e => e.Type));
        Assert.Equal(HttpStatusCode.NoContent, await StatusAsync(Client, Path([a, b]), "x.1-2"));
        Assert.Equal(HttpStatusCode.NotFound, await StatusAsync(Client, Path([a, b])));
        Assert.True(await events.MoveNextAsync());
        Assert.Equal("end", events.Current.Type);
        Assert.False(await events.MoveNextAsync());
    }

    [Fact]
    public async Task Session_that_is_retried_on_the_way_begins_anew_with_the_next_connection()
    {
        await using var host = await ServiceHost.StartAsync(service.Postgres, [new("Models:Offline:TokensPerSecond", "50")]);
        var client = host.Client;
        var (a, b) = ((await client.IdeateAsync(ideaCount: 1)).Id(), (await client.RelayAsync()).Id());
        await using var events = client.StreamAsync(Path([a, b]), cancellation: Cancellation).GetAsyncEnumerator(Cancellation);
        await client.PostJsonAsync($"/api/ideations/{a}/cancel", null);
        var first = new List<StreamEvent>();
        do
        {
            Assert.True(await events.MoveNextAsync());
            first.Add(events.Current);
        } while (!first.Any(e => e.Type == "end") || !first.Any(e => Session(e) == b));
        await client.PostJsonAsync($"/api/ideations/{a}/retry", null);

        // This connection goes on with the other one.
        await AppendAsync(client, b, 1);
        Assert.True(await events.MoveNextAsync());
        Assert.Equal((b, 1), (Session(events.Current), events.Current.Index));
        var cursor = events.Current.Id;
        await client.PostJsonAsync($"/api/relays/{b}/end", null);
        Assert.True(await events.MoveNextAsync());
        Assert.False(await events.MoveNextAsync());

        var next = await client.ReadStreamAsync(Path([a, b]), cursor, Cancellation);
        Assert.True(Of(next, a)[0].Data.GetProperty("index").GetInt32() == 0);
        Assert.Equal([a], next.Where(e => e.Type == "status" && e.Index is null).Select(Session));
        Assert.True(IsContiguous(Of(next, a), from: 0));
        Assert.StartsWith("2-", next[^1].Id, StringComparison.Ordinal);
        Assert.True(IsContiguous(Of(next, b), from: 2));
    }

    [Fact]
    public async Task Slow_reader_behind_the_windows_loses_nothing()
    {
        await using var host = await ServiceHost.StartAsync(service.Postgres, [
            new("Subscriptions:WindowMessagesMax", "8"), new("Subscriptions:PageMessagesMax", "10"), new("Messages:DataBytesMax", "300000")]);
        string[] ids = [(await host.Client.RelayAsync()).Id(), (await host.Client.RelayAsync()).Id()];
        using var response = await host.Client.OpenStreamAsync(Path(ids), "1-0.1-0", Cancellation);
        // More than sockets and pipes hold: the writer stands still until somebody reads.
        var text = new string('x', 200_000);
        for (var i = 0; i < 60; i++)
            await host.Client.PostJsonAsync($"/api/relays/{ids[i % 2]}/messages", new { type = "chunk", text = $"{i}:{text}" }, HttpStatusCode.OK);
        foreach (var id in ids)
            await host.Client.PostJsonAsync($"/api/relays/{id}/end", null);
        await using var body = await response.Content.ReadAsStreamAsync(Cancellation);
        var events = new List<StreamEvent>();
        await foreach (var item in body.EventsAsync(Cancellation))
            events.Add(item);

        Assert.All(ids, id => Assert.True(IsContiguous(Of(events, id), from: 1)));
        Assert.Equal("1-31.1-31", events[^1].Id);
    }

    [Fact]
    public async Task Fifty_sessions_take_one_place_and_all_are_followed_live()
    {
        const int Sessions = 50;
        await using var host = await ServiceHost.StartAsync(service.Postgres);
        var ids = new List<string>();
        for (var i = 0; i < Sessions; i++)
            ids.Add((await host.Client.RelayAsync()).Id());
        using var response = await host.Client.OpenStreamAsync(Path(ids), cancellation: Cancellation);
        Assert.Equal(1, host.Service<OpenStreams>().Count);
        await using var body = await response.Content.ReadAsStreamAsync(Cancellation);
        await using var events = body.EventsAsync(Cancellation).GetAsyncEnumerator(Cancellation);
        var read = new List<StreamEvent>();
        await ReadUntilAsync(Sessions);

        for (var round = 0; round < 5; round++)
        {
            await Task.WhenAll(ids.Select(id => AppendAsync(host.Client, id, 1)));
            await ReadUntilAsync((round + 2) * Sessions);
        }

        await Task.WhenAll(ids.Select(id => host.Client.PostJsonAsync($"/api/relays/{id}/end", null)));
        await ReadUntilAsync(7 * Sessions);
        Assert.False(await events.MoveNextAsync());
        Assert.All(ids, id => Assert.True(IsContiguous(Of(read, id), from: 0)));
        Assert.Equal(string.Join('.', Enumerable.Repeat("1-6", Sessions)), read[^1].Id);
        await Eventually.TrueAsync(() => Task.FromResult(host.Service<OpenStreams>().Count == 0), "the place is free");

        async Task ReadUntilAsync(int count)
        {
            while (read.Count < count)
            {
                Assert.True(await events.MoveNextAsync());
                read.Add(events.Current);
            }
        }
    }

    [Fact]
    public async Task Sessions_whose_messages_were_removed_are_result_and_end_also_under_the_reader()
    {
        await using var host = await ServiceHost.StartAsync(service.Postgres, [
            new("Retention:GracePeriod", "00:00:00"), new("Retention:Interval", "1.00:00:00"), new("Subscriptions:WindowMessagesMax", "4"),
            new("Messages:DataBytesMax", "300000")]);
        var removed = await EndedRelayAsync(host.Client, 3);
        await RemoveAllAsync();
        var (under, live) = ((await host.Client.RelayAsync()).Id(), (await host.Client.RelayAsync()).Id());
        string[] ids = [removed, under, live];
        using var response = await host.Client.OpenStreamAsync(Path(ids), "1-1.1-0.1-0", Cancellation);
        // The writer stands still with messages that are still in the table, until they are not.
        var text = new string('x', 200_000);
        for (var i = 0; i < 60; i++)
            await host.Client.PostJsonAsync($"/api/relays/{under}/messages", new { type = "chunk", text = $"{i}:{text}" }, HttpStatusCode.OK);
        await host.Client.PostJsonAsync($"/api/relays/{under}/end", null);
        await RemoveAllAsync();
        await AppendAsync(host.Client, live, 3);
        await host.Client.PostJsonAsync($"/api/relays/{live}/end", null);

        var events = new List<StreamEvent>();
        await using var body = await response.Content.ReadAsStreamAsync(Cancellation);
        await foreach (var item in body.EventsAsync(Cancellation))
            events.Add(item);

        foreach (var (id, end) in ((string, int)[])[(removed, 4), (under, 61)])
        {
            var own = events.Where(e => Session(e) == id).ToList();
            var reset = own.FindIndex(e => e.Type == "status");
            Assert.Equal(["status", "result", "end"], own[reset..].Select(e => e.Type));
            Assert.Equal((0, end - 1, end), (own[^2].First, own[^2].Index, own[^1].Index));
        }

        Assert.True(IsContiguous(Of(events, live), from: 1));
        Assert.Equal("1-4.1-61.1-4", events[^1].Id);
        Assert.Equal(HttpStatusCode.NoContent, await StatusAsync(host.Client, Path(ids), events[^1].Id));

        async Task RemoveAllAsync()
        {
            while (await host.Service<MessageRetention>().RemoveBatchAsync(Cancellation) is { Transforms: > 0 })
            {
            }
        }
    }

    [Fact]
    public async Task Silence_of_all_sessions_is_one_heartbeat_without_an_id()
    {
        await using var host = await ServiceHost.StartAsync(service.Postgres, [new("Subscriptions:HeartbeatInterval", "00:00:00.2")]);
        string[] ids = [(await host.Client.RelayAsync()).Id(), (await host.Client.RelayAsync()).Id()];
        await using var events = host.Client.StreamAsync(Path(ids), "1-0.1-0", Cancellation).GetAsyncEnumerator(Cancellation);
        Assert.True(await events.MoveNextAsync());
        Assert.Equal(("heartbeat", null, null), (events.Current.Type, Session(events.Current), events.Current.Index));
        Assert.True(string.IsNullOrEmpty(events.Current.Id));
    }

    [Fact]
    public async Task Service_that_stops_says_so_once_and_cuts_the_connection()
    {
        await using var host = await ServiceHost.StartAsync(service.Postgres);
        string[] ids = [(await host.Client.RelayAsync()).Id(), (await host.Client.RelayAsync()).Id()];
        await using var events = host.Client.StreamAsync(Path(ids), cancellation: Cancellation).GetAsyncEnumerator(Cancellation);
        Assert.True(await events.MoveNextAsync());
        Assert.True(await events.MoveNextAsync());
        var stopping = host.StopAsync();
        Assert.True(await events.MoveNextAsync());
        Assert.True(events.Current.Data.GetProperty("reconnect").GetBoolean());
        Assert.Null(Session(events.Current));
        await Assert.ThrowsAnyAsync<IOException>(async () => await events.MoveNextAsync());
        await stopping;
    }

    [Fact]
    public async Task One_stream_more_than_a_user_may_have_is_told_to_come_again()
    {
        await using var host = await ServiceHost.StartAsync(service.Postgres, [new("Limits:StreamsPerUserMax", "1")]);
        string[] ids = [(await host.Client.RelayAsync()).Id(), (await host.Client.RelayAsync()).Id()];
        using var open = await host.Client.OpenStreamAsync(Path(ids), cancellation: Cancellation);
        using var response = await host.Client.OpenStreamAsync(Path(ids), cancellation: Cancellation);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        var text = new MemoryStream();
        await using var body = await response.Content.ReadAsStreamAsync(Cancellation);
        await Assert.ThrowsAnyAsync<IOException>(() => body.CopyToAsync(text, Cancellation));
        Assert.Matches("""^retry: (5|6|7|8|9|1[0-5])\d{3}\n\ndata: \{"type":"status","reconnect":true,"code":"too_many_streams","timestamp":\d+\}\n\n$""",
            Encoding.UTF8.GetString(text.ToArray()));
    }

    [Theory]
    [InlineData("", null, "invalid_fields")]
    [InlineData("?ids=", null, "invalid_fields")]
    [InlineData("?ids=17", null, "invalid_id")]
    [InlineData("?ids={a},", null, "invalid_id")]
    [InlineData("?ids={a},{a}", null, "invalid_fields")]
    [InlineData("?ids={51}", null, "invalid_fields")]
    [InlineData("?ids={a},{b}", "1-1", "invalid_cursor")]
    [InlineData("?ids={a},{b}", "1-1.1-1.1-1", "invalid_cursor")]
    [InlineData("?ids={a},{b}", "1-1.01-1", "invalid_cursor")]
    [InlineData("?ids={a}&lastEventId=y", null, "invalid_cursor")]
    public async Task Request_that_is_not_valid_is_a_problem(string query, string? cursor, string code)
    {
        query = query.Replace("{a}", $"{Guid.NewGuid()}", StringComparison.Ordinal).Replace("{b}", $"{Guid.NewGuid()}", StringComparison.Ordinal)
            .Replace("{51}", string.Join(',', Enumerable.Range(0, 51).Select(_ => Guid.NewGuid())), StringComparison.Ordinal);
        using var response = await Client.OpenStreamAsync($"/api/stream{query}", cursor, Cancellation);
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Equal(code, JsonSerializer.Deserialize<JsonElement>(await response.Content.ReadAsStringAsync(Cancellation)).GetProperty("code").GetString());
    }

    static string Path(IEnumerable<string> ids) => $"/api/stream?ids={string.Join(',', ids)}";

    static string? Session(StreamEvent item) => item.Data.TryGetProperty("sessionId", out var id) ? id.GetString() : null;

    static string? Code(StreamEvent item) => item.Data.TryGetProperty("code", out var code) ? code.GetString() : null;

    /// <summary>The messages of one session.</summary>
    static List<StreamEvent> Of(IEnumerable<StreamEvent> events, string id) => [.. events.Where(e => Session(e) == id && e.Index is not null)];

    static bool IsContiguous(List<StreamEvent> events, int from)
    {
        foreach (var item in events)
        {
            if (item.First != from)
                return false;
            from = item.Index!.Value + 1;
        }

        return events is [.., { Type: "end" }];
    }

    static async Task<HttpStatusCode> StatusAsync(HttpClient client, string path, string? cursor = null)
    {
        using var response = await client.OpenStreamAsync(path, cursor, Cancellation);
        return response.StatusCode;
    }

    static Task<JsonElement> AppendAsync(HttpClient client, string relay, int count) => client.PostJsonAsync(
        $"/api/relays/{relay}/messages", Enumerable.Range(0, count).Select(i => new { type = "chunk", stage = $"{i}", text = $"{i};" }), HttpStatusCode.OK);

    static async Task<string> EndedRelayAsync(HttpClient client, int messages)
    {
        var id = (await client.RelayAsync()).Id();
        await AppendAsync(client, id, messages);
        await client.PostJsonAsync($"/api/relays/{id}/end", null);
        return id;
    }

    /// <summary>As an EventSource reads: again and again from the last id, whatever breaks, until 204.</summary>
    static async Task<List<StreamEvent>> ReadUntil204Async(HttpClient client, string path)
    {
        var (events, cursor) = (new List<StreamEvent>(), (string?)null);
        while (true)
        {
            try
            {
                using var response = await client.OpenStreamAsync(path, cursor, Cancellation);
                if (response.StatusCode == HttpStatusCode.NoContent)
                    return events;
                response.EnsureSuccessStatusCode();
                await using var body = await response.Content.ReadAsStreamAsync(Cancellation);
                await foreach (var item in body.EventsAsync(Cancellation))
                {
                    events.Add(item);
                    if (item.Index is not null)
                        cursor = item.Id;
                }
            }
            catch (Exception fault) when (fault is HttpRequestException or IOException)
            {
                // Cut.
            }
        }
    }
}
