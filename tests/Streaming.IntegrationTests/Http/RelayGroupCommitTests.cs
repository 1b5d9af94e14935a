using System.Net;
using System.Text.Json;
using Npgsql;
using Streaming.IntegrationTests.Fixtures;
using Streaming.Sessions;
using Xunit;

namespace Streaming.IntegrationTests.Http;

/// <summary>Requests to many relays share a commit, and none of them suffers for another.</summary>
public sealed class RelayGroupCommitTests(RelayGroupCommitTests.PatientService service) : IClassFixture<RelayGroupCommitTests.PatientService>
{
    const int Others = 20;

    HttpClient Client => service.Host.Client;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task What_waits_for_a_commit_is_committed_together(bool isPlaceTaken)
    {
        var first = await Client.RelayAsync();
        var others = await RelaysAsync();
        // Nobody locks the relay, but the place of its next message is being taken: the loop's commit has to wait.
        await using var other = await OpenAsync();
        await using var transaction = await other.BeginTransactionAsync(TestContext.Current.CancellationToken);
        await ExecuteAsync(other, $$"""insert into transform_chunks (transform_id, chunk_index, chunk_type, chunk_data) values ('{{TransformOf(first)}}', 1, 'chunk', 'by hand')""");
        var held = AppendAsync(first, new { type = "chunk", text = "held up" });
        await Eventually.TrueAsync(async () => await CountAsync("select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database() and query like '%append_to_relays%'") == 1, "The loop's commit waits for the place.");

        var answers = others.Select(relay => AppendAsync(relay, new { type = "chunk", text = "together", producerId = "p", sequence = 1 })).ToList();
        var appender = service.Host.Service<RelayAppender>();
        await Eventually.TrueAsync(() => Task.FromResult(appender.QueueLength == Others), "All others wait for the next commit.");
        if (isPlaceTaken)
            await transaction.CommitAsync(TestContext.Current.CancellationToken);
        else
            await transaction.RollbackAsync(TestContext.Current.CancellationToken);

        Assert.All(await Task.WhenAll(answers), answer => Assert.Equal(("1-1", false), (answer.GetProperty("lastEventId").GetString(), answer.GetProperty("duplicate").GetBoolean())));
        Assert.Equal(isPlaceTaken ? "1-2" : "1-1", (await held).GetProperty("lastEventId").GetString());
        var transforms = string.Join(", ", others.Select(relay => $"'{TransformOf(relay)}'"));
        Assert.Equal(1, await CountAsync($"select count(distinct xmin::text) from transform_chunks where chunk_index = 1 and transform_id in ({transforms})"));
    }

    [Fact]
    public async Task Locked_relay_holds_up_itself_alone()
    {
        var locked = await Client.RelayAsync();
        var others = await RelaysAsync();
        await using var other = await OpenAsync();
        await using var transaction = await other.BeginTransactionAsync(TestContext.Current.CancellationToken);
        await ExecuteAsync(other, $"select append_message('{TransformOf(locked)}', 'chunk', 'by hand')");
        var held = AppendAsync(locked, new { type = "chunk", text = "held up" });
        await Eventually.TrueAsync(async () => await CountAsync("select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database() and query like '%append_to_relay(%'") == 1, "The locked relay is written by itself.");

        await Task.WhenAll(others.Select(relay => AppendAsync(relay, new { type = "chunk", text = "free" })));
        Assert.False(held.IsCompleted);
        await transaction.CommitAsync(TestContext.Current.CancellationToken);
        Assert.Equal("1-2", (await held).GetProperty("lastEventId").GetString());
    }

    [Fact]
    public async Task Relay_that_is_ended_in_a_commit_refuses_what_comes_with_the_next()
    {
        var relay = await Client.RelayAsync();
        var statuses = await Task.WhenAll(Enumerable.Range(0, 12).Select(async number =>
        {
            using var body = new StringContent(JsonSerializer.Serialize(number == 6 ? (object)new { type = "end" } : new { type = "chunk", text = $"{number};" }), null, "application/json");
            using var response = await Client.PostAsync($"/api/relays/{relay.Id()}/messages", body);
            return response.StatusCode;
        }));
        var events = await Client.ReadStreamAsync($"/api/stream/relay/{relay.Id()}");
        Assert.Equal(("start", "end"), (events[0].Type, events[^1].Type));
        Assert.Equal(statuses.Count(status => status == HttpStatusCode.OK), events[^1].Index);
        Assert.All(statuses, status => Assert.True(status is HttpStatusCode.OK or HttpStatusCode.Conflict));
    }

    [Fact]
    public async Task Messages_of_the_service_are_handed_over_as_the_table_has_them()
    {
        var relay = await Client.RelayAsync();
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        await using var live = Client.StreamAsync($"/api/stream/relay/{relay.Id()}", "1-0", deadline.Token).GetAsyncEnumerator();
        var next = live.MoveNextAsync();
        await AppendAsync(relay, new[] { new { type = "chunk", text = "é\n𝄞\u2028\"", deep = new { list = new[] { 1, 2 } } } });
        Assert.True(await next);
        var streamed = live.Current;
        var read = (await Client.StreamAsync($"/api/stream/relay/{relay.Id()}", "1-0", deadline.Token).FirstAsync(deadline.Token));
        Assert.Equal(read.Data.GetRawText(), streamed.Data.GetRawText());
    }

    async Task<List<JsonElement>> RelaysAsync()
    {
        var relays = new List<JsonElement>();
        for (var i = 0; i < Others; i++)
            relays.Add(await Client.RelayAsync());
        return relays;
    }

    static string TransformOf(JsonElement relay) => relay.GetProperty("streamingData").GetProperty("transformId").GetString()!;

    Task<JsonElement> AppendAsync(JsonElement relay, object body) => Client.PostJsonAsync($"/api/relays/{relay.Id()}/messages", body, HttpStatusCode.OK);

    async Task<NpgsqlConnection> OpenAsync()
    {
        var connection = new NpgsqlConnection(service.Host.ConnectionString);
        await connection.OpenAsync(TestContext.Current.CancellationToken);
        return connection;
    }

    static async Task ExecuteAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
    }

    async Task<long> CountAsync(string sql)
    {
        await using var connection = await OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        return (long)(await command.ExecuteScalarAsync(TestContext.Current.CancellationToken))!;
    }

    /// <summary>A commit waits for a lock longer than a test takes.</summary>
    public sealed class PatientService(PostgresServer postgres) : IAsyncLifetime
    {
        public ServiceHost Host { get; private set; } = null!;

        public async ValueTask InitializeAsync() => Host = await ServiceHost.StartAsync(postgres, [new("Messages:LockPatience", "00:01:00")]);

        public ValueTask DisposeAsync() => Host.DisposeAsync();
    }
}
