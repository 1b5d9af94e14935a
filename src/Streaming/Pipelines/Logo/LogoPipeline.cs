using System.Text.Json;
using Streaming.Models;
using Streaming.Protocol;
using Streaming.Sessions;
using Streaming.Transforms;

namespace Streaming.Pipelines.Logo;

/// <summary>
/// A logo from a name and what it stands for: brief, three concepts, the choice of one, drawing, refinement, variations,
/// guidelines, and a package of files. Every picture is shown while it is drawn, and stored as an artifact with its file.
/// </summary>
public sealed class LogoPipeline(ModelClient model, SvgSanitizer sanitizer, Rasterizer rasterizer) : IPipeline
{
    public const string KindName = "logo";
    public const string BriefType = "brief";
    public const string ConceptType = "concept";
    public const string ChoiceType = "choice";

    /// <summary>The logo as it is first drawn; the refined one is an asset.</summary>
    public const string DrawingType = "drawing";

    /// <summary>A file of the result.</summary>
    public const string AssetType = "asset";

    public string Name => KindName;

    public IReadOnlyList<StageInfo> Stages { get; } =
    [
        new("brief", "Reading what the brand stands for", 8), new("mood_board", "Sketching three concepts", 22), new("concept_choice", "Choosing a concept", 5),
        new("drawing", "Drawing the logo", 20), new("refinement", "Refining the logo", 17), new("variations", "Drawing the variations", 15),
        new("guidelines", "Writing the guidelines", 10), new(PackageStage.Name, "Rendering the files", 3),
    ];

    public async Task RunAsync(RunContext run, CancellationToken cancellation)
    {
        await new BriefStage(run).RunAsync(run, model, cancellation);
        await new MoodBoardStage(run, sanitizer).RunAsync(run, model, cancellation);
        await new ChoiceStage(run).RunAsync(run, model, cancellation);
        await new DrawingStage(run, sanitizer, "drawing", "logo_drawing", "Draw the logo of `concept`: the mark, and the name of the brand.",
            "Drawing", DrawingType, "drawing.svg").RunAsync(run, model, cancellation);
        await new DrawingStage(run, sanitizer, "refinement", "logo_refinement",
            "Refine the logo in `drawing`: balance, spacing, fewer and cleaner shapes. Draw all of it anew.", "Refining", AssetType, "logo.svg").RunAsync(run, model, cancellation);
        await new VariationsStage(run, sanitizer).RunAsync(run, model, cancellation);
        await new GuidelinesStage(run).RunAsync(run, model, cancellation);
        await PackageStage.RunAsync(run, rasterizer, cancellation);
    }

    /// <summary>Brief and choice when they are there; concepts and assets as arrays, empty as long as there is none.</summary>
    public void WriteResult(Utf8JsonWriter writer, IReadOnlyList<StoredArtifact> artifacts)
    {
        WriteOne("brief", BriefType);
        WriteAll("concepts", ConceptType);
        WriteOne("choice", ChoiceType);
        WriteAll("assets", AssetType);

        void WriteOne(string name, string type)
        {
            foreach (var artifact in artifacts.Where(artifact => artifact.Type == type).Take(1))
            {
                writer.WritePropertyName(name);
                writer.WriteRawValue(artifact.Data);
            }
        }

        void WriteAll(string name, string type)
        {
            writer.WriteStartArray(name);
            foreach (var artifact in artifacts.Where(artifact => artifact.Type == type))
                writer.WriteRawValue(artifact.Data);
            writer.WriteEndArray();
        }
    }
}
