using System.Net;
using System.Net.WebSockets;
using System.Text.Json;
using Npgsql;
using Streaming.IntegrationTests.Fixtures;
using Streaming.WebSockets;
using Xunit;

namespace Streaming.IntegrationTests.WebSockets;

/// <summary>What the channels of users carry, over cuts, deletes, retries and lost notifications: every message once, in order.</summary>
public sealed class ChannelTests(ServiceFixture service) : IClassFixture<ServiceFixture>
{
    const string Channel = "user:local:streams";

    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Reader_that_is_cut_at_random_gets_every_message_of_every_session_once_and_in_order()
    {
        const int CutsMin = 25;
        var seed = Environment.TickCount;
        TestContext.Current.SendDiagnosticMessage($"seed {seed}");
        var random = new Random(seed);
        // Two run at a time, so that others are queued; windows, pages and places are few, so that cursors fall behind and sessions wait.
        await using var host = await ServiceHost.StartAsync(service.Postgres, [
            new("Models:Offline:TokensPerSecond", "400"), new("Transforms:Concurrency", "2"), new("WebSockets:SessionsPerChannelMax", "3"),
            new("Subscriptions:WindowMessagesMax", "16"), new("Subscriptions:PageMessagesMax", "20"), new("Subscriptions:MergedBytesMax", "1024")]);
        var before = (await host.Client.IdeateAsync(ideaCount: 1)).Id();
        await host.Client.EndedAsync($"/api/ideations/{before}");
        await using var proxy = new CuttableProxy(host.Address);
        var log = new ChannelLog();
        await using (var first = await WebSocketReader.OpenAsync(host.Address))
            log.Begin((await first.SubscribeAsync(Channel))[0].GetProperty("cursor"));

        var sessions = new List<string>();
        var making = Task.Run(async () =>
        {
            while (proxy.PlannedCuts < CutsMin)
            {
                sessions.Add((await host.Client.IdeateAsync(ideaCount: 1)).Id());
                var relay = (await host.Client.RelayAsync()).Id();
                await host.Client.PostJsonAsync($"/api/relays/{relay}/messages", Enumerable.Range(0, 30).Select(i => new { type = "chunk", text = $"{i}" }), HttpStatusCode.OK);
                await host.Client.PostJsonAsync($"/api/relays/{relay}/end", null);
                sessions.Add(relay);
                await host.Client.EndedAsync($"/api/ideations/{sessions[^2]}");
            }
        }, Cancellation);

        proxy.Plan = () => proxy.PlannedCuts < CutsMin ? new Cut(random.Next(300, 6_000), random.Next(2) == 0 ? CutKind.Fin : CutKind.Rst) : null;
        while (!making.IsCompleted || sessions.Exists(id => log.Of(id).LastOrDefault()?.Type != "end"))
        {
            try
            {
                await using var reader = await WebSocketReader.OpenAsync(proxy.Address);
                await reader.SubscribeAsync(new { channel = Channel, cursor = log.Cursor });
                while (!making.IsCompleted || sessions.Exists(id => log.Of(id).LastOrDefault()?.Type != "end"))
                    log.Take(await reader.ReceiveAsync() ?? throw new WebSocketException("closed"));
            }
            catch (Exception fault) when (fault is WebSocketException or InvalidOperationException && proxy.PlannedCuts > 0 && !Cancellation.IsCancellationRequested)
            {
                // Cut.
            }
        }

        await making;
        TestContext.Current.SendDiagnosticMessage($"{proxy.PlannedCuts} cuts, {sessions.Count} sessions, {log.Messages.Count} messages, seed {seed}");
        Assert.True(proxy.PlannedCuts >= CutsMin, $"{proxy.PlannedCuts} cuts");
        Assert.Empty(log.Of(before));
        foreach (var id in sessions)
        {
            Assert.True(log.Fault(id) is null, $"seed {seed}: {log.Fault(id)}");
            var kind = log.Of(id).First().Data.GetProperty("kind").GetString();
            var single = await host.Client.ReadStreamAsync($"/api/stream/{kind}/{id}", cancellation: Cancellation);
            Assert.Equal((single.TextOf(), single[^1].Index), (log.Of(id).TextOf(), log.Of(id).Last().Index));
        }
    }

