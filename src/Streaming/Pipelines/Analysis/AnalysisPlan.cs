using System.Text.Json;
using Streaming.Protocol;
using Streaming.Transforms;

namespace Streaming.Pipelines.Analysis;

/// <summary>What is to be done for one analysis, from its input and the strategy that was chosen.</summary>
public sealed class AnalysisPlan
{
    public required AnalysisStrategy Strategy { get; init; }

    /// <summary>How many suggestions.</summary>
    public required int Suggestions { get; init; }

    /// <summary>What the user has said with the picture; empty: nothing.</summary>
    public required string Context { get; init; }

    /// <summary>Of the suggestions; null: that of the context.</summary>
    public required string? Language { get; init; }

    /// <summary>From the request.</summary>
    public required TimeSpan Budget { get; init; }

    public required TimeSpan Predicted { get; init; }

    public static AnalysisPlan Of(JsonElement input, AnalysisStrategy strategy, TimeSpan predicted) => new()
    {
        Strategy = strategy,
        Suggestions = Math.Min(strategy.Suggestions, input.GetProperty("suggestionCount") is { ValueKind: JsonValueKind.Number } asked ? asked.GetInt32() : strategy.Suggestions),
        Context = input.GetProperty("context").GetString() ?? "",
        Language = input.GetProperty("language").GetString(),
        Budget = BudgetOf(input),
        Predicted = predicted,
    };

    public static TimeSpan BudgetOf(JsonElement input) => TimeSpan.FromMilliseconds(input.GetProperty("budgetMs").GetInt32());

    /// <summary>What was seen in the picture; null: not yet.</summary>
    public static JsonElement? ImageAnalysis(RunContext run) => Data(run, AnalysisPipeline.ImageType);

    /// <summary>What the situation is; null: not yet.</summary>
    public static JsonElement? Situation(RunContext run) => Data(run, AnalysisPipeline.SituationType);

    /// <summary>Those that are there, validated or not.</summary>
    public static IReadOnlyList<Suggestion> SuggestionsOf(RunContext run) =>
    [
        .. run.Artifacts.Where(artifact => artifact.Type == AnalysisPipeline.SuggestionType).OrderBy(artifact => artifact.Position)
            .Select(artifact => artifact.Data.Deserialize(ProtocolJson.Wire.Suggestion)!),
    ];

    static JsonElement? Data(RunContext run, string type) => run.Artifacts.FirstOrDefault(artifact => artifact.Type == type)?.Data;
}
