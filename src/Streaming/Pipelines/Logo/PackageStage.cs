using System.Globalization;
using System.Net.Mime;
using System.Text.Json.Nodes;
using Streaming.Transforms;

namespace Streaming.Pipelines.Logo;

/// <summary>The last stage, without a model: a PNG of each picture.</summary>
public static class PackageStage
{
    public const string Name = "package";

    // After the guidelines: the PNG of the asset at position n is at 20 + n.
    const int FirstPosition = 20;

    public static async Task RunAsync(RunContext run, Rasterizer rasterizer, CancellationToken cancellation)
    {
        if (run.IsCompleted(Name))
            return;
        await run.BeginStageAsync(Name, cancellation);
        var pictures = run.Artifacts.Where(artifact => artifact is { Type: LogoPipeline.AssetType, Position: < GuidelinesStage.Position }).OrderBy(artifact => artifact.Position).ToList();
        if (!rasterizer.IsInstalled)
            await run.WarningAsync("rasterizer_missing", "internal",
                "There are no PNG files: neither rsvg-convert (librsvg2-bin) nor vipsthumbnail (libvips-tools) is installed on the server.", 1, TimeSpan.Zero, cancellation);
        else
            foreach (var (done, picture) in pictures.Index())
            {
                var name = Path.ChangeExtension(picture.Data.GetProperty("name").GetString()!, ".png");
                await run.ProgressAsync((double)done / pictures.Count, string.Create(CultureInfo.InvariantCulture, $"Rendering {name}"), cancellation);
                if (run.Artifacts.Any(artifact => artifact.Type == LogoPipeline.AssetType && artifact.Position == FirstPosition + picture.Position))
                    continue;
                if (await rasterizer.RenderAsync(picture.Content!, cancellation) is { } png)
                    await LogoStage.FileAsync(run, LogoPipeline.AssetType, FirstPosition + picture.Position, name, MediaTypeNames.Image.Png, png.Content,
                        (png.Width, png.Height), new JsonObject(), null, cancellation);
                else
                    await run.WarningAsync("rasterizer_failed", "internal", $"{name} could not be made: the program failed, or took too long.", 1, TimeSpan.Zero, cancellation);
            }

        await run.CompleteStageAsync(cancellation);
    }
}