    [Fact]
    public async Task Message_is_the_one_of_the_stream()
    {
        await using var reader = await WebSocketReader.OpenAsync(service.Host.Address);
        var log = new ChannelLog();
        log.Begin((await reader.SubscribeAsync(Channel))[0].GetProperty("cursor"));
        var relay = await RelayAsync(service.Host.Client, 3, isEnded: true);
        while (log.Of(relay).LastOrDefault()?.Type != "end")
            log.Take(await reader.UntilAsync("stream_update"));
        var single = await service.Host.Client.ReadStreamAsync($"/api/stream/relay/{relay}", cancellation: Cancellation);
        Assert.Equal(single.TextOf(), log.Of(relay).TextOf());
        Assert.Equal((single[0].Id, single[0].Data.GetRawText()), (log.Of(relay).First().Id, log.Of(relay).First().Data.GetRawText()));
        Assert.Equal((single[^1].Id, single[^1].Data.GetRawText()), (log.Of(relay).Last().Id, log.Of(relay).Last().Data.GetRawText()));
    }

    [Fact]
    public async Task Channel_begins_with_what_comes_from_now_on_and_its_cursor_says_where_that_is()
    {
        await using var host = await ServiceHost.StartAsync(service.Postgres);
        var (ended, going) = (await RelayAsync(host.Client, 2, isEnded: true), await RelayAsync(host.Client, 2, isEnded: false));
        await using var reader = await WebSocketReader.OpenAsync(host.Address);
        var log = new ChannelLog();
        log.Begin((await reader.SubscribeAsync(Channel))[0].GetProperty("cursor"));
        Assert.Equal(new() { [ended] = "1-3", [going] = "1-2" }, log.Sessions);
        await AppendAsync(host.Client, going, 1);
        var update = await reader.UntilAsync("stream_update");
        Assert.Equal((going, "1-3"), (update.GetProperty("payload").GetProperty("sessionId").GetString(), update.GetProperty("eventId").GetString()));
    }

    [Fact]
    public async Task Session_that_is_deleted_is_told_live_and_to_who_comes_back_and_the_others_go_on()
    {
        await using var host = await ServiceHost.StartAsync(service.Postgres);
        await using var reader = await WebSocketReader.OpenAsync(host.Address);
        var log = new ChannelLog();
        log.Begin((await reader.SubscribeAsync(Channel))[0].GetProperty("cursor"));
        var (gone, stays) = (await RelayAsync(host.Client, 1, isEnded: false), await RelayAsync(host.Client, 1, isEnded: false));
        while (log.Sessions.Count < 2 || log.Sessions.Values.Any(id => id != "1-1"))
            log.Take(await reader.UntilAsync("stream_update"));
        var cursor = JsonSerializer.SerializeToElement(log.Cursor);

        using (await host.Client.DeleteAsync($"/api/relays/{gone}", Cancellation))
            await UntilDeletedAsync(reader, gone);
        await using var again = await WebSocketReader.OpenAsync(host.Address);
        await again.SubscribeAsync(new { channel = Channel, cursor });
        await UntilDeletedAsync(again, gone);
        await AppendAsync(host.Client, stays, 1);
        foreach (var one in (WebSocketReader[])[reader, again])
            Assert.Equal("1-2", (await one.UntilAsync("stream_update")).GetProperty("eventId").GetString());
    }

    [Fact]
    public async Task Retried_session_begins_anew_and_that_is_said()
    {
        await using var host = await ServiceHost.StartAsync(service.Postgres, [new("Models:Offline:TokensPerSecond", "200")]);
        await using var reader = await WebSocketReader.OpenAsync(host.Address);
        var log = new ChannelLog();
        log.Begin((await reader.SubscribeAsync(Channel))[0].GetProperty("cursor"));
        var id = (await host.Client.IdeateAsync(ideaCount: 1)).Id();
        await host.Client.PostJsonAsync($"/api/ideations/{id}/cancel", null);
        while (log.Of(id).LastOrDefault()?.Type != "end")
            log.Take(await reader.UntilAsync("stream_update"));
        var atEnd = JsonSerializer.SerializeToElement(log.Cursor);
        await host.Client.PostJsonAsync($"/api/ideations/{id}/retry", null);
        do
            log.Take(await reader.UntilAsync("stream_update"));
        while (log.Of(id).Last().Type != "end");

        await using var again = await WebSocketReader.OpenAsync(host.Address);
        await again.SubscribeAsync(new { channel = Channel, cursor = atEnd });
        var late = new ChannelLog();
        do
            late.Take(await again.UntilAsync("stream_update"));
        while (late.Of(id).Last().Type != "end");
        Assert.Null(late.Fault(id));

        foreach (var messages in ((ChannelLog[])[log, late]).Select(one => one.Of(id).ToList()))
        {
            var reset = Assert.Single(messages, message => message.Id is null);
            Assert.True(reset.Data.GetProperty("reset").GetBoolean());
            var anew = messages[(messages.IndexOf(reset) + 1)..];
            Assert.Equal(0, anew[0].First);
            Assert.All(anew, message => Assert.StartsWith("2-", message.Id, StringComparison.Ordinal));
        }

        Assert.Null(log.Fault(id));
    }

