using System.Net;
using Npgsql;
using Streaming.IntegrationTests.Fixtures;
using Xunit;

namespace Streaming.IntegrationTests.Http;

/// <summary>A deleted session is gone, with everything below it and for everybody who was looking.</summary>
public sealed class DeleteTests(PostgresServer postgres) : IAsyncLifetime
{
    ScriptedHost _host = null!;

    HttpClient Client => _host.Client;

    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _host = await ScriptedHost.StartAsync(postgres);

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Fact]
    public async Task Deleted_session_leaves_nothing_in_any_table_and_another_stays_whole()
    {
        _host.Model.Responder = _ => Script.Answer("""{"ideas":[{"title":"One","body":"b"},{"title":"Two","body":"c"}]}""");
        var kept = await Client.IdeateAsync();
        await Client.EndedAsync($"/api/ideations/{kept.Id()}");
        var before = await RowsAsync();
        var relay = await Client.RelayAsync();
        await Client.PostJsonAsync($"/api/relays/{relay.Id()}/messages", new { producerId = "p", sequence = 1, type = "chunk", text = "a" }, HttpStatusCode.OK);
        await Client.PostJsonAsync($"/api/relays/{relay.Id()}/end", null);
        var made = await Client.IdeateAsync();
        await Client.EndedAsync($"/api/ideations/{made.Id()}");

        await DeleteAsync($"/api/relays/{relay.Id()}", HttpStatusCode.NoContent);
        await DeleteAsync($"/api/ideations/{made.Id()}", HttpStatusCode.NoContent);

        Assert.Equal(before, await RowsAsync());
        using var gone = await Client.GetAsync($"/api/ideations/{made.Id()}", Cancellation);
        using var goneStream = await Client.OpenStreamAsync($"/api/stream/ideation/{made.Id()}");
        Assert.Equal((HttpStatusCode.NotFound, HttpStatusCode.NotFound), (gone.StatusCode, goneStream.StatusCode));
        Assert.Equal("end", (await Client.ReadStreamAsync($"/api/stream/ideation/{kept.Id()}"))[^1].Type);
    }

    [Fact]
    public async Task Deleting_again_or_with_a_wrong_id_is_a_problem()
    {
        var relay = await Client.RelayAsync();
        await DeleteAsync($"/api/ideations/{relay.Id()}", HttpStatusCode.NotFound);
        await DeleteAsync("/api/relays/17", HttpStatusCode.BadRequest);
        await DeleteAsync($"/api/relays/{relay.Id()}", HttpStatusCode.NoContent);
        await DeleteAsync($"/api/relays/{relay.Id()}", HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task Session_of_another_user_is_not_found_and_stays()
    {
        var relay = await Client.RelayAsync();
        await ExecuteAsync("update sessions set user_id = 'somebody else'");
        var before = await RowsAsync();
        await DeleteAsync($"/api/relays/{relay.Id()}", HttpStatusCode.NotFound);
        Assert.Equal(before, await RowsAsync());
    }

    [Fact]
    public async Task Running_generation_is_stopped_with_its_model_call_and_leaves_no_message_behind()
    {
        _host.Model.Enqueue(Script.Begin().Deltas("""{"ideas":[{"title":"One","body":"b"},{"ti""").Stall());
        var made = await Client.IdeateAsync();
        await Eventually.TrueAsync(async () => (await Client.StateAsync($"/api/ideations/{made.Id()}")).GetProperty("ideas").GetArrayLength() == 1, "an idea is there");
        await DeleteAsync($"/api/ideations/{made.Id()}", HttpStatusCode.NoContent);
        await _host.Model.Requests[0].Aborted.WaitAsync(TimeSpan.FromSeconds(10), Cancellation);
        Assert.All(await RowsAsync(), rows => Assert.Equal(0, rows));
    }

    [Fact]
    public async Task Delete_at_every_moment_of_a_run_leaves_no_row_behind()
    {
        var seed = Environment.TickCount;
        TestContext.Current.SendDiagnosticMessage($"seed {seed}");
        var random = new Random(seed);
        await using var host = await ServiceHost.StartAsync(postgres, [new("Models:Offline:TokensPerSecond", "2000")]);
        for (var round = 0; round < 15; round++)
        {
            var made = await host.Client.IdeateAsync(ideaCount: 1);
            var stop = random.Next(60);
            await foreach (var item in host.Client.StreamAsync($"/api/stream/ideation/{made.Id()}"))
                if (item.Index >= stop)
                    break;
            using var answer = await host.Client.DeleteAsync($"/api/ideations/{made.Id()}", Cancellation);
            Assert.True(answer.StatusCode == HttpStatusCode.NoContent, $"seed {seed}: {answer.StatusCode}");
        }

        Assert.All(await RowsAsync(host.ConnectionString), rows => Assert.Equal(0, rows));
    }

    [Fact]
    public async Task Open_stream_is_told_to_reconnect_and_cut_and_a_waiting_read_is_answered_at_once()
    {
        var relay = await Client.RelayAsync();
        using var response = await Client.OpenStreamAsync($"/api/stream/relay/{relay.Id()}");
        await using var body = await response.Content.ReadAsStreamAsync(Cancellation);
        await using var events = body.EventsAsync(Cancellation).GetAsyncEnumerator(Cancellation);
        Assert.True(await events.MoveNextAsync());
        using var poll = new HttpRequestMessage(HttpMethod.Get, $"/api/relays/{relay.Id()}?after=1-0");
        poll.Headers.Add("Prefer", "wait=25");
        var waiting = Client.SendAsync(poll, Cancellation);

        await DeleteAsync($"/api/relays/{relay.Id()}", HttpStatusCode.NoContent);

        Assert.True(await events.MoveNextAsync());
        Assert.Equal("status", events.Current.Type);
        Assert.True(events.Current.Data.GetProperty("reconnect").GetBoolean());
        await Assert.ThrowsAnyAsync<IOException>(async () => await events.MoveNextAsync());
        using var answer = await waiting.WaitAsync(TimeSpan.FromSeconds(10), Cancellation);
        Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
    }

    async Task DeleteAsync(string path, HttpStatusCode expected)
    {
        using var response = await Client.DeleteAsync(path, Cancellation);
        Assert.Equal(expected, response.StatusCode);
    }

    async Task<long[]> RowsAsync(string? connectionString = null)
    {
        string[] tables = ["sessions", "transforms", "transform_stages", "transform_chunks", "artifacts", "transform_outputs", "relay_appends"];
        var rows = new List<long>();
        foreach (var table in tables)
            rows.Add((long)(await ExecuteAsync($"select count(*) from {table}", connectionString))!);
        return [.. rows];
    }

    async Task<object?> ExecuteAsync(string sql, string? connectionString = null)
    {
        await using var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(connectionString ?? _host.Host.ConnectionString) { Pooling = false }.ConnectionString);
        await connection.OpenAsync(Cancellation);
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync(Cancellation);
    }
}
