using System.Net;
using System.Text.Json;
using Npgsql;
using Streaming.IntegrationTests.Fixtures;
using Streaming.Tests.Images;
using Xunit;

namespace Streaming.IntegrationTests.Status;

/// <summary>What <c>/api/v1/status</c> tells is what is so.</summary>
public sealed class StatusTests(PostgresServer postgres)
{
    const string Ideas = """[{"title":"One","body":"The first."},{"title":"Two","body":"The second."}]""";

    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Figures_follow_a_generation_and_its_reader_from_its_beginning_to_its_end()
    {
        await using var scripted = await ScriptedHost.StartAsync(postgres);
        var client = scripted.Client;
        var gate = new TaskCompletionSource();
        scripted.Model.Enqueue(Script.Begin().Deltas("[").Gate(gate.Task).Deltas(Ideas[1..]).Finish("stop").Usage().Done());
        var before = await client.StateAsync("/api/v1/status/system");
        Assert.Equal((0, 0, 0), (before.Int("active_streams"), before.Int("open_streams"), before.GetProperty("instance").Int("readers")));
        Assert.Equal(JsonValueKind.Null, before.GetProperty("average_stream_duration").ValueKind);
        Assert.Equal(JsonValueKind.Null, before.GetProperty("instance").GetProperty("delivery").GetProperty("p99_ms").ValueKind);

        var id = (await client.IdeateAsync()).Id();
        await using (var events = client.StreamAsync($"/api/stream/ideation/{id}", cancellation: Cancellation).GetAsyncEnumerator(Cancellation))
        {
            while (await events.MoveNextAsync() && events.Current.Type != "chunk")
            {
            }

            var during = await client.StateAsync("/api/v1/status/system");
            Assert.Equal((1, 1), (during.Int("active_streams"), during.Int("open_streams")));
            var (own, held) = (during.GetProperty("instance"), during.GetProperty("instance").GetProperty("held"));
            Assert.Equal((1, 1, 1, 1), (own.Int("readers"), held.Int("live_readers"), held.Int("runs"), held.Int("open_streams")));
            var generations = own.GetProperty("queues").EnumerateArray().Single(queue => queue.GetProperty("name").GetString() == "generations");
            Assert.Equal((1, 64), (generations.Int("running"), generations.Int("places")));
            Assert.Equal(1 / 64.0, during.GetProperty("queue_utilization").GetDouble(), 4);
            Assert.Equal("healthy", during.GetProperty("status").GetString());
            var streaming = await client.StateAsync("/api/v1/status/streaming");
            var inProgress = Assert.Single(streaming.GetProperty("in_progress").EnumerateArray());
            Assert.Equal(("ideation", "streaming", 1), (inProgress.GetProperty("kind").GetString(), inProgress.Status(), inProgress.Int("count")));

            gate.SetResult();
            while (await events.MoveNextAsync())
            {
            }
        }

        await Eventually.TrueAsync(async () =>
        {
            var now = await client.StateAsync("/api/v1/status/system");
            return (now.Int("active_streams"), now.Int("open_streams"), now.GetProperty("instance").Int("readers")) == (0, 0, 0);
        }, "nothing is under way any more");
        var after = await client.StateAsync("/api/v1/status/system");
        Assert.InRange(after.GetProperty("average_stream_duration").GetDouble(), 0, 60);
        var delivery = after.GetProperty("instance").GetProperty("delivery");
        Assert.True(delivery.Int("count") > 0);
        Assert.InRange(delivery.GetProperty("p50_ms").GetDouble(), 0, delivery.GetProperty("p99_ms").GetDouble());
        var ended = Assert.Single((await client.StateAsync("/api/v1/status/streaming")).GetProperty("ended_in_hour").EnumerateArray());
        Assert.Equal(("ideation", "completed", 1), (ended.GetProperty("kind").GetString(), ended.Status(), ended.Int("count")));
        var run = Assert.Single((await client.StateAsync("/api/v1/status/runs")).GetProperty("items").EnumerateArray());
        Assert.Equal((id, "completed", "local", "scripted"),
            (run.GetProperty("session_id").GetString(), run.Status(), run.GetProperty("user_id").GetString(), run.GetProperty("model").GetString()));
    }

