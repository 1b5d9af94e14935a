using Streaming.Transforms;

namespace Streaming.Pipelines.Analysis;

/// <summary>The suggestions, generated at the same time.</summary>
public static class SuggestionsStage
{
    public const string StageName = "suggestions";

    /// <exception cref="TransformFault">Not one could be written.</exception>
    public static async Task RunAsync(RunContext run, AnalysisPlan plan, AnalysisPicture picture, SuggestionWriter writer, CancellationToken cancellation)
    {
        if (run.IsCompleted(StageName))
            return;
        await run.BeginStageAsync(StageName, cancellation);
        if (plan.Strategy.ShowsImageAgain)
            await picture.PrepareAsync(run, cancellation);
        await writer.WriteAsync([.. Enumerable.Range(0, plan.Suggestions)], [], cancellation);
        if (AnalysisPlan.SuggestionsOf(run).Count == 0)
            throw new TransformFault("no_suggestions", "invalid_output", "The model wrote no suggestion. What was seen in the picture was kept.", recoverable: true);
        await run.CompleteStageAsync(cancellation);
    }
}