    [Fact]
    public async Task Session_whose_notifications_are_lost_is_told_all_the_same()
    {
        await using var host = await ServiceHost.StartAsync(service.Postgres, [new("Subscriptions:ReconcileInterval", "00:00:00.2")]);
        await using var reader = await WebSocketReader.OpenAsync(host.Address);
        var log = new ChannelLog();
        log.Begin((await reader.SubscribeAsync(Channel))[0].GetProperty("cursor"));
        var (going, ended) = (Guid.NewGuid(), Guid.NewGuid());
        await using (var source = NpgsqlDataSource.Create(host.ConnectionString))
        {
            // A replica's triggers do not fire: nobody is told.
            await using var command = source.CreateCommand(
                $$"""
                set session_replication_role = replica;
                insert into sessions (id, kind, user_id, input) values ('{{going}}', 'relay', 'local', '{}'), ('{{ended}}', 'relay', 'local', '{}');
                insert into transforms (id, session_id, user_id, ordinal, kind, status, started_at, ended_at)
                values ('{{going}}', '{{going}}', 'local', 1, 'relay', 'running', clock_timestamp(), null),
                       ('{{ended}}', '{{ended}}', 'local', 1, 'relay', 'completed', clock_timestamp(), clock_timestamp());
                insert into transform_chunks (transform_id, chunk_index, chunk_type, chunk_data)
                values ('{{going}}', 0, 'start', '{}'), ('{{ended}}', 0, 'start', '{}'), ('{{ended}}', 1, 'end', '{"status":"completed"}')
                """);
            await command.ExecuteNonQueryAsync(Cancellation);
        }

        while (log.Sessions.GetValueOrDefault($"{ended}") != "1-1" || log.Sessions.GetValueOrDefault($"{going}") != "1-0")
            log.Take(await reader.UntilAsync("stream_update"));
        Assert.Equal(3, log.Messages.Count);
        // Comparisons that name the same sessions again tell nothing twice.
        var watch = host.Service<SessionWatch>();
        for (var i = 0; i < 3; i++)
        {
            var last = watch.Last;
            await Eventually.TrueAsync(() => Task.FromResult(watch.Last != last), "the next comparison");
        }

        await reader.SendAsync(new { type = "ping", id = "p" });
        Assert.Equal("pong", (await reader.ReceiveAsync())!.Value.Type());
    }

    [Fact]
    public async Task Uploads_and_suggestions_have_channels_of_their_own()
    {
        await using var host = await ServiceHost.StartAsync(service.Postgres);
        await using var reader = await WebSocketReader.OpenAsync(host.Address);
        await reader.SubscribeAsync("user:local:uploads", "user:local:flirts");
        await RelayAsync(host.Client, 2, isEnded: true);
        var (upload, analysis) = (await InsertAsync("upload"), await InsertAsync("analysis"));

        var updates = new List<(string Type, string Id, string What)>();
        while (updates.Count < 5)
        {
            var update = (await reader.ReceiveAsync())!.Value;
            if (update.Type() is "upload_update" or "suggestion" or "stream_update")
                updates.Add((update.Type(), update.GetProperty("payload").GetProperty("sessionId").GetString()!, update.GetProperty("payload").Type()));
        }

        Assert.Equal([("suggestion", $"{analysis}", "artifact")], updates.Where(update => update.Type == "suggestion"));
        Assert.Equal(["start", "artifact", "artifact", "end"], updates.Where(update => update.Type == "upload_update" && update.Id == $"{upload}").Select(update => update.What));

        // As a worker of that kind would.
        async Task<Guid> InsertAsync(string kind)
        {
            var id = Guid.NewGuid();
            await using var source = NpgsqlDataSource.Create(host.ConnectionString);
            foreach (var sql in (string[])
            [
                $"insert into sessions (id, kind, user_id, input) values ('{id}', '{kind}', 'local', '{{}}')",
                $"insert into transforms (id, session_id, user_id, ordinal, kind, status, started_at) values ('{id}', '{id}', 'local', 1, '{kind}', 'running', clock_timestamp())",
                $$$"""
                insert into transform_chunks (transform_id, chunk_index, chunk_type, chunk_data)
                values ('{{{id}}}', 0, 'start', '{"kind":"{{{kind}}}"}'), ('{{{id}}}', 1, 'artifact', '{"artifactType":"feature","data":{"artifactType":"suggestion"}}'),
                       ('{{{id}}}', 2, 'artifact', '{"artifactId":"{{{id}}}","artifactType":"suggestion"}'), ('{{{id}}}', 3, 'end', '{"status":"completed"}')
                """,
            ])
            {
                await using var command = source.CreateCommand(sql);
                await command.ExecuteNonQueryAsync(Cancellation);
            }

            return id;
        }
    }

