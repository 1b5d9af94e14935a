using System.Text.Json;
using Streaming.Models;
using Streaming.Protocol;
using Streaming.Sessions;
using Streaming.Transforms;

namespace Streaming.Pipelines.Ideation;

/// <summary>Ideas from what a person wrote: one stage, each idea an artifact the moment its JSON is complete.</summary>
public sealed class IdeationPipeline(ModelClient model) : IPipeline
{
    public const string KindName = "ideation";

    public string Name => KindName;

    public string? SizeProperty => "ideaCount";

    public IReadOnlyList<StageInfo> Stages { get; } = [new(IdeasStage.StageName, "Writing ideas", 100)];

    public Task RunAsync(RunContext run, CancellationToken cancellation) => new IdeasStage(run).RunAsync(run, model, cancellation);

    public void WriteResult(Utf8JsonWriter writer, IReadOnlyList<StoredArtifact> artifacts)
    {
        writer.WriteStartArray("ideas");
        foreach (var artifact in artifacts)
            if (artifact.Type == IdeasStage.ArtifactType)
                writer.WriteRawValue(artifact.Data);
        writer.WriteEndArray();
    }
}
