using System.Diagnostics;
using System.Net;
using System.Text.Json;
using System.Text.Json.Serialization;
using Npgsql;
using Streaming.IntegrationTests.Fixtures;
using Streaming.Protocol;
using Xunit;

namespace Streaming.IntegrationTests.Http;

/// <summary>The unified GET: one shape for every phase, entity tags, <c>?after=</c>, <c>Prefer: wait</c>.</summary>
public sealed class StateTests(ServiceFixture service) : IClassFixture<ServiceFixture>
{
    static readonly JsonSerializerOptions Strict = new(JsonSerializerDefaults.Web)
    {
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        RespectRequiredConstructorParameters = true,
    };

    HttpClient Client => service.Host.Client;

    [Fact]
    public async Task States_are_what_the_protocol_says_in_every_phase()
    {
        await using var host = await ServiceHost.StartAsync(service.Postgres, [new("Models:Offline:TokensPerSecond", "200")]);
        var made = await host.Client.IdeateAsync(ideaCount: 1);
        Assert.Contains(Read<IdeationState>(made).Status, new[] { "queued", "streaming" });
        await Eventually.TrueAsync(async () => Read<IdeationState>(await host.Client.StateAsync($"/api/ideations/{made.Id()}")).StreamingData is { Chunks.Count: > 5, Progress: > 0, Stage: "ideas" }, "text streams");
        var done = Read<IdeationState>(await host.Client.EndedAsync($"/api/ideations/{made.Id()}"));
        Assert.Equal(("completed", 1), (done.Status, done.Ideas.Count));

        var outline = await host.Client.PostJsonAsync("/api/outlines", new { ideationId = made.Id(), ideaIndex = 0, totalEpisodes = 12, episodeDuration = 2 });
        Assert.Equal(done.Ideas[0].Title, Read<OutlineState>(outline).SourceArtifact.Title);
        await Eventually.TrueAsync(async () => Read<OutlineState>(await host.Client.StateAsync($"/api/outlines/{outline.Id()}")) is
            { StreamingData: not null, Components: { Title: not null, Synopsis: null } }, "a component is there before the others");
        var finished = Read<OutlineState>(await host.Client.EndedAsync($"/api/outlines/{outline.Id()}"));
        Assert.Equal("completed", finished.Status);
        Assert.NotNull(finished.Components.Synopsis);
        Assert.NotEmpty(finished.Components.Characters);
        Assert.NotEmpty(finished.Components.Stages);

        var relay = await host.Client.RelayAsync();
        Assert.Equal("test", Read<RelayState>(relay).Title);

        static T Read<T>(JsonElement state) => state.Deserialize<T>(Strict)!;
    }

    [Fact]
    public async Task Nothing_may_be_cached_and_the_same_state_is_not_sent_twice()
    {
        var relay = await Client.RelayAsync();
        using var first = await Client.GetAsync($"/api/relays/{relay.Id()}");
        Assert.Equal("no-store", first.Headers.CacheControl!.ToString());
        Assert.False(first.Headers.ETag!.IsWeak);
        using var second = await GetAsync(relay.Id(), first.Headers.ETag.Tag);
        Assert.Equal(HttpStatusCode.NotModified, second.StatusCode);
        Assert.Equal(first.Headers.ETag, second.Headers.ETag);
        await AppendAsync(relay.Id(), "x");
        using var third = await GetAsync(relay.Id(), first.Headers.ETag.Tag);
        Assert.Equal(HttpStatusCode.OK, third.StatusCode);
        Assert.NotEqual(first.Headers.ETag, third.Headers.ETag);
    }