    [Fact]
    public async Task Cursor_that_is_too_old_is_reset_and_that_is_said()
    {
        await using var host = await ServiceHost.StartAsync(service.Postgres, [new("WebSockets:ResumeWindow", "00:00:01")]);
        var going = await RelayAsync(host.Client, 2, isEnded: false);
        await using var reader = await WebSocketReader.OpenAsync(host.Address);
        var hourAgo = TimeProvider.System.GetUtcNow().AddHours(-1).ToUnixTimeMilliseconds();
        var begun = Assert.Single(await reader.SubscribeAsync(new { channel = Channel, cursor = new { since = hourAgo, sessions = new Dictionary<string, string> { [going] = "1-0" } } }));
        Assert.True(begun.GetProperty("reset").GetBoolean());
        Assert.Equal("1-2", begun.GetProperty("cursor").GetProperty("sessions").GetProperty(going).GetString());
    }

    [Fact]
    public async Task Cursor_ahead_of_a_session_resets_that_session()
    {
        await using var host = await ServiceHost.StartAsync(service.Postgres);
        var going = await RelayAsync(host.Client, 2, isEnded: false);
        await using var reader = await WebSocketReader.OpenAsync(host.Address);
        await reader.SubscribeAsync(new { channel = $"session:{going}", cursor = "1-99" });
        var reset = (await reader.UntilAsync("stream_update")).GetProperty("payload");
        Assert.Equal((true, going), (reset.GetProperty("reset").GetBoolean(), reset.GetProperty("sessionId").GetString()));
        Assert.Equal("1-0", (await reader.UntilAsync("stream_update")).GetProperty("eventId").GetString());
    }

    [Fact]
    public async Task What_has_ended_is_forgotten_within_30_s_and_the_cursor_gets_shorter()
    {
        await using var host = await ServiceHost.StartAsync(service.Postgres);
        await using var reader = await WebSocketReader.OpenAsync(host.Address);
        var log = new ChannelLog();
        log.Begin((await reader.SubscribeAsync(Channel))[0].GetProperty("cursor"));
        var relays = new List<string>();
        for (var i = 0; i < 5; i++)
            relays.Add(await RelayAsync(host.Client, 1, isEnded: true));
        while (relays.Exists(id => log.Of(id).LastOrDefault()?.Type != "end"))
            log.Take(await reader.UntilAsync("stream_update"));
        Assert.Equal(5, host.Service<OpenConnections>().Counts.Sessions);

        var longCursor = JsonSerializer.SerializeToElement(log.Cursor);
        while (log.Sessions.Count > 0)
            log.Take(await reader.ReceiveAsync() ?? throw new InvalidOperationException("closed"));
        await Eventually.TrueAsync(() => Task.FromResult(host.Service<OpenConnections>().Counts.Sessions == 0), "nothing of them is held");

        // The short cursor is as good as the long one: neither tells anything of them again.
        await using var withShort = await WebSocketReader.OpenAsync(host.Address);
        await withShort.SubscribeAsync(new { channel = Channel, cursor = log.Cursor });
        await using var withLong = await WebSocketReader.OpenAsync(host.Address);
        await withLong.SubscribeAsync(new { channel = Channel, cursor = longCursor });
        var next = await RelayAsync(host.Client, 1, isEnded: true);
        foreach (var again in (WebSocketReader[])[withShort, withLong])
            Assert.Equal(next, (await again.UntilAsync("stream_update")).GetProperty("payload").GetProperty("sessionId").GetString());
    }

    static async Task UntilDeletedAsync(WebSocketReader reader, string id)
    {
        var status = (await reader.UntilAsync("stream_update")).GetProperty("payload");
        Assert.Equal(("status", "deleted", id), (status.Type(), status.GetProperty("code").GetString(), status.GetProperty("sessionId").GetString()));
    }

    static async Task<string> RelayAsync(HttpClient client, int messages, bool isEnded)
    {
        var id = (await client.RelayAsync()).Id();
        await AppendAsync(client, id, messages);
        if (isEnded)
            await client.PostJsonAsync($"/api/relays/{id}/end", null);
        return id;
    }

    static Task<JsonElement> AppendAsync(HttpClient client, string relay, int count) => client.PostJsonAsync(
        $"/api/relays/{relay}/messages", Enumerable.Range(0, count).Select(i => new { type = "chunk", text = $"{i}" }), HttpStatusCode.OK);
}