    [Fact]
    public async Task Memory_processor_database_and_provider_are_told()
    {
        await using var host = await ServiceHost.StartAsync(postgres);
        var status = await host.Client.StateAsync("/api/v1/status/system");
        var memory = status.GetProperty("memory");
        Assert.InRange(memory.GetProperty("heap_bytes").GetInt64(), 1_000_000, memory.GetProperty("working_set_bytes").GetInt64());
        Assert.InRange(memory.GetProperty("load").GetDouble(), 0, 1);
        Assert.Equal(3, status.GetProperty("instance").GetProperty("gc").GetProperty("collections").GetArrayLength());
        Assert.True(status.GetProperty("instance").GetProperty("threads").Int("count") > 0);
        var database = status.GetProperty("database");
        Assert.InRange(database.Int("connections"), 1, database.Int("connections_max"));
        var dependencies = status.GetProperty("dependencies").EnumerateArray().ToDictionary(one => one.GetProperty("name").GetString()!);
        Assert.Equal(["database", "image_program", "listener", "provider", "worker"], dependencies.Keys.Order());
        Assert.InRange(dependencies["database"].GetProperty("latency_ms").GetDouble(), 0, 5000);
        Assert.Equal("up", dependencies["provider"].Status());
        var sockets = await host.Client.StateAsync("/api/v1/status/websocket");
        // Null where there are none, a number where there are: never a made-up one.
        Assert.Equal(sockets.GetProperty("available").GetBoolean() ? JsonValueKind.Number : JsonValueKind.Null, sockets.GetProperty("websocket_connections").ValueKind);
    }