    [Fact]
    public async Task After_leaves_out_the_chunks_that_are_held()
    {
        var relay = await Client.RelayAsync();
        await AppendAsync(relay.Id(), "a");
        await AppendAsync(relay.Id(), "b");
        var state = await Client.StateAsync($"/api/relays/{relay.Id()}?after=1-1");
        Assert.Equal(["b"], Texts(state));
        Assert.Equal(["a", "b"], Texts(await Client.StateAsync($"/api/relays/{relay.Id()}?after=2-1")));
        using var malformed = await Client.GetAsync($"/api/relays/{relay.Id()}?after=nonsense");
        Assert.Equal(HttpStatusCode.BadRequest, malformed.StatusCode);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Wait_holds_the_request_until_something_changes(bool byTag)
    {
        var relay = await Client.RelayAsync();
        using var known = await Client.GetAsync($"/api/relays/{relay.Id()}");
        using var request = new HttpRequestMessage(HttpMethod.Get, $"/api/relays/{relay.Id()}{(byTag ? "" : "?after=1-0")}");
        request.Headers.Add("Prefer", "wait=25");
        if (byTag)
            request.Headers.IfNoneMatch.Add(known.Headers.ETag!);
        var waiting = Client.SendAsync(request);
        // The request is on its way or waiting: either way it must see this.
        await AppendAsync(relay.Id(), "now");
        using var response = await waiting.WaitAsync(TimeSpan.FromSeconds(10));
        Assert.Equal("wait=25", Assert.Single(response.Headers.GetValues("Preference-Applied")));
        Assert.Equal(["now"], Texts(JsonSerializer.Deserialize<JsonElement>(await response.Content.ReadAsStringAsync())));
    }

    [Fact]
    public async Task Wait_ends_with_not_modified_when_nothing_changes()
    {
        var relay = await Client.RelayAsync();
        using var known = await Client.GetAsync($"/api/relays/{relay.Id()}");
        using var request = new HttpRequestMessage(HttpMethod.Get, $"/api/relays/{relay.Id()}");
        request.Headers.Add("Prefer", "wait=1");
        request.Headers.IfNoneMatch.Add(known.Headers.ETag!);
        var watch = Stopwatch.StartNew();
        using var response = await Client.SendAsync(request);
        Assert.Equal(HttpStatusCode.NotModified, response.StatusCode);
        Assert.True(watch.Elapsed > TimeSpan.FromSeconds(0.9), watch.Elapsed.ToString());
    }

    [Fact]
    public async Task Lists_are_pages_newest_first()
    {
        await using var host = await ServiceHost.StartAsync(service.Postgres);
        var ids = new List<string>();
        for (var i = 0; i < 5; i++)
            ids.Insert(0, (await host.Client.RelayAsync()).Id());
        var seen = new List<string>();
        string? cursor = null;
        do
        {
            var page = await host.Client.StateAsync($"/api/relays?limit=2{(cursor is null ? "" : $"&cursor={cursor}")}");
            seen.AddRange(page.GetProperty("items").EnumerateArray().Select(item => item.Id()));
            cursor = page.GetProperty("nextCursor").GetString();
        } while (cursor is not null);
        Assert.Equal(ids, seen);
        foreach (var query in (string[])["limit=0", "limit=101", "limit=x", "cursor=zzz"])
        {
            using var refused = await host.Client.GetAsync($"/api/relays?{query}");
            Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
        }
    }

    [Fact]
    public async Task Lists_say_who_would_generate_the_next_session_before_there_is_any()
    {
        await using var host = await ServiceHost.StartAsync(service.Postgres);
        foreach (var kind in (string[])["ideations", "outlines"])
            Assert.Equal(("offline", "offline-composer", 0), await PageAsync(kind));
        Assert.Equal((null, null, 0), await PageAsync("relays"));

        async Task<(string?, string?, int)> PageAsync(string kind)
        {
            var page = (await host.Client.StateAsync($"/api/{kind}")).Deserialize<SessionPage>(Strict)!;
            return (page.Provider, page.Model, page.Items.Count);
        }
    }

    [Fact]
    public async Task A_state_is_of_one_moment_while_messages_are_written()
    {
        var relay = await Client.RelayAsync();
        using var done = new CancellationTokenSource();
        var writing = Task.Run(async () =>
        {
            while (!done.IsCancellationRequested)
                await AppendAsync(relay.Id(), "x");
        });
        try
        {
            for (var i = 0; i < 300; i++)
            {
                var state = await Client.StateAsync($"/api/relays/{relay.Id()}");
                // The first message is `start`.
                Assert.Equal($"1-{Texts(state).Length}", state.GetProperty("lastEventId").GetString());
            }
        }
        finally
        {
            await done.CancelAsync();
            await writing;
        }
    }

    [Fact]
    public async Task A_read_that_is_broken_off_leaves_no_transaction_behind()
    {
        await using var host = await ServiceHost.StartAsync(service.Postgres, [new("Database:ConnectionsMax", "4")]);
        var relay = await host.Client.RelayAsync();
        await using var source = NpgsqlDataSource.Create(host.ConnectionString);
        await using var connection = await source.OpenConnectionAsync(TestContext.Current.CancellationToken);
        await using (var held = await connection.BeginTransactionAsync(TestContext.Current.CancellationToken))
        {
            await using var command = new NpgsqlCommand("lock table artifacts in access exclusive mode", connection);
            await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
            for (var i = 0; i < 5; i++)
            {
                using var impatient = new CancellationTokenSource(TimeSpan.FromMilliseconds(100));
                await Assert.ThrowsAnyAsync<OperationCanceledException>(() => host.Client.GetAsync($"/api/relays/{relay.Id()}", impatient.Token));
            }
        }

        for (var i = 0; i < 10; i++)
            Assert.Equal("1-0", (await host.Client.StateAsync($"/api/relays/{relay.Id()}")).GetProperty("lastEventId").GetString());
        await using var look = new NpgsqlCommand(
            "select count(*) from pg_stat_activity where datname = current_database() and state like 'idle in transaction%'", connection);
        await Eventually.TrueAsync(async () => (long)(await look.ExecuteScalarAsync(TestContext.Current.CancellationToken))! == 0, "no transaction is left open");
    }

    static string[] Texts(JsonElement state) =>
        [.. state.GetProperty("streamingData").GetProperty("chunks").EnumerateArray().Select(chunk => chunk.GetProperty("text").GetString()!)];

    Task<JsonElement> AppendAsync(string relay, string text) => Client.PostJsonAsync($"/api/relays/{relay}/messages", new { type = "chunk", text }, HttpStatusCode.OK);

    Task<HttpResponseMessage> GetAsync(string relay, string tag)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, $"/api/relays/{relay}");
        request.Headers.IfNoneMatch.ParseAdd(tag);
        return Client.SendAsync(request);
    }
}
