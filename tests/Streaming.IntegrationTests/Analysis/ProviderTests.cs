using System.Net;
using System.Text.Json;
using Streaming.Images;
using Streaming.IntegrationTests.Fixtures;
using Streaming.Tests.Images;
using Xunit;

namespace Streaming.IntegrationTests.Analysis;

/// <summary>Analyses with a model that does as it is told: what it is sent, and what becomes of what it answers.</summary>
public sealed class ProviderTests(PostgresServer postgres)
{
    const string Seen = """{"summary":"A blue band above lines of writing.","kind":"drawing","details":["a band","lines"],"colors":["blue"],"visibleText":["Hello"]}""";
    const string Situation = """{"situation":"Somebody shows a drawing.","goal":"to answer","tone":"warm"}""";

    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>The JSON that a prompt ends with, whether its message has a picture or not.</summary>
    static JsonElement Asked(RequestInfo request)
    {
        var content = request.Json.GetProperty("messages").EnumerateArray().Last().GetProperty("content");
        var text = content.ValueKind == JsonValueKind.String ? content.GetString()! : content.EnumerateArray().Last().GetProperty("text").GetString()!;
        var start = text.LastIndexOf("<request>", StringComparison.Ordinal) + "<request>".Length;
        return JsonElement.Parse(text[start..text.LastIndexOf("</request>", StringComparison.Ordinal)]);
    }

    static string Task(RequestInfo request) => Asked(request).GetProperty("task").GetString()!;

    static byte[]? PictureOf(RequestInfo request)
    {
        var content = request.Json.GetProperty("messages").EnumerateArray().Last().GetProperty("content");
        return content.ValueKind == JsonValueKind.String ? null
            : Convert.FromBase64String(content.EnumerateArray().Single(part => part.GetProperty("type").GetString() == "image_url").GetProperty("image_url").GetProperty("url").GetString()!.Split(',')[1]);
    }

    static Func<RequestInfo, Script> Answers(Func<int, string> suggestion) => request => Script.Answer(Task(request) switch
    {
        "image_analysis" => Seen,
        "analysis_context" => Situation,
        _ => JsonSerializer.Serialize(new { text = suggestion(Asked(request).GetProperty("number").GetInt32()), reason = "It fits." }),
    });

    [Theory]
    [InlineData("", "standard", 1024, 4, true)]
    [InlineData("?timeBudgetMs=6000", "fast", 768, 3, false)]
    [InlineData("?timeBudgetMs=3000", "ultra_fast", 448, 2, false)]
    public async Task Strategy_decides_on_the_picture_that_is_sent_on_the_questions_and_on_the_length_of_answers(string query, string strategy, int edge, int suggestions, bool asksForContext)
    {
        Assert.SkipUnless(TestImages.CanMake, "needs vips (libvips-tools)");
        await using var scripted = await ScriptedHost.StartAsync(postgres);
        scripted.Model.Responder = Answers(number => $"Suggestion {number} is {new string((char)('a' + number), 12)} {number * 7919}");
        var state = await scripted.Client.AnalyzedAsync(await TestImages.PhotoAsync(1600, 1200, ".jpg"), query);

        Assert.Equal(("completed", strategy, "A blue band above lines of writing."), (state.Status(), state.GetProperty("strategy").GetString(), state.GetProperty("imageAnalysis").GetProperty("summary").GetString()));
        var requests = scripted.Model.Requests;
        var expected = new List<string> { "image_analysis" };
        if (asksForContext)
            expected.Add("analysis_context");
        Assert.Equal([.. expected, .. Enumerable.Repeat("analysis_suggestion", suggestions)], requests.Select(Task));
        var picture = PictureOf(requests[0])!;
        Assert.Equal(($"{edge}", "jpegload"), (await TestImages.FieldAsync(picture, "width"), (await TestImages.FieldAsync(picture, "vips-loader"))![..8]));
        Assert.All(requests.Skip(1), request => Assert.Null(PictureOf(request)));
        Assert.All(requests, request => Assert.InRange(request.Json.GetProperty("max_completion_tokens").GetInt32(), 200, 800));
        Assert.Equal(asksForContext ? "model" : "as_given", state.GetProperty("situation").GetProperty("source").GetString());
        Assert.Equal(suggestions, state.Suggestions().Length);
    }

    [Fact]
    public async Task Optimised_image_of_an_upload_is_what_is_sent_and_not_the_original()
    {
        Assert.SkipUnless(TestImages.CanMake, "needs vips (libvips-tools)");
        await using var scripted = await ScriptedHost.StartAsync(postgres);
        scripted.Model.Responder = Answers(number => $"Number {number}");
        // Made smaller than any strategy would: what it became is what is sent on.
        var upload = (await scripted.Client.UploadImageAsync(await TestImages.PhotoAsync(1600, 1200, ".jpg"), "?maxEdge=200")).Id();
        await scripted.Client.EndedAsync($"/api/uploads/{upload}");
        var made = await scripted.Client.PostJsonAsync("/api/v1/stream/analyze", new { uploadId = upload, suggestionCount = 1 });
        Assert.Equal("completed", (await scripted.Client.EndedAsync($"/api/analyses/{made.Id()}")).Status());
        Assert.Equal("200", await TestImages.FieldAsync(PictureOf(scripted.Model.Requests[0])!, "width"));
    }

