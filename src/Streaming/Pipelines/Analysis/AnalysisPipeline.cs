using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Options;
using Streaming.Configuration;
using Streaming.Images;
using Streaming.Models;
using Streaming.Protocol;
using Streaming.Sessions;
using Streaming.Transforms;

namespace Streaming.Pipelines.Analysis;

/// <summary>
/// The analysis of a picture: what is seen in it, what is going on, suggestions of what to say or do next, each delivered as soon
/// as it is there, and a look at each of them. How thoroughly, is chosen when it begins.
/// </summary>
public sealed class AnalysisPipeline(
    ModelClient model, AnalysisReader reader, Vips vips, IOptions<AnalysisOptions> options, IOptions<ImageOptions> images) : IPipeline
{
    public const string KindName = "analysis";
    public const string StrategyType = "strategy";
    public const string ImageType = "image_analysis";
    public const string SituationType = "situation";
    public const string SuggestionType = "suggestion";
    public const string ValidationType = "validation";
    public const string CacheType = "cache";
    public const string OutcomeType = "outcome";

    public string Name => KindName;

    public IReadOnlyList<StageInfo> Stages { get; } =
    [
        new(ImageStage.StageName, "Looking at the picture", 30), new(ContextStage.StageName, "Understanding the context", 20),
        new(SuggestionsStage.StageName, "Writing suggestions", 30), new(ValidationStage.StageName, "Checking the suggestions", 20),
    ];

    public string Queue => "analyses";

    public int? ConcurrencyMax => options.Value.Concurrency;

    public string? StatusUrl(Guid sessionId) => $"/api/v1/stream/status/{sessionId}";

    /// <summary>Whether pictures can be decoded here.</summary>
    public bool HasDecoder => vips.IsInstalled;

    /// <summary>Whether the model's provider is asked, and not left alone because it keeps failing.</summary>
    public bool IsModelAsked => model.Circuit < 2;

    public async Task RunAsync(RunContext run, CancellationToken cancellation)
    {
        var plan = await PlanAsync(run, cancellation);
        if (await ReuseAsync(run, plan, cancellation))
            return;
        var picture = new AnalysisPicture(reader, vips, images, model.Info, plan.Strategy.EdgePixels);
        using var writer = new SuggestionWriter(run, model, plan, picture, options.Value.SuggestionCharactersMax);
        await new ImageStage(run, plan, picture).RunAsync(run, model, cancellation);
        await new ContextStage(run, plan).RunInTimeAsync(run, model, cancellation);
        await SuggestionsStage.RunAsync(run, plan, picture, writer, cancellation);
        await ValidationStage.RunAsync(run, plan, picture, writer, options.Value.SuggestionCharactersMax, cancellation);
    }

    /// <summary>Chosen once; another attempt goes on with what the first has told.</summary>
    async Task<AnalysisPlan> PlanAsync(RunContext run, CancellationToken cancellation)
    {
        if (run.Artifacts.FirstOrDefault(artifact => artifact.Type == StrategyType)?.Data is { } chosen)
            return AnalysisPlan.Of(run.Input, AnalysisStrategy.Named(chosen.GetProperty("strategy").GetString()!), TimeSpan.FromMilliseconds(chosen.GetProperty("predictedMs").GetInt64()));
        var history = await reader.ReadHistoryAsync(run.SessionId, Queue, options.Value.HistoryAge, cancellation);
        var load = (double)(history.Running + history.Queued) / options.Value.Concurrency;
        var waited = run.Elapsed;
        var choice = StrategyChooser.Choose(AnalysisPlan.BudgetOf(run.Input) - waited, load, history.Past, options.Value);
        var predicted = waited + choice.Predicted;
        await run.ArtifactAsync(StrategyType, 0, JsonSerializer.SerializeToElement(new JsonObject
        {
            ["strategy"] = choice.Strategy.Name,
            ["rank"] = choice.Strategy.Rank,
            ["why"] = choice.Why,
            ["predictedMs"] = (long)predicted.TotalMilliseconds,
            ["predictedP90Ms"] = (long)(waited + choice.PredictedP90).TotalMilliseconds,
            ["probability"] = Math.Round(choice.Probability, 3),
            ["load"] = Math.Round(load, 3),
        }), cancellation);
        return AnalysisPlan.Of(run.Input, choice.Strategy, predicted);
    }

    /// <summary>Takes over what an earlier analysis has made; true: there is nothing left to do.</summary>
    async Task<bool> ReuseAsync(RunContext run, AnalysisPlan plan, CancellationToken cancellation)
    {
        // What an attempt before this one has begun, or taken over, is gone on with.
        if (!run.Input.GetProperty("reuse").GetBoolean() || Stages.Any(stage => run.IsCompleted(stage.Name))
            || run.Artifacts.Any(artifact => artifact.Type != StrategyType))
            return false;
        var earlier = await reader.FindReusableAsync(run.SessionId, plan.Strategy.ReusableRankMin, cancellation);
        if (earlier.Count == 0)
            return false;
        var isFull = earlier[0].IsFull && earlier.Any(artifact => artifact.Type == ValidationType) && !run.GuidanceArrival.IsCancellationRequested;
        var source = isFull ? "full" : "partial";
        await run.CacheAsync(source, cancellation);
        await run.ArtifactAsync(CacheType, 0, JsonSerializer.SerializeToElement(new JsonObject { ["source"] = source }), cancellation);
        if (!isFull)
        {
            await run.BeginStageAsync(ImageStage.StageName, cancellation);
            await TakeAsync(ImageType);
            await run.CompleteStageAsync(cancellation);
            return false;
        }

        await TakeStageAsync(ImageStage.StageName, ImageType);
        await TakeStageAsync(ContextStage.StageName, SituationType);
        await TakeStageAsync(SuggestionsStage.StageName, SuggestionType);
        await run.BeginStageAsync(ValidationStage.StageName, cancellation);
        await TakeAsync(ValidationType);
        await ValidationStage.TellOutcomeAsync(run, plan, cancellation);
        await run.CompleteStageAsync(cancellation);
        return true;

        async Task TakeStageAsync(string stage, string type)
        {
            await run.BeginStageAsync(stage, cancellation);
            await TakeAsync(type);
            await run.CompleteStageAsync(cancellation);
        }

        async Task TakeAsync(string type)
        {
            foreach (var artifact in earlier.Where(artifact => artifact.Type == type))
                await run.ArtifactAsync(type, artifact.Position, JsonElement.Parse(artifact.Data), cancellation);
        }
    }

    /// <summary>The parts that are there; the suggestions as an array, empty as long as there is none, and without those that were rejected.</summary>
    public void WriteResult(Utf8JsonWriter writer, IReadOnlyList<StoredArtifact> artifacts)
    {
        var validation = One(ValidationType);
        if (One(StrategyType) is { } strategy)
            foreach (var field in (string[])["strategy", "why", "predictedMs"])
                Write(strategy, field);
        WriteOne("imageAnalysis", ImageType);
        WriteOne("situation", SituationType);
        writer.WriteStartArray("suggestions");
        var accepted = validation?.GetProperty("accepted").EnumerateArray().Select(position => position.GetInt32()).ToHashSet();
        foreach (var artifact in artifacts.Where(artifact => artifact.Type == SuggestionType))
            if (accepted?.Contains(JsonElement.Parse(artifact.Data).GetProperty("position").GetInt32()) != false)
                writer.WriteRawValue(artifact.Data);
        writer.WriteEndArray();
        if (validation is { } checkedOnes)
            Write(checkedOnes, "rejected");
        if (One(OutcomeType) is not { } outcome)
            return;
        foreach (var field in (string[])["cache", "elapsedMs", "withinBudget"])
            Write(outcome, field);

        JsonElement? One(string type)
        {
            foreach (var artifact in artifacts)
                if (artifact.Type == type)
                    return JsonElement.Parse(artifact.Data);
            return null;
        }

        void WriteOne(string name, string type)
        {
            if (One(type) is not { } value)
                return;
            writer.WritePropertyName(name);
            value.WriteTo(writer);
        }

        void Write(JsonElement element, string field)
        {
            if (!element.TryGetProperty(field, out var value) || value.ValueKind == JsonValueKind.Null)
                return;
            writer.WritePropertyName(field);
            value.WriteTo(writer);
        }
    }
}
