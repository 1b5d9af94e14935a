using System.Diagnostics;
using System.Net;
using System.Text.Json;
using Npgsql;
using Streaming.IntegrationTests.Fixtures;
using Streaming.Messages;
using EventId = Streaming.Sse.EventId;
using Xunit;

namespace Streaming.IntegrationTests.Database;

/// <summary>With a streaming replica: what it answers, and that nobody can tell when it lags, stands still or dies.</summary>
public sealed class ReplicaTests(PostgresServer postgres, ReplicatedPostgres replicated, ITestOutputHelper output) : IClassFixture<ReplicatedPostgres>
{
    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Heavy_reads_come_from_a_replica_that_is_up_to_date()
    {
        var (host, replica) = await StartAsync();
        await using var service = host;
        var relay = await RelayAsync(host, 50);
        await replicated.CaughtUpAsync();
        using var reads = new ReplicaReads(host);

        var state = await host.Client.StateAsync($"/api/relays/{relay}");
        var events = await ReadToAsync(host, relay, 50);

        Assert.Equal((1, 0, 0), (reads["state", "replica"], reads["state", "lags"], reads["state", "away"]));
        Assert.Equal((1, 0, 0), (reads["page", "replica"], reads["page", "lags"], reads["page", "away"]));
        Assert.Equal(Texts(50), events.TextOf());
        var asked = (string?)await ReplicatedPostgres.ScalarAsync(replica,
            "select string_agg(query, ';') from pg_stat_activity where application_name = 'streaming replica' and datname = current_database()");
        Assert.Contains("one page", asked, StringComparison.OrdinalIgnoreCase);
        await using var direct = await ServiceHost.StartAsync(postgres, connectionString: host.ConnectionString);
        Assert.True(JsonElement.DeepEquals(await direct.Client.StateAsync($"/api/relays/{relay}"), state));
    }

