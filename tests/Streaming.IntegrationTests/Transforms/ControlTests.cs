using System.Net;
using System.Text.Json;
using Npgsql;
using Streaming.IntegrationTests.Fixtures;
using Xunit;

namespace Streaming.IntegrationTests.Transforms;

/// <summary>Cancel and retry, and what becomes of the run behind them.</summary>
public sealed class ControlTests(PostgresServer postgres) : IAsyncLifetime
{
    ScriptedHost _host = null!;

    HttpClient Client => _host.Client;

    public async ValueTask InitializeAsync() => _host = await ScriptedHost.StartAsync(postgres);

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Fact]
    public async Task Cancel_ends_a_running_generation_at_once_and_stops_its_model_call()
    {
        _host.Model.Enqueue(Script.Begin().Deltas("""{"ideas":[{"title":"One","body":"b"},{"ti""").Stall());
        var made = await Client.IdeateAsync();
        await Eventually.TrueAsync(async () => (await Client.StateAsync($"/api/ideations/{made.Id()}")).GetProperty("ideas").GetArrayLength() == 1, "an idea is there");
        var reading = Client.ReadStreamAsync($"/api/stream/ideation/{made.Id()}");

        var cancelled = await Client.PostJsonAsync($"/api/ideations/{made.Id()}/cancel", null);
        Assert.Equal("cancelled", cancelled.Status());
        Assert.Equal("""{"ideas":[{"title":"One","body":"b"},{"ti""", cancelled.GetProperty("text").GetString());
        var events = await reading.WaitAsync(TimeSpan.FromSeconds(10));
        Assert.Equal(("end", "cancelled"), (events[^1].Type, events[^1].Data.Status()));
        Assert.Equal("cancelled", (await Client.PostJsonAsync($"/api/ideations/{made.Id()}/cancel", null)).Status());
        await _host.Model.Requests[0].Aborted.WaitAsync(TimeSpan.FromSeconds(10));
        Assert.Equal(events[^1].Id, (await Client.StateAsync($"/api/ideations/{made.Id()}")).GetProperty("lastEventId").GetString());
    }

    [Theory]
    [InlineData("POST", "/cancel", null)]
    [InlineData("POST", "/pause", null)]
    [InlineData("POST", "/messages", """{"text":"More of the sea."}""")]
    [InlineData("DELETE", "", null)]
    public async Task Control_of_a_row_that_somebody_has_locked_is_answered_in_time_and_changes_nothing(string method, string path, string? body)
    {
        _host.Model.Enqueue(Script.Begin().Stall());
        var id = (await Client.IdeateAsync()).Id();
        var state = $"/api/ideations/{id}";
        await Eventually.TrueAsync(async () => (await Client.StateAsync(state)).Status() == "streaming", "it runs");
        await using var connection = new NpgsqlConnection(_host.Host.ConnectionString);
        await connection.OpenAsync(TestContext.Current.CancellationToken);
        await using (var transaction = await connection.BeginTransactionAsync(TestContext.Current.CancellationToken))
        {
            await using var locking = new NpgsqlCommand("select from transforms where session_id = $1 for update", connection)
            {
                Parameters = { new NpgsqlParameter { Value = Guid.Parse(id) } },
            };
            await locking.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
            using var request = new HttpRequestMessage(new HttpMethod(method), state + path);
            if (body is not null)
                request.Content = new StringContent(body, System.Text.Encoding.UTF8, "application/json");
            // Well below the 30 s of a command's time limit.
            using var answer = await Client.SendAsync(request).WaitAsync(TimeSpan.FromSeconds(15));
            Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
            Assert.NotNull(answer.Headers.RetryAfter);
        }

        Assert.Equal("streaming", (await Client.StateAsync(state)).Status());
        Assert.Equal("cancelled", (await Client.PostJsonAsync($"{state}/cancel", null)).Status());
    }

    [Fact]
    public async Task Cancel_of_what_has_ended_is_a_conflict_that_shows_the_state()
    {
        _host.Model.Responder = _ => Script.Answer("""{"ideas":[{"title":"One","body":"b"},{"title":"Two","body":"c"}]}""");
        var made = await Client.IdeateAsync();
        await Client.EndedAsync($"/api/ideations/{made.Id()}");
        var problem = await Client.PostJsonAsync($"/api/ideations/{made.Id()}/cancel", null, HttpStatusCode.Conflict);
        Assert.Equal(("conflict", "completed"), (problem.GetProperty("code").GetString(), problem.GetProperty("state").Status()));
    }

    [Fact]
    public async Task Paused_generation_stops_its_model_and_goes_on_from_what_is_complete_when_it_is_resumed()
    {
        _host.Model.Enqueue(
            Script.Begin().Deltas("""{"ideas":[{"title":"One","body":"b"},{"ti""").Stall(),
            Script.Answer("""{"ideas":[{"title":"Two","body":"c"}]}"""));
        var made = await Client.IdeateAsync();
        var reading = Client.ReadStreamAsync($"/api/stream/ideation/{made.Id()}");
        await Eventually.TrueAsync(async () => (await Client.StateAsync($"/api/ideations/{made.Id()}")).GetProperty("ideas").GetArrayLength() == 1, "an idea is there");

        Assert.Equal("paused", (await Client.PostJsonAsync($"/api/ideations/{made.Id()}/pause", null)).Status());
        var paused = await Client.PostJsonAsync($"/api/ideations/{made.Id()}/pause", null);
        Assert.Equal("paused", paused.Status());
        Assert.Equal("One", Assert.Single(paused.GetProperty("ideas").EnumerateArray()).GetProperty("title").GetString());
        await _host.Model.Requests[0].Aborted.WaitAsync(TimeSpan.FromSeconds(10));

        Assert.Contains((await Client.PostJsonAsync($"/api/ideations/{made.Id()}/resume", null)).Status(), new[] { "queued", "streaming", "completed" });
        var state = await Client.EndedAsync($"/api/ideations/{made.Id()}");
        Assert.Equal(("completed", 2), (state.Status(), state.GetProperty("ideas").GetArrayLength()));
        Assert.Contains("\"existing\":[\"One\"]", _host.Model.Requests[1].Prompt, StringComparison.Ordinal);
        // One stream from start to end: a pause does not close it.
        var events = await reading.WaitAsync(TimeSpan.FromSeconds(10));
        Assert.Equal(["streaming", "paused", "queued", "streaming"], events.Where(e => e.Type == "status").Select(e => e.Data.Status()));
        Assert.Equal("ideas", Assert.Single(events, e => e.Type == "info").Data.GetProperty("stage").GetString());
        await Client.PostJsonAsync($"/api/ideations/{made.Id()}/pause", null, HttpStatusCode.Conflict);
        await Client.PostJsonAsync($"/api/ideations/{made.Id()}/resume", null, HttpStatusCode.Conflict);
    }

    [Fact]
    public async Task Pause_outlives_the_service_and_can_be_cancelled()
    {
        _host.Model.Responder = _ => Script.Begin().Deltas("x").Stall();
        var made = await Client.IdeateAsync();
        await _host.Model.NextRequestAsync(TestContext.Current.CancellationToken);
        await Client.PostJsonAsync($"/api/ideations/{made.Id()}/pause", null);
        await using var other = await ServiceHost.StartAsync(postgres, connectionString: _host.Host.ConnectionString);
        await _host.Host.StopAsync();
        Assert.Equal("paused", (await other.Client.StateAsync($"/api/ideations/{made.Id()}")).Status());
        await other.Client.PostJsonAsync($"/api/ideations/{made.Id()}/cancel", null);
        Assert.Equal("end", (await other.Client.ReadStreamAsync($"/api/stream/ideation/{made.Id()}"))[^1].Type);
    }

    [Fact]
    public async Task Cancelled_generation_can_be_retried_and_a_second_retry_finds_the_first()
    {
        var gate = new TaskCompletionSource();
        _host.Model.Enqueue(
            Script.Begin().Deltas("x").Stall(),
            Script.Begin().Gate(gate.Task).Deltas("""{"ideas":[{"title":"One","body":"b"},{"title":"Two","body":"c"}]}""").Finish("stop").Done());
        var made = await Client.IdeateAsync();
        await _host.Model.NextRequestAsync(TestContext.Current.CancellationToken);
        await Client.PostJsonAsync($"/api/ideations/{made.Id()}/cancel", null);
        var retried = await Client.PostJsonAsync($"/api/ideations/{made.Id()}/retry", null);
        var again = await Client.PostJsonAsync($"/api/ideations/{made.Id()}/retry", null);
        Assert.Equal(TransformId(retried), TransformId(again));
        Assert.NotEqual(TransformId(made), TransformId(retried));
        gate.SetResult();
        Assert.Equal("completed", (await Client.EndedAsync($"/api/ideations/{made.Id()}")).Status());
    }

    [Fact]
    public async Task Cancel_and_retry_at_every_moment_leave_a_stream_without_gaps()
    {
        var seed = Environment.TickCount;
        TestContext.Current.SendDiagnosticMessage($"seed {seed}");
        var random = new Random(seed);
        await using var host = await ServiceHost.StartAsync(postgres, [new("Models:Offline:TokensPerSecond", "2000")]);
        for (var round = 0; round < 15; round++)
        {
            var made = await host.Client.IdeateAsync(ideaCount: 1);
            var stop = random.Next(40);
            await foreach (var item in host.Client.StreamAsync($"/api/stream/ideation/{made.Id()}"))
                if (item.Index >= stop)
                    break;
            using var answer = await host.Client.PostAsync($"/api/ideations/{made.Id()}/cancel", null);
            Assert.Contains(answer.StatusCode, new[] { HttpStatusCode.Accepted, HttpStatusCode.Conflict });
            var next = 0;
            foreach (var item in await host.Client.ReadStreamAsync($"/api/stream/ideation/{made.Id()}"))
            {
                Assert.True(item.First == next, $"seed {seed}");
                next = item.Index!.Value + 1;
            }
        }

        await using var connection = new NpgsqlConnection(host.ConnectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(
            """
            select count(*) from transforms as t
            where t.status not in ('completed', 'cancelled')
               or (select chunk_type from transform_chunks where transform_id = t.id order by chunk_index desc limit 1) <> 'end'
               or (select count(*) from transform_chunks where transform_id = t.id and chunk_type = 'end') <> 1
            """, connection);
        Assert.Equal(0L, await command.ExecuteScalarAsync());
    }

    static string? TransformId(JsonElement state) => state.GetProperty("streamingData").GetProperty("transformId").GetString();
}