    [Fact]
    public async Task Provider_that_keeps_failing_degrades_the_service_and_its_faults_are_counted()
    {
        await using var scripted = await ScriptedHost.StartAsync(postgres, [
            new("Models:BreakerRequestsMin", "2"), new("Models:BreakerPause", "01:00:00"), new("Models:RetriesMax", "3"), new("Models:RetryDelayMax", "00:00:00.05")]);
        scripted.Model.Responder = _ => Script.Failure(503);
        await scripted.Client.EndedAsync($"/api/ideations/{(await scripted.Client.IdeateAsync()).Id()}");

        var status = await scripted.Client.StateAsync("/api/v1/status/system");
        Assert.Equal("degraded", status.Status());
        var provider = status.GetProperty("instance").GetProperty("provider");
        Assert.Equal(("openai", "scripted", "open"), (provider.GetProperty("name").GetString(), provider.GetProperty("model").GetString(), provider.GetProperty("circuit").GetString()));
        Assert.Equal((2, 4), (provider.GetProperty("calls").Int("count"), provider.Int("faults_in_last_minute")));
        Assert.Equal(2, provider.GetProperty("faults").Int("provider_unavailable"));
        // The service works, so nobody takes it out; who generates is not for everybody.
        using var health = await scripted.Client.GetAsync("/health/dependencies");
        Assert.Equal(HttpStatusCode.OK, health.StatusCode);
        Assert.DoesNotContain("scripted", await health.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await scripted.Client.GetAsync("/health/dependencies/provider")).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await scripted.Client.GetAsync("/health/ready")).StatusCode);
    }

    [Fact]
    public async Task Uploads_are_counted_while_they_wait_by_priority_and_each_knows_how_many_are_ahead()
    {
        await using var api = await ServiceHost.StartAsync(postgres, [new("Streaming:Role", "api")]);
        var low = (await api.Client.UploadImageAsync(TestImages.Png(64, 64), "?priority=low")).Id();
        var urgent = (await api.Client.UploadImageAsync(TestImages.Png(64, 64), "?priority=urgent")).Id();
        var normal = (await api.Client.UploadImageAsync(TestImages.Png(64, 64))).Id();

        var queue = await api.Client.StateAsync("/api/v1/status/upload-queue");
        Assert.Equal((3, 0, 0), (queue.Int("queued"), queue.Int("active_uploads"), queue.Int("places")));
        Assert.Equal(["urgent: 1", "high: 0", "normal: 1", "low: 1"],
            queue.GetProperty("priorities").EnumerateArray().Select(one => $"{one.GetProperty("priority").GetString()}: {one.Int("queued")}"));
        Assert.InRange(queue.GetProperty("priorities")[0].GetProperty("oldest_wait_seconds").GetDouble(), 0, 60);
        Assert.Equal(JsonValueKind.Null, queue.GetProperty("priorities")[1].GetProperty("oldest_wait_seconds").ValueKind);
        Assert.Equal((0, 1, 2), (await AheadAsync(urgent), await AheadAsync(normal), await AheadAsync(low)));
        var waiting = await api.Client.StateAsync($"/api/v1/status/upload/{low}");
        Assert.Equal(("queued", "low"), (waiting.Status(), waiting.GetProperty("priority").GetString()));

        await using var worker = await ServiceHost.StartAsync(postgres, connectionString: api.ConnectionString);
        foreach (var id in (string[])[low, urgent, normal])
            Assert.Equal("completed", (await api.Client.EndedAsync($"/api/uploads/{id}")).Status());
        var done = await api.Client.StateAsync($"/api/v1/status/upload/{urgent}");
        Assert.Equal(("completed", 100.0, 2.0), (done.Status(), done.GetProperty("progress").GetDouble(), done.GetProperty("target_seconds").GetDouble()));
        Assert.Equal(TestImages.Png(64, 64).Length, done.Int("original_size"));
        Assert.Equal(JsonValueKind.Null, done.GetProperty("ahead").ValueKind);
        Assert.True(done.GetProperty("elapsed_seconds").GetDouble() >= done.GetProperty("waited_seconds").GetDouble());
        queue = await worker.Client.StateAsync("/api/v1/status/upload-queue");
        Assert.Equal((0, 0, 5), (queue.Int("queued"), queue.Int("active_uploads"), queue.Int("places")));
        Assert.Equal(1, queue.GetProperty("priorities")[0].Int("ended_in_hour"));
        Assert.InRange(queue.GetProperty("priorities")[2].GetProperty("in_time_share").GetDouble(), 0, 1);

        async Task<int> AheadAsync(string id) => (await api.Client.StateAsync($"/api/v1/status/upload/{id}")).Int("ahead");
    }

    [Theory]
    [InlineData("/api/v1/status/upload/no-uuid", HttpStatusCode.BadRequest, "invalid_id")]
    [InlineData("/api/v1/status/upload/018f0000-0000-7000-8000-000000000000", HttpStatusCode.NotFound, "not_found")]
    [InlineData("/api/v1/status/runs?cursor=x", HttpStatusCode.BadRequest, "invalid_cursor")]
    [InlineData("/api/v1/status/runs?limit=0", HttpStatusCode.BadRequest, "invalid_fields")]
    [InlineData("/api/v1/status/runs?limit=101", HttpStatusCode.BadRequest, "invalid_fields")]
    [InlineData("/api/v1/status/stream?lastEventId=1-0", HttpStatusCode.BadRequest, "invalid_cursor")]
    [InlineData("/api/v1/status/nothing", HttpStatusCode.NotFound, "not_found")]
    public async Task What_is_no_request_is_answered_with_a_problem(string path, HttpStatusCode status, string code)
    {
        await using var host = await ServiceHost.StartAsync(postgres);
        using var response = await host.Client.GetAsync(path);
        Assert.Equal(status, response.StatusCode);
        Assert.Equal(code, JsonSerializer.Deserialize<JsonElement>(await response.Content.ReadAsStringAsync()).GetProperty("code").GetString());
    }

    [Fact]
    public async Task Runs_of_all_users_come_page_by_page_and_new_ones_shift_none()
    {
        var jwt = new JwtSettings();
        await using var host = await ServiceHost.StartAsync(postgres, jwt.Settings);
        using var admin = jwt.ClientOf(host.Address, "root", new { role = "admin" });
        var asked = new List<string>();
        foreach (var user in (string[])["ada", "eve", "ada", "bob", "eve"])
        {
            using var client = jwt.ClientOf(host.Address, user);
            asked.Add((await client.IdeateAsync()).Id());
        }

        var first = await admin.StateAsync("/api/v1/status/runs?limit=2");
        using (var ada = jwt.ClientOf(host.Address, "ada"))
            await ada.IdeateAsync();
        var second = await admin.StateAsync($"/api/v1/status/runs?limit=2&cursor={first.GetProperty("next_cursor").GetString()}");
        var last = await admin.StateAsync($"/api/v1/status/runs?limit=2&cursor={second.GetProperty("next_cursor").GetString()}");

        asked.Reverse();
        Assert.Equal(asked, new[] { first, second, last }.SelectMany(page => page.GetProperty("items").EnumerateArray()).Select(run => run.GetProperty("session_id").GetString()));
        Assert.Equal(["eve", "bob"], first.GetProperty("items").EnumerateArray().Select(run => run.GetProperty("user_id").GetString()));
        Assert.Equal(JsonValueKind.Null, last.GetProperty("next_cursor").ValueKind);
    }

    [Fact]
    public async Task Share_of_analyses_within_12_s_is_that_of_all_that_have_ended_in_the_last_hour()
    {
        await using var host = await ServiceHost.StartAsync(postgres);
        Assert.Equal(JsonValueKind.Null, (await host.Client.StateAsync("/api/v1/status/system")).GetProperty("sub12s_success_rate").ValueKind);
        await using var connection = new NpgsqlConnection(host.ConnectionString);
        await connection.OpenAsync(Cancellation);
        // Two in time, one too late, one in time that has failed, one in time but two hours ago.
        await using (var command = new NpgsqlCommand("""
            insert into sessions (id, kind, user_id, input) select md5('a' || n)::uuid, 'analysis', 'local', '{}' from generate_series(1, 5) as n;
            insert into transforms (id, session_id, ordinal, kind, status, created_at, started_at, ended_at)
            select md5('t' || n)::uuid, md5('a' || n)::uuid, 1, 'analysis', status, now() - ago - took, now() - ago - took, now() - ago
            from (values (1, 'completed', interval '3 s', interval '1 min'), (2, 'completed', interval '11 s', interval '50 min'), (3, 'completed', interval '13 s', interval '2 min'),
                         (4, 'failed', interval '2 s', interval '3 min'), (5, 'completed', interval '2 s', interval '2 hours')) as run(n, status, took, ago)
            """, connection))
            await command.ExecuteNonQueryAsync(Cancellation);

        var status = await host.Client.StateAsync("/api/v1/status/system");
        Assert.Equal(0.5, status.GetProperty("sub12s_success_rate").GetDouble());
        Assert.Equal(9, status.GetProperty("average_stream_duration").GetDouble(), 3);
    }

    [Fact]
    public async Task What_runs_is_counted_however_much_is_paused_or_waits()
    {
        await using var host = await ServiceHost.StartAsync(postgres, [new("Streaming:Role", "api")]);
        await using var connection = new NpgsqlConnection(host.ConnectionString);
        await connection.OpenAsync(Cancellation);
        await using (var command = new NpgsqlCommand("""
            set session_replication_role = replica;
            insert into sessions (id, kind, user_id, input) select md5('s' || n)::uuid, 'ideation', 'local', '{}' from generate_series(1, 21000) as n;
            insert into transforms (id, session_id, user_id, ordinal, kind, status) select md5('t' || n)::uuid, md5('s' || n)::uuid, 'local', 1, 'ideation', case when n % 2 = 0 then 'paused' else 'queued' end
            from generate_series(1, 21000) as n
            """, connection))
            await command.ExecuteNonQueryAsync(Cancellation);
        var relay = (await host.Client.RelayAsync()).Id();

        var status = await host.Client.StateAsync("/api/v1/status/system");
        Assert.Equal((1, 10_000), (status.Int("active_streams"), status.Int("queued")));
        await host.Client.PostJsonAsync($"/api/relays/{relay}/end", null);
        Assert.Equal(0, (await host.Client.StateAsync("/api/v1/status/system")).Int("active_streams"));
    }

    [Fact]
    public async Task Dependency_that_there_is_not_is_not_found()
    {
        await using var host = await ServiceHost.StartAsync(postgres, [new("Streaming:Role", "api")]);
        Assert.Equal(HttpStatusCode.NotFound, (await host.Client.GetAsync("/health/dependencies/worker")).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await host.Client.GetAsync("/health/dependencies/anything")).StatusCode);
        Assert.Equal("up", (await host.Client.StateAsync("/health/dependencies/listener")).Status());
    }
}