    [Fact]
    public async Task What_was_written_is_read_at_once_while_the_replica_stands_still()
    {
        var (host, _) = await StartAsync([new("Models:Offline:TokensPerSecond", "50")]);
        await using var service = host;
        using var reads = new ReplicaReads(host);
        await replicated.CaughtUpAsync();
        await replicated.PauseReplayAsync();
        try
        {
            var made = await host.Client.IdeateAsync(ideaCount: 3);
            var path = $"/api/ideations/{made.Id()}";
            Assert.Contains((await host.Client.StateAsync(path)).Status(), new[] { "queued", "streaming" });
            await Eventually.TrueAsync(async () => (await host.Client.StateAsync(path)).GetProperty("streamingData").GetProperty("chunks").GetArrayLength() > 5, "text streams");
            // Now the replica has some of the session, and then stands still in the middle of it.
            await replicated.ResumeReplayAsync();
            await replicated.CaughtUpAsync();
            await replicated.PauseReplayAsync();
            foreach (var (control, status) in new[] { ("pause", "paused"), ("resume", "queued"), ("pause", "paused"), ("cancel", "cancelled") })
            {
                await host.Client.PostJsonAsync($"{path}/{control}", null);
                var seen = (await host.Client.StateAsync(path)).Status();
                Assert.True(seen == status || (status == "queued" && seen == "streaming"), $"{seen} after {control}");
            }

            using var poll = new HttpRequestMessage(HttpMethod.Get, path);
            poll.Headers.TryAddWithoutValidation("If-None-Match", await TagAsync(host, path));
            using var unchanged = await host.Client.SendAsync(poll, Cancellation);
            Assert.Equal(HttpStatusCode.NotModified, unchanged.StatusCode);
            await host.Client.PostJsonAsync($"{path}/retry", null);
            Assert.StartsWith("2-", (await host.Client.StateAsync(path)).GetProperty("lastEventId").GetString(), StringComparison.Ordinal);
            using var deleted = await host.Client.DeleteAsync(path, Cancellation);
            Assert.Equal(HttpStatusCode.NoContent, deleted.StatusCode);
            using var gone = await host.Client.GetAsync(path, Cancellation);
            Assert.Equal(HttpStatusCode.NotFound, gone.StatusCode);
            Assert.Equal(0, (await host.Client.StateAsync("/api/ideations")).GetProperty("items").GetArrayLength());
            Assert.True(reads["state", "lags"] > 0);
        }
        finally
        {
            await replicated.ResumeReplayAsync();
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(0)]
    public async Task Polls_never_step_back_however_the_replica_lags(int seed)
    {
        seed = seed == 0 ? Random.Shared.Next() : seed;
        output.WriteLine($"seed {seed}");
        var (host, _) = await StartAsync([new("Models:Offline:TokensPerSecond", "300"), new("Database:ReplicaPatience", "00:00:00.02")]);
        await using var service = host;
        using var reads = new ReplicaReads(host);
        using var done = new CancellationTokenSource();
        var lagging = LagAsync(new Random(seed), done.Token);
        try
        {
            // A machine that stands still for a second makes the replica count as away: then there is nothing to see in one round.
            for (var round = 0; round < 10 && (reads["state", "replica"] == 0 || reads["state", "lags"] == 0); round++)
            {
                var polls = await Task.WhenAll(Enumerable.Range(0, 6).Select(i => StormAsync(i)));
                output.WriteLine($"{polls.Sum()} polls; states from the replica {reads["state", "replica"]}, it lagged {reads["state", "lags"]}, away {reads["state", "away"]}");
            }
        }
        finally
        {
            await done.CancelAsync();
            await lagging;
        }

        Assert.True(reads["state", "replica"] > 0);
        Assert.True(reads["state", "lags"] > 0);

        async Task<int> StormAsync(int i)
        {
            var id = (await host.Client.IdeateAsync($"Storm {i} of {seed}", ideaCount: 3)).Id();
            return (await Task.WhenAll(
                PollAsync(host, id, byTag: false, byCursor: false, new Random(seed + i)),
                PollAsync(host, id, byTag: true, byCursor: false, new Random(seed - i)),
                PollAsync(host, id, byTag: i % 2 == 0, byCursor: true, new Random(seed ^ i)))).Sum();
        }
    }

    [Fact]
    public async Task State_that_the_primary_does_not_show_yet_is_not_told_by_the_replica()
    {
        var (host, replica) = await StartAsync();
        await using var service = host;
        var relay = await RelayAsync(host, 1);
        var transform = (Guid)(await ReplicatedPostgres.ScalarAsync(host.ConnectionString, "select id from transforms"))!;
        // A commit now waits for a standby that never comes; until then nobody sees it but on the replica.
        await replicated.PrimaryAsync("alter system set synchronous_standby_names = 'absent'");
        await replicated.PrimaryAsync("select pg_reload_conf()");
        try
        {
            await Eventually.TrueAsync(async () => (string?)await replicated.PrimaryAsync("show synchronous_standby_names") == "absent", "the setting is read");
            var append = ReplicatedPostgres.ScalarAsync(host.ConnectionString, $"select append_message('{transform}', 'chunk', '{{\"text\":\"early\"}}'::text)");
            await Eventually.TrueAsync(async () => await ReplicatedPostgres.ScalarAsync(replica, "select max(chunk_index) from transform_chunks") is 2, "the replica shows it");

            Assert.Equal("1-1", (await host.Client.StateAsync($"/api/relays/{relay}")).GetProperty("lastEventId").GetString());
            Assert.Equal(2, (await ReadToAsync(host, relay, 1)).Count);

            Assert.False(append.IsCompleted);
            await replicated.PrimaryAsync("alter system reset synchronous_standby_names");
            await replicated.PrimaryAsync("select pg_reload_conf()");
            await append;
            Assert.Equal("1-2", (await host.Client.StateAsync($"/api/relays/{relay}")).GetProperty("lastEventId").GetString());
        }
        finally
        {
            await replicated.PrimaryAsync("alter system reset synchronous_standby_names");
            await replicated.PrimaryAsync("select pg_reload_conf()");
        }
    }

    [Fact]
    public async Task Stream_that_catches_up_over_a_replica_that_lags_gets_everything_once_and_in_order()
    {
        var (host, _) = await StartAsync([new("Subscriptions:PageMessagesMax", "100")]);
        await using var service = host;
        var relay = await RelayAsync(host, 1050);
        await replicated.CaughtUpAsync();
        await replicated.PauseReplayAsync();
        try
        {
            for (var i = 0; i < 2; i++)
                await host.Client.PostJsonAsync($"/api/relays/{relay}/messages", Enumerable.Range(1050 + 1000 * i, 1000).Select(n => new { type = "chunk", text = $"{n};" }), HttpStatusCode.OK);
            await host.Client.PostJsonAsync($"/api/relays/{relay}/end", null);
            using var reads = new ReplicaReads(host);

            var events = await host.Client.ReadStreamAsync($"/api/stream/relay/{relay}", cancellation: Cancellation);

            Assert.Equal(Texts(3050), events.TextOf());
            Assert.Equal("end", events[^1].Type);
            AssertGapless(events);
            // 3,052 messages: ten pages it has whole, the eleventh in part, which the primary answers like all that follow.
            Assert.Equal((10, 21, 0), (reads["page", "replica"], reads["page", "lags"], reads["page", "away"]));
        }
        finally
        {
            await replicated.ResumeReplayAsync();
        }
    }

    [Fact]
    public async Task Requests_go_on_when_the_replica_dies_and_use_it_again_when_it_is_back()
    {
        var (host, _) = await StartAsync();
        await using var service = host;
        var relay = await RelayAsync(host, 200);
        await replicated.CaughtUpAsync();
        using var reads = new ReplicaReads(host);
        using var done = new CancellationTokenSource();
        var times = new List<double>();
        var polls = Task.Run(async () =>
        {
            while (!done.IsCancellationRequested)
            {
                var began = Stopwatch.GetTimestamp();
                Assert.Equal("1-200", (await host.Client.StateAsync($"/api/relays/{relay}")).GetProperty("lastEventId").GetString());
                times.Add(Stopwatch.GetElapsedTime(began).TotalMilliseconds);
                Assert.Equal(201, (await ReadToAsync(host, relay, 200)).Sum(e => e.Index!.Value - e.First!.Value + 1));
            }
        }, Cancellation);
        await Eventually.TrueAsync(() => Task.FromResult(reads["state", "replica"] > 20), "the replica is used");
        await replicated.KillReplicaAsync();
        try
        {
            await Eventually.TrueAsync(() => Task.FromResult(polls.IsCompleted || (reads["state", "away"] > 20 && reads["page", "away"] > 20)), "the replica is missed");
            Assert.Equal((true, (bool?)false), await ReadinessAsync(host));
        }
        finally
        {
            await replicated.StartReplicaAsync();
        }

        var before = reads["state", "replica"];
        await Eventually.TrueAsync(() => Task.FromResult(polls.IsCompleted || reads["state", "replica"] > before + 20), "the replica is used again");
        Assert.Equal((true, (bool?)true), await ReadinessAsync(host));
        await done.CancelAsync();
        await polls;
        times.Sort();
        output.WriteLine($"{times.Count} states: p50 {times[times.Count / 2]:0.0}, p99 {times[times.Count * 99 / 100]:0.0}, max {times[^1]:0.0} ms");
    }

    [Fact]
    public async Task Service_is_ready_without_the_replica_that_it_is_told_of()
    {
        var nowhere = new NpgsqlConnectionStringBuilder { Host = "127.0.0.1", Port = 9, Username = "nobody", Database = "nothing" }.ConnectionString;
        await using var host = await ServiceHost.StartAsync(postgres, [new("ConnectionStrings:StreamingReplica", nowhere)]);
        await using var without = await ServiceHost.StartAsync(postgres);
        var relay = await RelayAsync(host, 3);

        Assert.Equal("1-3", (await host.Client.StateAsync($"/api/relays/{relay}")).GetProperty("lastEventId").GetString());
        Assert.Equal((true, (bool?)false), await ReadinessAsync(host));
        Assert.Equal((true, (bool?)null), await ReadinessAsync(without));
    }

    [Fact]
    public async Task Database_that_holds_something_else_is_no_replica_and_does_no_harm()
    {
        await using var other = await ServiceHost.StartAsync(postgres);
        await using var host = await ServiceHost.StartAsync(postgres, [new("ConnectionStrings:StreamingReplica", other.ConnectionString)]);
        using var reads = new ReplicaReads(host);
        var relay = await RelayAsync(host, 3);

        Assert.Equal("1-3", (await host.Client.StateAsync($"/api/relays/{relay}")).GetProperty("lastEventId").GetString());
        Assert.Equal(Texts(3), (await ReadToAsync(host, relay, 3)).TextOf());
        Assert.Equal((1, 1), (reads["state", "lags"], reads["page", "lags"]));
    }

    [Fact]
    public async Task Messages_that_retention_removed_are_not_told_by_a_replica_that_still_has_them()
    {
        var (host, replica) = await StartAsync([
            new("Retention:GracePeriod", "00:00:00"), new("Retention:Interval", "1.00:00:00"), new("Retention:BatchMessagesMax", "40")]);
        await using var service = host;
        var relay = await RelayAsync(host, 100);
        await host.Client.PostJsonAsync($"/api/relays/{relay}/cancel", null);
        await replicated.CaughtUpAsync();
        Assert.Equal(Texts(100), (await host.Client.StateAsync($"/api/relays/{relay}")).GetProperty("text").GetString());
        await replicated.PauseReplayAsync();
        try
        {
            while (await host.Service<MessageRetention>().RemoveBatchAsync(Cancellation) is { Messages: > 0 })
            {
                await AssertShortAsync();
                Assert.Equal(102L, await ReplicatedPostgres.ScalarAsync(replica, "select count(*) from transform_chunks"));
            }
        }
        finally
        {
            await replicated.ResumeReplayAsync();
        }

        await replicated.CaughtUpAsync();
        using var reads = new ReplicaReads(host);
        await AssertShortAsync();
        Assert.Equal(1, reads["state", "replica"]);

        async Task AssertShortAsync()
        {
            var state = await host.Client.StateAsync($"/api/relays/{relay}");
            Assert.Equal(("cancelled", "1-101", false), (state.Status(), state.GetProperty("lastEventId").GetString()!, state.TryGetProperty("text", out _)));
            var events = await host.Client.ReadStreamAsync($"/api/stream/relay/{relay}", cancellation: Cancellation);
            Assert.Equal([("result", "1-100"), ("end", "1-101")], events.Select(e => (e.Type, e.Id!)));
        }
    }

    [Fact]
    public async Task Reader_in_the_middle_of_a_catch_up_is_not_told_the_rest_of_a_deleted_session()
    {
        var (host, _) = await StartAsync([new("Subscriptions:PageMessagesMax", "10"), new("Messages:DataBytesMax", "300000")]);
        await using var service = host;
        var relay = (await host.Client.RelayAsync()).Id();
        // More than sockets and pipes hold: the writer stands still until somebody reads.
        var text = new string('x', 200_000);
        for (var i = 0; i < 20; i++)
            await host.Client.PostJsonAsync($"/api/relays/{relay}/messages", Enumerable.Range(0, 5).Select(_ => new { type = "chunk", text }), HttpStatusCode.OK);
        await replicated.CaughtUpAsync();
        await replicated.PauseReplayAsync();
        try
        {
            using var slow = await host.Client.OpenStreamAsync($"/api/stream/relay/{relay}", null, Cancellation);
            await using var slowBody = await slow.Content.ReadAsStreamAsync(Cancellation);
            await using var events = slowBody.EventsAsync(Cancellation).GetAsyncEnumerator(Cancellation);
            Assert.True(await events.MoveNextAsync());
            using var waiting = await host.Client.OpenStreamAsync($"/api/stream/relay/{relay}", "1-100", Cancellation);
            using var deleted = await host.Client.DeleteAsync($"/api/relays/{relay}", Cancellation);
            // The one that waits has been sent away: from here on the live reader of both knows.
            await Assert.ThrowsAsync<HttpRequestException>(() => waiting.Content.ReadAsByteArrayAsync(Cancellation));

            var last = events.Current;
            await Assert.ThrowsAnyAsync<IOException>(async () =>
            {
                while (await events.MoveNextAsync())
                    last = events.Current;
            });
            // What is behind megabytes that were not read yet may go with the connection: being cut says the same.
            Assert.True(last.Data.TryGetProperty("reconnect", out _) || last.Index < 100, $"{last.Type} {last.Index}");
        }
        finally
        {
            await replicated.ResumeReplayAsync();
        }
    }

    async Task<(ServiceHost Host, string Replica)> StartAsync(IEnumerable<KeyValuePair<string, string>>? settings = null)
    {
        var (primary, replica) = await replicated.CreateDatabaseAsync();
        var host = await ServiceHost.StartAsync(postgres, [new("ConnectionStrings:StreamingReplica", replica), .. settings ?? []], primary);
        await replicated.CaughtUpAsync();
        // The first look at it may have been too early, or too slow: then it is left alone for a while.
        await Eventually.TrueAsync(async () => (await ReadinessAsync(host)).Replica == true, "the replica is used");
        return (host, replica);
    }

    /// <summary>A relay with <c>start</c> and so many chunks.</summary>
    static async Task<string> RelayAsync(ServiceHost host, int chunks)
    {
        var relay = (await host.Client.RelayAsync()).Id();
        foreach (var page in Enumerable.Range(0, chunks).Chunk(1000))
            await host.Client.PostJsonAsync($"/api/relays/{relay}/messages", page.Select(n => new { type = "chunk", text = $"{n};" }), HttpStatusCode.OK);
        return relay;
    }

    static string Texts(int chunks) => string.Concat(Enumerable.Range(0, chunks).Select(n => $"{n};"));

    /// <summary>The events of a stream from its beginning up to an index, where the reader leaves.</summary>
    static async Task<List<StreamEvent>> ReadToAsync(ServiceHost host, string relay, int index)
    {
        var events = new List<StreamEvent>();
        await foreach (var item in host.Client.StreamAsync($"/api/stream/relay/{relay}", cancellation: Cancellation))
        {
            events.Add(item);
            if (item.Index == index)
                break;
        }

        AssertGapless(events);
        return events;
    }

    static void AssertGapless(List<StreamEvent> events)
    {
        var next = 0;
        foreach (var item in events)
        {
            Assert.Equal(next, item.First);
            next = item.Index!.Value + 1;
        }
    }

    /// <summary>Lets the replica stand still and go on at random moments.</summary>
    async Task LagAsync(Random random, CancellationToken done)
    {
        while (!done.IsCancellationRequested)
        {
            await replicated.PauseReplayAsync();
            await Task.Delay(TimeSpan.FromMilliseconds(random.Next(200)), TimeProvider.System, Cancellation);
            await replicated.ResumeReplayAsync();
            await Task.Delay(TimeSpan.FromMilliseconds(random.Next(100)), TimeProvider.System, Cancellation);
        }
    }

    /// <summary>Polls a session until it is completed and checks each answer against the ones before; the number of polls.</summary>
    static async Task<int> PollAsync(ServiceHost host, string id, bool byTag, bool byCursor, Random random)
    {
        var (polls, ideas, progress, last, text) = (0, 0, 0.0, (EventId?)null, "");
        string? tag = null;
        while (true)
        {
            polls++;
            // What is committed before the request must be in the answer.
            var committed = (int)(await ReplicatedPostgres.ScalarAsync(host.ConnectionString,
                $"select max(chunk_index) from transform_chunks join transforms as t on t.id = transform_id where session_id = '{id}'"))!;
            using var request = new HttpRequestMessage(HttpMethod.Get, $"/api/ideations/{id}{(byCursor && last is not null ? $"?after={last}" : "")}");
            if (byTag && tag is not null)
                request.Headers.TryAddWithoutValidation("If-None-Match", tag);
            using var response = await host.Client.SendAsync(request, Cancellation);
            await Task.Delay(TimeSpan.FromMilliseconds(random.Next(30)), TimeProvider.System, Cancellation);
            if (byTag && response.StatusCode == HttpStatusCode.NotModified)
            {
                Assert.True(last!.Value.Index >= committed);
                continue;
            }

            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
            tag = response.Headers.ETag!.Tag;
            var state = JsonSerializer.Deserialize<JsonElement>(await response.Content.ReadAsStringAsync(Cancellation));
            Assert.True(EventId.TryParse(state.GetProperty("lastEventId").GetString()!, out var seen));
            Assert.True(seen.Index >= committed, $"{seen} after {committed} was committed");
            Assert.True(last is null || seen.Index >= last.Value.Index, $"{seen} after {last}");
            Assert.True(state.GetProperty("ideas").GetArrayLength() >= ideas);
            ideas = state.GetProperty("ideas").GetArrayLength();
            if (state.Status() == "completed")
            {
                Assert.Equal(3, ideas);
                if (byCursor)
                    // What was held at the last poll is how the stream begins, to the letter.
                    Assert.StartsWith(text, (await host.Client.ReadStreamAsync($"/api/stream/ideation/{id}", cancellation: Cancellation)).TextOf(), StringComparison.Ordinal);
                return polls;
            }

            var streaming = state.GetProperty("streamingData");
            Assert.True(streaming.GetProperty("progress").GetDouble() >= progress);
            progress = streaming.GetProperty("progress").GetDouble();
            var chunks = string.Concat(streaming.GetProperty("chunks").EnumerateArray().Select(chunk => chunk.GetProperty("text").GetString()));
            Assert.True(byCursor || chunks.StartsWith(text, StringComparison.Ordinal));
            text = byCursor ? text + chunks : chunks;
            last = seen;
        }
    }

    static async Task<string> TagAsync(ServiceHost host, string path)
    {
        using var response = await host.Client.GetAsync(path, Cancellation);
        return response.Headers.ETag!.Tag;
    }

    static async Task<(bool IsReady, bool? Replica)> ReadinessAsync(ServiceHost host)
    {
        using var response = await host.Client.GetAsync("/health/ready", Cancellation);
        var checks = JsonSerializer.Deserialize<JsonElement>(await response.Content.ReadAsStringAsync(Cancellation)).GetProperty("checks");
        return (response.IsSuccessStatusCode, checks.GetProperty("replica").ValueKind switch { JsonValueKind.True => true, JsonValueKind.False => false, _ => null });
    }
}
