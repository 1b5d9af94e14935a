using System.Text.Json;
using System.Text.Json.Nodes;
using Streaming.Protocol;
using Streaming.Transforms;

namespace Streaming.Pipelines.Analysis;

/// <summary>
/// Looks at each suggestion that is there. Those that are rejected are told by a warning, and made anew, once, if the strategy and the
/// time allow it; or if nothing else would be left.
/// </summary>
public static class ValidationStage
{
    public const string StageName = "validation";

    public static async Task RunAsync(RunContext run, AnalysisPlan plan, AnalysisPicture picture, SuggestionWriter writer, int charactersMax, CancellationToken cancellation)
    {
        if (run.IsCompleted(StageName))
            return;
        await run.BeginStageAsync(StageName, cancellation);
        if (!run.Artifacts.Any(artifact => artifact.Type == AnalysisPipeline.ValidationType))
        {
            var (accepted, rejected) = await CheckAsync(run, plan, charactersMax, cancellation);
            if (rejected.Count > 0 && (accepted.Count == 0 || (plan.Strategy.Regenerates && run.Elapsed + Typical(run) < plan.Budget)))
            {
                await run.ProgressAsync(0.3, "Writing anew what was rejected", cancellation);
                if (plan.Strategy.ShowsImageAgain)
                    await picture.PrepareAsync(run, cancellation);
                var next = AnalysisPlan.SuggestionsOf(run).Max(suggestion => suggestion.Position) + 1;
                await writer.WriteAsync([.. Enumerable.Range(next, rejected.Count)], [.. AnalysisPlan.SuggestionsOf(run).Select(suggestion => suggestion.Text)], cancellation);
                (accepted, rejected) = await CheckAsync(run, plan, charactersMax, cancellation, rejected);
            }

            if (accepted.Count == 0)
                throw new TransformFault("no_suggestions", "invalid_output", "None of the suggestions could be used. What was seen in the picture was kept.", recoverable: true);
            await run.ArtifactAsync(AnalysisPipeline.ValidationType, 0, JsonSerializer.SerializeToElement(new JsonObject
            {
                ["accepted"] = new JsonArray([.. accepted.Select(suggestion => (JsonNode)suggestion.Position)]),
                ["rejected"] = new JsonArray([.. rejected.Select(one => (JsonNode)new JsonObject { ["position"] = one.Position, ["reason"] = one.Reason })]),
            }), cancellation);
        }

        await TellOutcomeAsync(run, plan, cancellation);
        await run.CompleteStageAsync(cancellation);
    }

    /// <summary>How long it took, beside how long it was to take.</summary>
    public static Task TellOutcomeAsync(RunContext run, AnalysisPlan plan, CancellationToken cancellation)
    {
        if (run.Artifacts.Any(artifact => artifact.Type == AnalysisPipeline.OutcomeType))
            return Task.CompletedTask;
        var elapsed = run.Elapsed;
        var reused = run.Artifacts.FirstOrDefault(artifact => artifact.Type == AnalysisPipeline.CacheType)?.Data.GetProperty("source").GetString();
        return run.ArtifactAsync(AnalysisPipeline.OutcomeType, 0, JsonSerializer.SerializeToElement(new JsonObject
        {
            ["elapsedMs"] = (long)elapsed.TotalMilliseconds,
            ["withinBudget"] = elapsed <= plan.Budget,
            ["cache"] = reused,
        }), cancellation);
    }

    /// <summary>About what one more round of the model takes: as long as each of the stages before.</summary>
    static TimeSpan Typical(RunContext run) => run.Elapsed / 3;

    static async Task<(List<Suggestion> Accepted, List<RejectedSuggestion> Rejected)> CheckAsync(
        RunContext run, AnalysisPlan plan, int charactersMax, CancellationToken cancellation, IReadOnlyList<RejectedSuggestion>? told = null)
    {
        var (accepted, rejected) = (new List<Suggestion>(), new List<RejectedSuggestion>());
        foreach (var suggestion in AnalysisPlan.SuggestionsOf(run))
        {
            var fault = SuggestionCheck.Fault(suggestion.Text, [.. accepted.Select(other => other.Text)], plan.Context, plan.Language, charactersMax);
            if (fault is null)
            {
                accepted.Add(suggestion);
                continue;
            }

            rejected.Add(new RejectedSuggestion(suggestion.Position, fault));
            if (told?.Any(one => one.Position == suggestion.Position) != true)
                await run.WarningAsync("suggestion_rejected", "invalid_output", $"Suggestion {suggestion.Position + 1} was rejected: {Words(fault)}.", 1, TimeSpan.Zero, cancellation);
        }

        return (accepted, rejected);
    }

    static string Words(string fault) => fault switch
    {
        SuggestionCheck.Empty => "it says nothing",
        SuggestionCheck.TooLong => "it is too long",
        SuggestionCheck.Duplicate => "it says the same as another one",
        SuggestionCheck.Unsafe => "it has something in it that is not to be sent",
        _ => "it is in another script than the context",
    };
}