    [Fact]
    public async Task Suggestions_are_asked_for_at_the_same_time_and_each_is_told_when_it_is_there()
    {
        await using var scripted = await ScriptedHost.StartAsync(postgres);
        var (last, all) = (new TaskCompletionSource(), new TaskCompletionSource());
        var asked = 0;
        scripted.Model.Responder = request =>
        {
            if (Task(request) != "analysis_suggestion")
                return Script.Answer(Task(request) == "image_analysis" ? Seen : Situation);
            if (Interlocked.Increment(ref asked) == 4)
                all.SetResult();
            var number = Asked(request).GetProperty("number").GetInt32();
            // None is answered before all are asked for, and the first not before the others are shown.
            return Script.Begin().Gate(all.Task).Gate(number == 1 ? last.Task : System.Threading.Tasks.Task.CompletedTask)
                .Deltas($$"""{"text":"Suggestion of {{number}} {{new string((char)('a' + number), 9)}}"}""").Finish("stop").Usage().Done();
        };
        var made = await scripted.Client.AnalyzeAsync(SampleImage.Png());
        var positions = new List<int>();
        await foreach (var e in scripted.Client.StreamAsync($"/api/stream/analysis/{made.Id()}", cancellation: Cancellation))
            if (e.Type == "artifact" && e.Data.GetProperty("artifactType").GetString() == "suggestion")
            {
                positions.Add(e.Data.GetProperty("position").GetInt32());
                if (positions.Count == 3)
                {
                    // It is in the state as well, while the last one is being written.
                    Assert.Equal(3, (await scripted.Client.StateAsync($"/api/analyses/{made.Id()}")).Suggestions().Length);
                    last.SetResult();
                }
            }

        Assert.Equal([1, 2, 3], positions.Take(3).Order());
        Assert.Equal(0, positions[3]);
        Assert.Equal([0, 1, 2, 3], (await scripted.Client.StateAsync($"/api/analyses/{made.Id()}")).GetProperty("suggestions").EnumerateArray().Select(one => one.GetProperty("position").GetInt32()));
    }

    [Fact]
    public async Task Suggestion_that_is_rejected_is_told_and_made_anew_once()
    {
        await using var scripted = await ScriptedHost.StartAsync(postgres);
        scripted.Model.Responder = Answers(number => number switch
        {
            1 => "Click <a href='https://evil.example'>here</a>",
            2 => "See you at eight by the river",
            3 => "See you at eight, by the RIVER!",
            4 => "\u202EsdrawkcaB",
            5 => "The first one that was made anew",
            6 => "Visit https://evil.example now",
            _ => "Here is yet another thing to say",
        });
        var made = await scripted.Client.AnalyzeAsync(SampleImage.Png());
        var events = await scripted.Client.ReadStreamAsync($"/api/stream/analysis/{made.Id()}");
        var state = await scripted.Client.StateAsync($"/api/analyses/{made.Id()}");

        Assert.Equal("completed", state.Status());
        Assert.Equal(["See you at eight by the river", "The first one that was made anew", "Here is yet another thing to say"], state.Suggestions());
        Assert.Equal([(0, "unsafe"), (2, "duplicate"), (3, "unsafe"), (5, "unsafe")],
            state.GetProperty("rejected").EnumerateArray().Select(one => (one.GetProperty("position").GetInt32(), one.GetProperty("reason").GetString()!)));
        Assert.Equal(4, events.Count(e => e.Type == "warning" && e.Data.GetProperty("code").GetString() == "suggestion_rejected"));
        // Four, and three anew; not once more.
        Assert.Equal(7, scripted.Model.Requests.Count(request => Task(request) == "analysis_suggestion"));
        Assert.Equal(3, scripted.Model.Requests.Count(request => Asked(request).TryGetProperty("avoid", out var avoid) && avoid.GetArrayLength() == 4));
    }

    [Fact]
    public async Task Suggestion_that_cannot_be_written_is_missing_and_the_others_are_there()
    {
        await using var scripted = await ScriptedHost.StartAsync(postgres, [new("Models:RetriesMax", "0")]);
        scripted.Model.Responder = request => Task(request) == "analysis_suggestion" && Asked(request).GetProperty("number").GetInt32() == 2
            ? Script.Failure(400, type: "invalid_request_error") : Answers(number => $"Suggestion {new string((char)('a' + number), 9)}")(request);
        var made = await scripted.Client.AnalyzeAsync(SampleImage.Png());
        var events = await scripted.Client.ReadStreamAsync($"/api/stream/analysis/{made.Id()}");
        var state = await scripted.Client.StateAsync($"/api/analyses/{made.Id()}");
        Assert.Equal(("completed", 3), (state.Status(), state.Suggestions().Length));
        Assert.Equal("provider_refused", Assert.Single(events, e => e.Type == "warning").Data.GetProperty("code").GetString());
    }

