using System.Text.Json;
using Microsoft.Extensions.Options;
using Streaming.Configuration;
using Streaming.Files;
using Streaming.Models;
using Streaming.Pipelines.Outline.Documents;
using Streaming.Protocol;
using Streaming.Sessions;
using Streaming.Transforms;

namespace Streaming.Pipelines.Outline;

/// <summary>
/// An outline from an idea, a text or a document: premise, then characters, then the story's stages. Each component, character and story
/// stage is an artifact the moment its JSON is complete. A document is read and condensed before.
/// </summary>
public sealed class OutlinePipeline(ModelClient model, DocumentReader documents, ArtifactReader artifacts, IOptions<DocumentOptions> options) : IPipeline
{
    // Of the 100 that the outline itself has: a passage is about a tenth of the text that a stage writes.
    const double PassageWeight = 5, ReadingWeightMin = 5, ReadingWeightMax = 400, CondensingWeight = 10;

    public const string KindName = "outline";
    public const string ArtifactType = "component";

    public string Name => KindName;

    public IReadOnlyList<StageInfo> Stages { get; } =
        [new("premise", "Writing the premise", 30), new("characters", "Meeting the characters", 30), new("stages", "Plotting the stages", 40)];

    /// <summary>Of a document also those that read and condense it; how much reading is of the whole goes by its size.</summary>
    public IReadOnlyList<StageInfo> StagesOf(JsonElement input)
    {
        if (SourceDocument.SizeIn(input) is not { } size)
            return Stages;
        var passages = Math.Ceiling((double)size / options.Value.PassageCharacters);
        var weight = Math.Clamp(Math.Round(PassageWeight * passages / options.Value.PassagesAtOnce), ReadingWeightMin, ReadingWeightMax);
        return
        [
            new(ReadingStage.StageName, "Reading the document", weight), new(CondensingStage.StageName, "Condensing what was read", CondensingWeight), .. Stages,
        ];
    }

    public string? SizeProperty => "sourceArtifact.size";

    public IReadOnlyList<string>? SizedStages { get; } = [ReadingStage.StageName, CondensingStage.StageName];

    public async Task RunAsync(RunContext run, CancellationToken cancellation)
    {
        if (SourceDocument.IsIn(run.Input))
        {
            await new ReadingStage(run, model, documents, artifacts, options.Value).RunAsync(cancellation);
            await new CondensingStage(run, model, artifacts, options.Value).RunAsync(cancellation);
        }

        await new PremiseStage(run).RunAsync(run, model, cancellation);
        await new ListStage(run, "characters", "outline_characters", 4,
            """Invent its characters, four to six of them, in this form: {"characters":[{"name":"…","role":"…","description":"…"}]}.""",
            ["name", "role", "description"]).RunAsync(run, model, cancellation);
        await new ListStage(run, "stages", "outline_stages", 4,
            """Divide the story into four to six stages that cover all episodes, in this form: {"stages":[{"title":"…","episodes":"1-6","summary":"…"}]}.""",
            ["title", "episodes", "summary"]).RunAsync(run, model, cancellation);
    }

    /// <summary>
    /// Texts by name; characters and stages as arrays, empty as long as there is none. Before them, of a document, what it was condensed to.
    /// </summary>
    public void WriteResult(Utf8JsonWriter writer, IReadOnlyList<StoredArtifact> artifacts)
    {
        foreach (var source in artifacts.Where(artifact => artifact.Type == SourceDocument.ArtifactType).Take(1))
            writer.WriteString("summary", JsonElementOf(source.Data).GetProperty("text").GetString());
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
