using System.Text.Json;
using Npgsql;
using Streaming.IntegrationTests.Fixtures;
using Xunit;

namespace Streaming.IntegrationTests.Transforms;

/// <summary>A worker that is lost is replaced; one that comes back writes nothing; one that stops hands its runs on.</summary>
public sealed class LeaseTests(PostgresServer postgres) : IAsyncLifetime
{
    const string Premise = """{"title":"T","genre":"G","sellingPoints":"P","setting":"S","synopsis":"Y"}""";
    const string Characters = """{"characters":[{"name":"Ada","role":"lead","description":"d"},{"name":"Bo","role":"foe","description":"d"}]}""";
    const string Stages = """[{"title":"Rise","episodes":"1-6","summary":"s"}]""";

    static readonly object Outline = new { source = new { title = "t", text = "x" } };
    static readonly KeyValuePair<string, string>[] ShortLease = [new("Transforms:LeaseSeconds", "6"), new("Transforms:PollInterval", "00:00:00.2")];

    ScriptedHost _host = null!;

    HttpClient Client => _host.Client;

    public async ValueTask InitializeAsync() => _host = await ScriptedHost.StartAsync(postgres, ShortLease);

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Fact]
    public async Task Lease_taken_by_another_fences_the_run_and_the_next_attempt_goes_on_from_the_completed_stages()
    {
        var gate = new TaskCompletionSource();
        _host.Model.Enqueue(
            Script.Answer(Premise),
            Script.Begin().Deltas("""{"characters":[{"name":"Ada","role":"lead","description":"d"},{"na""").Gate(gate.Task).Deltas("""me":"Late"}]}""").Finish("stop").Done(),
            Script.Answer(Characters), Script.Answer(Stages));
        var made = await Client.PostJsonAsync("/api/outlines", Outline);
        await Eventually.TrueAsync(async () => (await Client.StateAsync($"/api/outlines/{made.Id()}")).GetProperty("components").GetProperty("characters").GetArrayLength() == 1, "a character is there");

        // What a worker elsewhere does when it takes over, and then dies at once: the lease has run out already.
        await ExecuteAsync("update transforms set attempt = attempt + 1, lease_owner = 'elsewhere', lease_expires_at = clock_timestamp() - interval '1 second'");
        var state = await Client.EndedAsync($"/api/outlines/{made.Id()}");
        gate.SetResult();

        Assert.Equal("completed", state.Status());
        Assert.Equal(["Ada", "Bo"], state.GetProperty("components").GetProperty("characters").EnumerateArray().Select(c => c.GetProperty("name").GetString()));
        var events = await Client.ReadStreamAsync($"/api/stream/outline/{made.Id()}");
        Assert.Equal("characters", Assert.Single(events, e => e.Type == "info").Data.GetProperty("stage").GetString());
        Assert.Single(events, e => e.Type == "end");
        // The premise was complete: it was not asked for again.
        Assert.Equal(4, _host.Model.Requests.Count);
        Assert.Equal([1, 3], events.Where(e => e.Type == "status").Select(e => e.Data.GetProperty("attempt").GetInt32()));
        var progress = events.Where(e => e.Data.TryGetProperty("progress", out _)).Select(e => e.Data.GetProperty("progress").GetDouble()).ToList();
        Assert.Equal(progress.Order(), progress);
        Assert.Equal(Enumerable.Range(0, events[^1].Index!.Value + 1), events.SelectMany(e => Enumerable.Range(e.First!.Value, e.Index!.Value - e.First!.Value + 1)));
    }

    [Fact]
    public async Task Next_attempt_in_the_same_process_keeps_its_lease_when_the_one_before_stops()
    {
        var (first, second) = (new TaskCompletionSource(), new TaskCompletionSource());
        _host.Model.Enqueue(
            Script.Begin().Deltas("x").Gate(first.Task).Deltas("too late").Finish("stop").Done(),
            Script.Begin().Deltas("y").Gate(second.Task).Deltas("""{"ideas":[{"title":"One","body":"b"},{"title":"Two","body":"c"}]}""").Finish("stop").Done());
        var made = await Client.IdeateAsync();
        await _host.Model.NextRequestAsync(TestContext.Current.CancellationToken);
        await ExecuteAsync("update transforms set attempt = attempt + 1, lease_expires_at = clock_timestamp() - interval '1 second'");
        await _host.Model.NextRequestAsync(TestContext.Current.CancellationToken);
        first.SetResult();
        var lease = await ScalarAsync<DateTime>("select lease_expires_at from transforms");
        // Past its length: it was renewed, and not taken again.
        await Eventually.TrueAsync(async () => await ScalarAsync<DateTime>("select lease_expires_at from transforms") > lease + TimeSpan.FromSeconds(7), "the lease outlives its length");
        Assert.Equal(3, await ScalarAsync<int>("select attempt from transforms"));
        second.SetResult();
        Assert.Equal("completed", (await Client.EndedAsync($"/api/ideations/{made.Id()}")).Status());
    }

    [Fact]
    public async Task Lease_is_renewed_for_as_long_as_the_run_lasts()
    {
        var gate = new TaskCompletionSource();
        _host.Model.Enqueue(Script.Begin().Deltas("x").Gate(gate.Task).Deltas("""{"ideas":[{"title":"One","body":"b"},{"title":"Two","body":"c"}]}""").Finish("stop").Done());
        var made = await Client.IdeateAsync();
        var first = await ScalarAsync<DateTime>("select lease_expires_at from transforms where lease_expires_at is not null", retry: true);
        // Two renewals, at a third of the lease each.
        await Eventually.TrueAsync(async () => await ScalarAsync<DateTime>("select lease_expires_at from transforms") > first + TimeSpan.FromSeconds(3), "the lease was renewed");
        gate.SetResult();
        Assert.Equal("completed", (await Client.EndedAsync($"/api/ideations/{made.Id()}")).Status());
        Assert.Equal(1, await ScalarAsync<int>("select attempt from transforms"));
    }

    [Fact]
    public async Task Transform_whose_workers_are_all_lost_fails()
    {
        // As three workers leave it that die one after the other.
        var relay = await Client.RelayAsync();
        await ExecuteAsync("update transforms set kind = 'ideation', attempt = 3, losses = 2, lease_expires_at = clock_timestamp() - interval '1 second'");
        await ExecuteAsync("update sessions set kind = 'ideation', input = '{\"userInput\":\"x\",\"ideaCount\":1}'");
        var state = await Client.EndedAsync($"/api/ideations/{relay.Id()}");
        Assert.Equal("worker_lost", state.GetProperty("error").GetProperty("code").GetString());
        var traceId = await ScalarAsync<string>("select split_part(traceparent, '-', 2) from transforms");
        Assert.Matches("^[0-9a-f]{32}$", traceId);
        Assert.Equal(traceId, state.GetProperty("error").GetProperty("traceId").GetString());
        var events = await Client.ReadStreamAsync($"/api/stream/ideation/{relay.Id()}");
        Assert.Equal(["error", "end"], events.TakeLast(2).Select(e => e.Type));
        Assert.Equal(traceId, events[^2].Data.GetProperty("traceId").GetString());
    }

    [Fact]
    public async Task Stopping_worker_hands_its_runs_to_another_at_once()
    {
        await using var other = await ServiceHost.StartAsync(postgres, [
            new("Models:Provider", "openai"), new("Models:OpenAI:Endpoint", _host.Model.Endpoint.ToString()), new("Models:OpenAI:Model", "m"),
            // Too long to be waited for: only the hand-over can make it in time.
            new("Transforms:LeaseSeconds", "600")]);
        _host.Model.Responder = request => request.Prompt.Contains("outline_premise", StringComparison.Ordinal)
            ? Script.Begin().Deltas("{\"title\":\"T\",").Stall()
            : Script.Answer("nothing");
        var made = await other.Client.PostJsonAsync("/api/outlines", Outline);
        await Eventually.TrueAsync(async () => (await other.Client.StateAsync($"/api/outlines/{made.Id()}")).GetProperty("components").TryGetProperty("title", out _), "the title is there");

        _host.Model.Responder = request =>
            request.Prompt.Contains("outline_premise", StringComparison.Ordinal) ? Script.Answer(Premise)
            : request.Prompt.Contains("outline_characters", StringComparison.Ordinal) ? Script.Answer(Characters)
            : Script.Answer(Stages);
        await using var successor = await ServiceHost.StartAsync(postgres, [
            new("Models:Provider", "openai"), new("Models:OpenAI:Endpoint", _host.Model.Endpoint.ToString()), new("Models:OpenAI:Model", "m"),
            new("Transforms:LeaseSeconds", "600")], other.ConnectionString);
        await other.StopAsync();
        var state = await successor.Client.EndedAsync($"/api/outlines/{made.Id()}");
        Assert.Equal("completed", state.Status());
        var events = await successor.Client.ReadStreamAsync($"/api/stream/outline/{made.Id()}");
        Assert.Equal("premise", Assert.Single(events, e => e.Type == "info").Data.GetProperty("stage").GetString());
        // The title that was complete is not there twice.
        Assert.Single(events, e => e.Type == "artifact" && e.Data.GetProperty("data").GetProperty("name").GetString() == "title");
    }

    [Fact]
    public async Task Queue_runs_by_priority_then_age()
    {
        await using var host = await ScriptedHost.StartAsync(postgres, [new("Transforms:Concurrency", "1")]);
        var gate = new TaskCompletionSource();
        host.Model.Responder = _ => Script.Begin().Gate(gate.Task).Deltas("""{"ideas":[{"title":"One","body":"b"},{"title":"Two","body":"c"}]}""").Finish("stop").Done();
        await host.Client.IdeateAsync("first");
        await host.Model.NextRequestAsync(TestContext.Current.CancellationToken);
        var ids = new List<string>();
        foreach (var input in (string[])["second", "third", "urgent"])
            ids.Add((await host.Client.IdeateAsync(input)).Id());
        await using (var connection = new NpgsqlConnection(host.Host.ConnectionString))
        {
            await connection.OpenAsync();
            await using var command = new NpgsqlCommand($"update transforms set priority = 5 where session_id = '{ids[2]}'", connection);
            await command.ExecuteNonQueryAsync();
        }

        gate.SetResult();
        foreach (var id in ids)
            await host.Client.EndedAsync($"/api/ideations/{id}");
        Assert.Equal(["first", "urgent", "second", "third"], host.Model.Requests.Select(request => JsonSerializer.Deserialize<JsonElement>(
            request.Prompt.Split("<request>")[1].Split("</request>")[0]).GetProperty("userInput").GetString()));
    }

    async Task ExecuteAsync(string sql)
    {
        await using var connection = new NpgsqlConnection(_host.Host.ConnectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }

    async Task<T> ScalarAsync<T>(string sql, bool retry = false)
    {
        await using var connection = new NpgsqlConnection(_host.Host.ConnectionString);
        await connection.OpenAsync();
        object? value = null;
        await Eventually.TrueAsync(async () =>
        {
            await using var command = new NpgsqlCommand(sql, connection);
            value = await command.ExecuteScalarAsync();
            return value is not null || !retry;
        }, sql);
        return (T)value!;
    }
}