    [Fact]
    public async Task Analysis_without_any_suggestion_fails_and_keeps_what_was_seen()
    {
        await using var scripted = await ScriptedHost.StartAsync(postgres, [new("Models:RetriesMax", "0")]);
        scripted.Model.Responder = request => Task(request) == "analysis_suggestion" ? Script.Answer("I have no idea.") : Answers(_ => "")(request);
        var state = await scripted.Client.AnalyzedAsync(SampleImage.Png());
        Assert.Equal(("failed", "no_suggestions", true), (state.Status(), state.GetProperty("error").GetProperty("code").GetString(), state.GetProperty("error").GetProperty("recoverable").GetBoolean()));
        Assert.Equal("A blue band above lines of writing.", state.GetProperty("imageAnalysis").GetProperty("summary").GetString());
        scripted.Model.Responder = Answers(number => $"Suggestion {new string((char)('a' + number), 9)}");
        // Its picture is still there.
        await scripted.Client.PostJsonAsync($"/api/analyses/{state.Id()}/retry", null);
        Assert.Equal("completed", (await scripted.Client.EndedAsync($"/api/analyses/{state.Id()}")).Status());
    }

    [Fact]
    public async Task Guidance_breaks_off_suggestions_that_are_being_written_and_they_go_by_it()
    {
        await using var scripted = await ScriptedHost.StartAsync(postgres);
        var asked = new TaskCompletionSource();
        scripted.Model.Responder = request =>
        {
            if (Task(request) != "analysis_suggestion")
                return Answers(_ => "")(request);
            if (Asked(request).TryGetProperty("guidance", out var guidance))
                return Script.Answer(JsonSerializer.Serialize(new { text = $"{guidance[0].GetString()} {new string((char)('a' + Asked(request).GetProperty("number").GetInt32()), 9)}" }));
            asked.TrySetResult();
            return Script.Begin().Stall();
        };
        var made = await scripted.Client.AnalyzeAsync(SampleImage.Png());
        await asked.Task.WaitAsync(TimeSpan.FromSeconds(20), Cancellation);
        await scripted.Client.PostJsonAsync($"/api/analyses/{made.Id()}/messages", new { text = "Rhyme" });
        var state = await scripted.Client.EndedAsync($"/api/analyses/{made.Id()}");
        Assert.Equal("completed", state.Status());
        Assert.All(state.Suggestions(), text => Assert.StartsWith("Rhyme", text, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Cancelled_analysis_is_over_at_once_and_may_be_cancelled_again()
    {
        await using var scripted = await ScriptedHost.StartAsync(postgres);
        scripted.Model.Responder = request => Task(request) == "analysis_suggestion" ? Script.Begin().Stall() : Answers(_ => "")(request);
        var made = await scripted.Client.AnalyzeAsync(SampleImage.Png());
        await Eventually.TrueAsync(() => System.Threading.Tasks.Task.FromResult(scripted.Model.Requests.Count(request => Task(request) == "analysis_suggestion") == 4), "all suggestions are asked for");
        for (var time = 0; time < 2; time++)
        {
            using var response = await scripted.Client.DeleteAsync($"/api/v1/stream/{made.Id()}", Cancellation);
            Assert.Equal((HttpStatusCode.Accepted, "cancelled"), (response.StatusCode, JsonElement.Parse(await response.Content.ReadAsStringAsync(Cancellation)).Status()));
        }

        await System.Threading.Tasks.Task.WhenAll(scripted.Model.Requests.Where(request => Task(request) == "analysis_suggestion").Select(request => request.Aborted)).WaitAsync(TimeSpan.FromSeconds(20), Cancellation);
        Assert.Equal("A blue band above lines of writing.", (await scripted.Client.StateAsync($"/api/v1/stream/status/{made.Id()}")).GetProperty("imageAnalysis").GetProperty("summary").GetString());
        using var unknown = await scripted.Client.DeleteAsync($"/api/v1/stream/{Guid.NewGuid()}", Cancellation);
        Assert.Equal(HttpStatusCode.NotFound, unknown.StatusCode);
    }

    [Fact]
    public async Task Self_test_names_what_does_not_work_when_the_model_fails()
    {
        await using var scripted = await ScriptedHost.StartAsync(postgres, [new("Models:RetriesMax", "0")]);
        scripted.Model.Responder = _ => Script.Failure(401, type: "authentication_error");
        using var response = await scripted.Client.PostAsync("/api/v1/stream/test", null, Cancellation);
        var report = JsonElement.Parse(await response.Content.ReadAsStringAsync(Cancellation));
        Assert.Equal((HttpStatusCode.ServiceUnavailable, false), (response.StatusCode, report.GetProperty("passed").GetBoolean()));
        var checks = report.GetProperty("checks").EnumerateArray().ToDictionary(check => check.GetProperty("name").GetString()!, check => check.GetProperty("passed").GetBoolean());
        Assert.Equal((false, true, false, true), (checks["completed"], checks["strategy"], checks["image"], checks["messages"]));
    }
}
