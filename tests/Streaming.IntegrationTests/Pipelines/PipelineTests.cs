using System.Net;
using System.Text.Json;
using Streaming.IntegrationTests.Fixtures;
using Xunit;

namespace Streaming.IntegrationTests.Pipelines;

/// <summary>Both pipelines against a server that speaks the real wire format: good answers, awkward ones, and faults.</summary>
public sealed class PipelineTests(PostgresServer postgres) : IAsyncLifetime
{
    const string TwoIdeas = """{"ideas":[{"title":"One","body":"First 🙂 body"},{"title":"Two","body":"Second"}]}""";

    ScriptedHost _host = null!;

    HttpClient Client => _host.Client;

    public async ValueTask InitializeAsync() => _host = await ScriptedHost.StartAsync(postgres);

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(7)]
    public async Task Ideas_are_found_in_text_that_comes_in_pieces_of_any_size(int size)
    {
        _host.Model.Enqueue(Script.Begin().Deltas(Cut("Sure! Here are {two} ideas:\n```json\n" + TwoIdeas + "\n```\nHope that helps, \"friend\".", size)).Finish("stop").Done());
        var (events, state) = await RunAsync();
        Assert.Equal("completed", state.Status());
        Assert.Equal([("One", "First 🙂 body"), ("Two", "Second")], Ideas(state));
        Assert.Equal("Sure! Here are {two} ideas:\n```json\n" + TwoIdeas + "\n```\nHope that helps, \"friend\".", events.TextOf());
        Assert.Equal("openai", state.GetProperty("provider").GetString());
        Assert.Equal("scripted", state.GetProperty("model").GetString());
    }

    [Fact]
    public async Task Surrogate_pair_cut_in_two_comes_out_whole()
    {
        _host.Model.Enqueue(Script.Begin().Deltas("""{"ideas":[{"title":"A""").DeltaAsWritten("\\ud83d").DeltaAsWritten("\\ude42")
            .Deltas("\",\"body\":\"b \\ud83d", "\\ude42\"},{\"title\":\"Two\",\"body\":\"x\"}]}").Finish("stop").Done());
        var (_, state) = await RunAsync();
        Assert.Equal([("A🙂", "b 🙂"), ("Two", "x")], Ideas(state));
    }

    [Fact]
    public async Task Idea_is_in_the_state_the_moment_it_is_complete()
    {
        var gate = new TaskCompletionSource();
        _host.Model.Enqueue(Script.Begin().Deltas("""{"ideas":[{"title":"One","body":"b"},{"title":"Tw""").Gate(gate.Task).Deltas("""o","body":"c"}]}""").Finish("stop").Done());
        var made = await Client.IdeateAsync();
        await Eventually.TrueAsync(async () => Ideas(await Client.StateAsync($"/api/ideations/{made.Id()}")).SequenceEqual([("One", "b")]), "the first idea is there");
        var streaming = await Client.StateAsync($"/api/ideations/{made.Id()}");
        Assert.Equal("streaming", streaming.Status());
        Assert.InRange(streaming.GetProperty("streamingData").GetProperty("progress").GetDouble(), 50, 99);
        gate.SetResult();
        Assert.Equal("completed", (await Client.EndedAsync($"/api/ideations/{made.Id()}")).Status());
    }

    [Fact]
    public async Task Answer_that_cannot_be_used_is_repaired_once_and_only_what_is_missing_is_asked_for()
    {
        _host.Model.Enqueue(
            Script.Answer("""{"ideas":[{"title":"One","body":"b"},{"title":"""),
            Script.Answer("""{"ideas":[{"title":"Two","body":"c"}]}"""));
        var (events, state) = await RunAsync();
        Assert.Equal([("One", "b"), ("Two", "c")], Ideas(state));
        Assert.Contains(events, e => e.Type == "warning" && e.Data.GetProperty("code").GetString() == "invalid_output");
        Assert.Contains(events, e => e.Type == "info" && e.Data.GetProperty("code").GetString() == "restarted");
        var repair = _host.Model.Requests[1];
        Assert.Contains("\"count\":1", repair.Prompt, StringComparison.Ordinal);
        Assert.Contains("\"existing\":[\"One\"]", repair.Prompt, StringComparison.Ordinal);
        Assert.Equal("assistant", repair.Json.GetProperty("messages").EnumerateArray().ElementAt(^2).GetProperty("role").GetString());
    }

    [Fact]
    public async Task Answers_that_are_no_json_fail_clearly_and_keep_the_text()
    {
        _host.Model.Enqueue(Script.Answer("Once upon", " a time"), Script.Answer("I will not ", "write JSON"));
        var (events, state) = await RunAsync();
        Assert.Equal("failed", state.Status());
        Assert.Equal("invalid_output", state.GetProperty("error").GetProperty("code").GetString());
        Assert.Equal("I will not write JSON", state.GetProperty("text").GetString());
        Assert.Equal(["error", "end"], events.TakeLast(2).Select(e => e.Type));
        Assert.Equal("failed", events[^1].Data.Status());
    }

    [Fact]
    public async Task Usable_part_of_a_failed_run_is_kept_and_a_retry_is_a_new_transform()
    {
        _host.Model.Enqueue(Script.Answer("""{"ideas":[{"title":"One","body":"b"}]}"""), Script.Answer("no"), Script.Answer(TwoIdeas));
        var (_, failed) = await RunAsync();
        Assert.Equal([("One", "b")], Ideas(failed));
        Assert.Equal("failed", failed.Status());

        var retried = await Client.PostJsonAsync($"/api/ideations/{failed.Id()}/retry", null);
        Assert.StartsWith("2-", retried.GetProperty("lastEventId").GetString(), StringComparison.Ordinal);
        Assert.Empty(Ideas(retried));
        // A reader that still holds the old transform's cursor is told, and gets the new one's stream.
        var events = await Client.ReadStreamAsync($"/api/stream/ideation/{failed.Id()}", failed.GetProperty("lastEventId").GetString());
        Assert.True(events[0].Data.GetProperty("reset").GetBoolean());
        Assert.Equal("start", events[1].Type);
        Assert.Equal(2, Ideas(await Client.EndedAsync($"/api/ideations/{failed.Id()}")).Count);
        await Client.PostJsonAsync($"/api/ideations/{failed.Id()}/retry", null, HttpStatusCode.Conflict);
    }

    public static TheoryData<string, Func<Script>> PassingFaults => new()
    {
        { "provider_rate_limited", () => Script.Failure(429, "0") },
        { "provider_unavailable", () => Script.Failure(500) },
        { "provider_unavailable", () => Script.Failure(503) },
        { "provider_incomplete", () => Script.Begin().Deltas("""{"ideas":[{"ti""") },
        { "provider_incomplete", () => Script.Begin().Deltas("""{"ideas":[{"ti""").Error("server_error") },
        { "provider_empty", () => Script.Begin().Finish("stop").Done() },
        { "provider_invalid_response", Script.Html },
    };

    [Theory]
    [MemberData(nameof(PassingFaults), DisableDiscoveryEnumeration = true)]
    public async Task Fault_that_passes_shows_as_a_warning_and_the_run_goes_on(string code, Func<Script> fault)
    {
        _host.Model.Enqueue(fault(), Script.Answer(TwoIdeas));
        var (events, state) = await RunAsync();
        Assert.Equal("completed", state.Status());
        Assert.Equal(2, Ideas(state).Count);
        var warning = Assert.Single(events, e => e.Type == "warning");
        Assert.Equal(code, warning.Data.GetProperty("code").GetString());
        Assert.True(warning.Data.TryGetProperty("retryAfterMs", out _));
    }

    [Fact]
    public async Task Connection_cut_in_the_middle_of_a_token_restarts_the_text_and_keeps_the_idea_that_was_complete()
    {
        var cut = new TaskCompletionSource();
        _host.Model.Enqueue(
            Script.Begin().Deltas("""{"ideas":[{"title":"One","body":"b"},{"tit""").Gate(cut.Task).Reset(),
            Script.Answer("""{"ideas":[{"title":"Two","body":"c"}]}"""));
        var made = await Client.IdeateAsync();
        await Eventually.TrueAsync(async () => Ideas(await Client.StateAsync($"/api/ideations/{made.Id()}")).Count == 1, "the first idea is there");
        cut.SetResult();
        var state = await Client.EndedAsync($"/api/ideations/{made.Id()}");
        Assert.Equal([("One", "b"), ("Two", "c")], Ideas(state));
        var events = await Client.ReadStreamAsync($"/api/stream/ideation/{made.Id()}");
        Assert.Equal("provider_cut", Assert.Single(events, e => e.Type == "warning").Data.GetProperty("code").GetString());
        Assert.Equal("ideas", Assert.Single(events, e => e.Type == "info").Data.GetProperty("stage").GetString());
        var progress = events.Where(e => e.Type == "progress").Select(e => e.Data.GetProperty("progress").GetDouble()).ToList();
        Assert.Equal(progress.Order(), progress);
    }

    [Fact]
    public async Task State_leaves_out_the_text_of_a_stage_that_was_begun_anew_and_says_so()
    {
        var (cut, gate) = (new TaskCompletionSource(), new TaskCompletionSource());
        _host.Model.Enqueue(
            Script.Begin().Deltas("old text").Gate(cut.Task).Reset(),
            Script.Begin().Deltas("""{"ideas":[""").Gate(gate.Task).Deltas("""{"title":"One","body":"b"},{"title":"Two","body":"c"}]}""").Finish("stop").Done());
        var made = await Client.IdeateAsync();
        await Eventually.TrueAsync(async () => Text(await Client.StateAsync($"/api/ideations/{made.Id()}")) == "old text", "the first text is there");
        var before = await Client.StateAsync($"/api/ideations/{made.Id()}");
        cut.SetResult();
        await Eventually.TrueAsync(async () => Text(await Client.StateAsync($"/api/ideations/{made.Id()}")) == """{"ideas":[""", "the new text is there, alone");
        // A poller that holds the old text learns that it no longer counts.
        var after = await Client.StateAsync($"/api/ideations/{made.Id()}?after={before.GetProperty("lastEventId").GetString()}");
        Assert.Equal("ideas", Assert.Single(after.GetProperty("streamingData").GetProperty("restarts").EnumerateArray()).GetProperty("stage").GetString());
        gate.SetResult();
        await Client.EndedAsync($"/api/ideations/{made.Id()}");

        static string Text(JsonElement state) => state.TryGetProperty("streamingData", out var live)
            ? string.Concat(live.GetProperty("chunks").EnumerateArray().Select(chunk => chunk.GetProperty("text").GetString()))
            : "";
    }

    [Fact]
    public async Task Provider_that_stays_away_ends_in_a_readable_failure()
    {
        _host.Model.Responder = _ => Script.Failure(503);
        var (events, state) = await RunAsync();
        Assert.Equal("failed", state.Status());
        var error = state.GetProperty("error");
        Assert.Equal(("provider_unavailable", "provider", true), (error.GetProperty("code").GetString(), error.GetProperty("category").GetString(), error.GetProperty("recoverable").GetBoolean()));
        Assert.NotEmpty(error.GetProperty("message").GetString()!);
        Assert.Equal(3, events.Count(e => e.Type == "warning"));
    }

    [Fact]
    public async Task Refused_key_is_not_tried_again()
    {
        _host.Model.Responder = _ => Script.Failure(401);
        var (events, state) = await RunAsync();
        Assert.Equal("provider_refused", state.GetProperty("error").GetProperty("code").GetString());
        Assert.DoesNotContain(events, e => e.Type == "warning");
        Assert.Single(_host.Model.Requests);
    }

    [Fact]
    public async Task Provider_that_is_down_ends_in_a_failure_and_never_hangs()
    {
        await using var host = await ServiceHost.StartAsync(postgres, [
            new("Models:Provider", "openai"), new("Models:OpenAI:Endpoint", "http://127.0.0.1:1/v1"), new("Models:OpenAI:Model", "none"),
            new("Models:RetriesMax", "1"), new("Models:RetryBaseDelay", "00:00:00.01")]);
        var made = await host.Client.IdeateAsync();
        Assert.Equal("provider_unavailable", (await host.Client.EndedAsync($"/api/ideations/{made.Id()}")).GetProperty("error").GetProperty("code").GetString());
    }

    [Fact]
    public async Task Stall_between_tokens_is_a_timeout_and_is_tried_again()
    {
        await using var host = await ScriptedHost.StartAsync(postgres, [new("Models:TokenTimeout", "00:00:00.3")]);
        host.Model.Enqueue(Script.Begin().Deltas("""{"ideas":[""").Stall(), Script.Answer(TwoIdeas));
        var made = await host.Client.IdeateAsync();
        var state = await host.Client.EndedAsync($"/api/ideations/{made.Id()}");
        Assert.Equal("completed", state.Status());
        var events = await host.Client.ReadStreamAsync($"/api/stream/ideation/{made.Id()}");
        Assert.Equal("provider_timeout", Assert.Single(events, e => e.Type == "warning").Data.GetProperty("code").GetString());
    }

    [Fact]
    public async Task Outline_runs_its_stages_in_order_from_an_idea()
    {
        _host.Model.Enqueue(
            Script.Answer(TwoIdeas),
            Script.Answer("""{"title":"T","genre":"G","selling""", """Points":"P","setting":"S","synopsis":"Y"}"""),
            Script.Answer("""{"characters":[{"name":"Ada","role":"lead","description":"d"},{"name":"Bo","role":"foe","description":"d"}]}"""),
            Script.Answer("""[{"title":"Rise","episodes":"1-6","summary":"s"},{"title":"Fall","episodes":"7-12","summary":"s"}]"""));
        var (_, ideation) = await RunAsync();
        var made = await Client.PostJsonAsync("/api/outlines", new { ideationId = ideation.Id(), ideaIndex = 1, totalEpisodes = 12 });
        var state = await Client.EndedAsync($"/api/outlines/{made.Id()}");
        Assert.Equal("completed", state.Status());
        var components = state.GetProperty("components");
        Assert.Equal(["T", "G", "P", "S", "Y"], new[] { "title", "genre", "sellingPoints", "setting", "synopsis" }.Select(name => components.GetProperty(name).GetString()));
        Assert.Equal(["Ada", "Bo"], components.GetProperty("characters").EnumerateArray().Select(c => c.GetProperty("name").GetString()));
        Assert.Equal(["Rise", "Fall"], components.GetProperty("stages").EnumerateArray().Select(c => c.GetProperty("title").GetString()));
        Assert.Contains("\"title\":\"Two\"", _host.Model.Requests[1].Prompt, StringComparison.Ordinal);
        Assert.Contains("Ada", _host.Model.Requests[3].Prompt, StringComparison.Ordinal);
        Assert.All(_host.Model.Requests.Skip(1), request => Assert.Contains(
            "\"genrePaths\":[\"Drama\"],\"genreProportions\":[100],\"selectedPlatform\":null", request.Prompt, StringComparison.Ordinal));

        var events = await Client.ReadStreamAsync($"/api/stream/outline/{made.Id()}");
        Assert.Equal(["premise", "characters", "stages"], events.Where(e => e.Type == "stage_complete").Select(e => e.Data.GetProperty("stage").GetString()));
        var progress = events.Where(e => e.Data.TryGetProperty("progress", out _)).Select(e => e.Data.GetProperty("progress").GetDouble()).ToList();
        Assert.Equal(progress.Order(), progress);
        Assert.Equal(100, progress[^1]);
    }

    [Fact]
    public async Task Outline_that_fails_late_keeps_the_components_it_has()
    {
        _host.Model.Enqueue(
            Script.Answer("""{"title":"T","genre":"G","sellingPoints":"P","setting":"S","synopsis":"Y"}"""),
            Script.Answer("""{"characters":[{"name":"Ada","role":"lead","description":"d"}]}"""),
            Script.Answer("nothing"), Script.Answer("at all"));
        var made = await Client.PostJsonAsync("/api/outlines", new { source = new { title = "t", text = "x" } });
        var state = await Client.EndedAsync($"/api/outlines/{made.Id()}");
        Assert.Equal(("failed", "stages"), (state.Status(), state.GetProperty("error").GetProperty("stage").GetString()));
        Assert.Equal("Ada", state.GetProperty("components").GetProperty("characters")[0].GetProperty("name").GetString());
        Assert.Equal("at all", state.GetProperty("text").GetString());
    }

    [Fact]
    public async Task Real_model_that_writes_no_json_fails_clearly_with_its_text_kept()
    {
        var (server, missing) = await TinyModelServer.TryStartAsync(TestContext.Current.CancellationToken);
        Assert.SkipWhen(server is null, missing ?? "");
        await using var tiny = server!;
        await using var host = await ServiceHost.StartAsync(postgres, [
            new("Models:Provider", "openai"), new("Models:OpenAI:Endpoint", tiny.Endpoint.ToString()), new("Models:OpenAI:Model", "stories260k"), new("Models:OutputTokensMax", "60")]);
        var ideation = await host.Client.IdeateAsync();
        var outline = await host.Client.PostJsonAsync("/api/outlines", new { source = new { title = "t", text = "Once upon a time" } });
        foreach (var path in (string[])[$"/api/ideations/{ideation.Id()}", $"/api/outlines/{outline.Id()}"])
        {
            var state = await host.Client.EndedAsync(path);
            Assert.Equal("invalid_output", state.GetProperty("error").GetProperty("code").GetString());
            Assert.True(state.GetProperty("text").GetString()!.Length > 50);
        }
    }

    async Task<(List<StreamEvent> Events, JsonElement State)> RunAsync()
    {
        var made = await Client.IdeateAsync();
        var events = await Client.ReadStreamAsync($"/api/stream/ideation/{made.Id()}");
        return (events, await Client.StateAsync($"/api/ideations/{made.Id()}"));
    }

    static List<(string?, string?)> Ideas(JsonElement state) =>
        [.. state.GetProperty("ideas").EnumerateArray().Select(idea => (idea.GetProperty("title").GetString(), idea.GetProperty("body").GetString()))];

    static string[] Cut(string text, int size) => [.. text.Chunk(size).Select(chunk => new string(chunk))];
}
