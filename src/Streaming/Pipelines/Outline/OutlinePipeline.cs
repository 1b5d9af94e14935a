using System.Text.Json;
using Streaming.Models;
using Streaming.Protocol;
using Streaming.Sessions;
using Streaming.Transforms;

namespace Streaming.Pipelines.Outline;

/// <summary>
/// An outline from an idea: premise, then characters, then the story's stages. Each component, character and story stage is
/// an artifact the moment its JSON is complete.
/// </summary>
public sealed class OutlinePipeline(ModelClient model) : IPipeline
{
    public const string KindName = "outline";
    public const string ArtifactType = "component";

    public string Name => KindName;

    public IReadOnlyList<StageInfo> Stages { get; } =
        [new("premise", "Writing the premise", 30), new("characters", "Meeting the characters", 30), new("stages", "Plotting the stages", 40)];

    public async Task RunAsync(RunContext run, CancellationToken cancellation)
    {
        await new PremiseStage(run).RunAsync(run, model, cancellation);
        await new ListStage(run, "characters", "outline_characters", 4,
            """Invent its characters, four to six of them, in this form: {"characters":[{"name":"…","role":"…","description":"…"}]}.""",
            ["name", "role", "description"]).RunAsync(run, model, cancellation);
        await new ListStage(run, "stages", "outline_stages", 4,
            """Divide the story into four to six stages that cover all episodes, in this form: {"stages":[{"title":"…","episodes":"1-6","summary":"…"}]}.""",
            ["title", "episodes", "summary"]).RunAsync(run, model, cancellation);
    }

    /// <summary>Texts by name; characters and stages as arrays, empty as long as there is none.</summary>
    public void WriteResult(Utf8JsonWriter writer, IReadOnlyList<StoredArtifact> artifacts)
    {
        var components = artifacts.Where(artifact => artifact.Type == ArtifactType).Select(artifact => JsonElementOf(artifact.Data))
            .ToLookup(component => component.GetProperty("name").GetString()!, component => component.GetProperty("value"));
        writer.WriteStartObject("components");
        foreach (var name in PremiseStage.Names)
            foreach (var value in components[name])
            {
                writer.WritePropertyName(name);
                value.WriteTo(writer);
            }

        foreach (var name in (string[])["characters", "stages"])
        {
            writer.WriteStartArray(name);
            foreach (var value in components[name])
                value.WriteTo(writer);
            writer.WriteEndArray();
        }

        writer.WriteEndObject();
    }

    static JsonElement JsonElementOf(string json)
    {
        using var document = JsonDocument.Parse(json);
        return document.RootElement.Clone();
    }
}
