using System.Text.Json;
using Microsoft.Extensions.Options;
using Streaming.Configuration;
using Streaming.Database;
using Streaming.Http.Limits;
using Streaming.Images;
using Streaming.Messages;
using Streaming.Pipelines.Analysis;
using Streaming.Protocol;
using Streaming.Sessions;
using Streaming.Subscriptions;

namespace Streaming.Http;

/// <summary>A check of the self-test.</summary>
/// <param name="Name">What was looked at.</param>
/// <param name="Passed">Whether it was as it should.</param>
/// <param name="Detail">What was found.</param>
public sealed record SelfTestCheck(string Name, bool Passed, string Detail);

/// <summary>What came of the self-test.</summary>
/// <param name="Passed">Every check has passed.</param>
/// <param name="ElapsedMs">How long it took.</param>
/// <param name="Strategy">That the analysis was made with; none if it was not begun.</param>
/// <param name="Provider">Who generated.</param>
/// <param name="Checks">One by one.</param>
public sealed record SelfTestReport(bool Passed, long ElapsedMs, string? Strategy, string? Provider, IReadOnlyList<SelfTestCheck> Checks);

/// <summary>
/// <c>POST /api/v1/stream/test</c>: has a small picture analysed that is drawn here, as a session of whoever asks, looks at its state and
/// at each of its messages, and removes it.
/// </summary>
public sealed class AnalysisSelfTest(
    AnalysisPipeline kind, SessionWriter writer, SessionReader reader, StateWaiter waiter, MessagePages pages, UserLimits users, IOptions<AnalysisOptions> options, TimeProvider clock)
{
    static readonly string[] Phases = ["image_analysis", "context", "suggestions", "validation"];
    static readonly double[] PhaseEnds = [30, 50, 80, 100];

    public async Task<IResult> RunAsync(HttpContext http)
    {
        var began = clock.GetTimestamp();
        var user = http.Id();
        var content = SampleImage.Png();
        var made = await writer.CreateAsync(kind, user, AnalysisRoutes.SelfTestInput(content, options.Value.Budget).ToJsonString(), null, [],
            users.SessionsInProgressMax, new UploadContent(content, 0), http.RequestAborted);
        if (made.IsRefused)
            return Problems.TooManySessions.Problem("The self-test is a session as well.");
        try
        {
            var version = await waiter.WaitAsync(kind.Name, made.SessionId, user,
                await reader.ReadVersionAsync(kind.Name, made.SessionId, user, http.RequestAborted), version => !version.HasEnded, options.Value.SelfTestTimeout, http.RequestAborted);
            var state = await reader.ReadStateAsync(kind.Name, made.SessionId, user, null, http.RequestAborted);
            if (version is null || state is null)
                return Problems.NotFound.Problem("Somebody has deleted the analysis of the self-test.");
            var checks = Checks(state, await MessagesAsync(state.TransformId, http.RequestAborted), clock.GetElapsedTime(began)).ToList();
            var passed = checks.TrueForAll(check => check.Passed);
            return Results.Json(new SelfTestReport(passed, (long)clock.GetElapsedTime(began).TotalMilliseconds,
                Text(state, AnalysisPipeline.StrategyType, "strategy"), writer.GeneratorOf(kind)?.Provider, checks), statusCode: passed ? 200 : 503);
        }
        finally
        {
            // Also when whoever asked has gone.
            await DeleteAsync(made.SessionId, user);
        }
    }

    async Task<List<MessageRow>> MessagesAsync(Guid transformId, CancellationToken cancellation)
    {
        var rows = new List<MessageRow>();
        while (await pages.ReadAsync(transformId, rows.Count - 1, cancellation) is { Rows.Count: > 0 } page)
        {
            rows.AddRange(page.Rows);
            if (!page.IsFull)
                break;
        }

        return rows;
    }

    IEnumerable<SelfTestCheck> Checks(StoredState state, List<MessageRow> messages, TimeSpan elapsed)
    {
        yield return Check("completed", state.Status == "completed", $"the analysis is {SessionVersion.Public(state.Status)} after {elapsed.TotalSeconds:0.0} s");
        yield return Check("strategy", Text(state, AnalysisPipeline.StrategyType, "strategy") is not null, Text(state, AnalysisPipeline.StrategyType, "why") ?? "none was chosen");
        var stages = messages.Where(message => message.Type == MessageTypes.StageComplete).Select(message => JsonElement.Parse(message.Data)).ToList();
        yield return Check("phases", stages.Select(stage => stage.GetProperty("stage").GetString()!).SequenceEqual(Phases)
            && stages.Select(stage => stage.GetProperty("progress").GetDouble()).SequenceEqual(PhaseEnds),
            string.Join(", ", stages.Select(stage => $"{stage.GetProperty("stage").GetString()} until {stage.GetProperty("progress").GetDouble()} %")));
        var progress = messages.Where(message => message.Type == MessageTypes.Progress).Select(message => JsonElement.Parse(message.Data).GetProperty("progress").GetDouble()).ToList();
        yield return Check("progress", progress.Count > 0 && progress.Zip(progress.Skip(1)).All(pair => pair.Second >= pair.First), $"{progress.Count} messages, never backwards");
        yield return Check("image", Text(state, AnalysisPipeline.ImageType, "summary") is not null, Text(state, AnalysisPipeline.ImageType, "summary") ?? "nothing was seen in it");
        var suggestions = state.Artifacts.Count(artifact => artifact.Type == AnalysisPipeline.SuggestionType);
        yield return Check("suggestions", suggestions > 0, $"{suggestions} were made");
        yield return Check("validation", state.Artifacts.Any(artifact => artifact.Type == AnalysisPipeline.ValidationType), "each suggestion was looked at");
        yield return Check("messages", messages.Count > 0 && messages.Select((message, at) => message.Index == at).All(isNext => isNext) && messages[^1].Type == MessageTypes.End,
            $"{messages.Count}, without a gap, from start to end");
        yield return Check("time", elapsed <= options.Value.Budget, $"{elapsed.TotalSeconds:0.0} s of {options.Value.Budget.TotalSeconds:0.#} s");
    }

    static SelfTestCheck Check(string name, bool passed, FormattableString detail) => new(name, passed, FormattableString.Invariant(detail));

    static SelfTestCheck Check(string name, bool passed, string detail) => new(name, passed, detail);

    static string? Text(StoredState state, string type, string field)
    {
        foreach (var artifact in state.Artifacts)
            if (artifact.Type == type)
                return JsonElement.Parse(artifact.Data).TryGetProperty(field, out var text) ? text.GetString() : null;
        return null;
    }

    async Task DeleteAsync(Guid sessionId, string user)
    {
        try
        {
            await writer.DeleteAsync(kind, sessionId, user, CancellationToken.None);
        }
        catch (DatabaseUnavailableException)
        {
            // The report says it already; the session stays in the list.
        }
    }
}
