using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Options;
using Streaming.Configuration;
using Streaming.Images;
using Streaming.Messages;
using Streaming.Programs;
using Streaming.Protocol;
using Streaming.Sessions;
using Streaming.Transforms;

namespace Streaming.Pipelines.Upload;

/// <summary>
/// An image that was uploaded, made smaller: one stage without a model, in a queue of its own. What came was inspected before it
/// was stored; it is stored no longer when this has ended.
/// </summary>
public sealed class UploadPipeline(
    UploadReader uploads, ImageOptimizer optimizer, IOptions<UploadOptions> options, IOptions<ImageOptions> images) : IPipeline
{
    public const string KindName = "upload";
    public const string ImageType = "image";
    const string StageName = "optimization";

    public string Name => KindName;

    public IReadOnlyList<StageInfo> Stages { get; } = [new(StageName, "Making the image smaller", 1)];

    public bool HasModel => false;

    public string Queue => "uploads";

    public int? ConcurrencyMax => options.Value.Concurrency;

    public string? SizeProperty => "pixels";

    public async Task RunAsync(RunContext run, CancellationToken cancellation)
    {
        if (run.IsCompleted(StageName))
            return;
        await run.BeginStageAsync(StageName, cancellation);
        if (!run.Artifacts.Any(artifact => artifact.Type == ImageType))
            await OptimizeAsync(run, cancellation);
        await run.CompleteStageAsync(cancellation);
    }

    async Task OptimizeAsync(RunContext run, CancellationToken cancellation)
    {
        var original = await uploads.ReadAsync(run.SessionId, cancellation)
            ?? throw new TransformFault("upload_gone", "invalid_input", "The image was refused before, and is not stored any more. Upload another one.", recoverable: false);
        var image = await MadeSmallerAsync(run, original, cancellation);
        var elapsed = run.Elapsed;
        var target = TargetOf(run.Input.GetProperty("priority").GetString()!);
        var id = Guid.CreateVersion7();
        var data = new JsonObject
        {
            ["name"] = $"image.{image.MediaType[(image.MediaType.IndexOf('/', StringComparison.Ordinal) + 1)..]}",
            ["contentType"] = image.MediaType,
            ["width"] = image.Width,
            ["height"] = image.Height,
            ["originalSize"] = original.Length,
            ["compressedSize"] = image.Content.Length,
            ["compressionRatio"] = Math.Round((double)image.Content.Length / original.Length, 4),
            ["strategy"] = image.Strategy,
            ["quality"] = image.Quality,
            ["ssim"] = image.Similarity is { } similarity ? Math.Round(similarity, 4) : null,
            ["encodes"] = image.Encodes,
            ["elapsedMs"] = (long)elapsed.TotalMilliseconds,
            ["targetMs"] = (long?)target?.TotalMilliseconds,
            ["metTarget"] = target is null ? null : elapsed <= target,
            ["artifactId"] = id,
            ["url"] = $"/api/{KindName}s/{run.SessionId}/artifacts/{id}",
        };
        await run.FileAsync(id, ImageType, 0, JsonSerializer.SerializeToElement(data), new ArtifactFile(image.Content.ToArray(), image.MediaType), cancellation);
    }

    async Task<OptimizedImage> MadeSmallerAsync(RunContext run, byte[] original, CancellationToken cancellation)
    {
        InspectedImage inspected;
        try
        {
            // Again: the limit may be another one by now. It costs a millisecond.
            inspected = ImageInspector.Inspect(original, null, images.Value.PixelsMax);
        }
        catch (ImageRefusedException fault)
        {
            throw new TransformFault("image_refused", "invalid_input", fault.Message, recoverable: false);
        }

        if (!optimizer.IsInstalled)
        {
            await run.WarningAsync("image_program_missing", "internal",
                "The image is stored as it came, with its metadata: vips (libvips-tools) is not installed on the server.", 1, TimeSpan.Zero, cancellation);
            return new OptimizedImage(original, inspected.MediaType, inspected.Width, inspected.Height, ImageStrategies.Original, null, null, 0);
        }

        var asked = run.Input.GetProperty("goal");
        var goal = new ImageGoal(
            asked.GetProperty("format").GetString()!, asked.GetProperty("edgePixels").GetInt32(),
            asked.GetProperty("bytesMax") is { ValueKind: JsonValueKind.Number } bytes ? bytes.GetInt32() : null);
        OptimizedImage image;
        try
        {
            image = await optimizer.OptimizeAsync(original, inspected, goal, (fraction, label) => run.ProgressAsync(fraction, label, cancellation), cancellation);
        }
        catch (VipsException fault) when (fault.Outcome == ProgramOutcome.TimedOut)
        {
            throw new TransformFault("image_timeout", "timeout", "The image took longer to be read than it may.", recoverable: true);
        }
        catch (VipsException fault) when (fault.Outcome != ProgramOutcome.NotStarted)
        {
            throw new TransformFault("image_damaged", "invalid_input", "The image cannot be read: it is damaged, or needs more memory than it may have.", recoverable: false);
        }

        if (image.Strategy == ImageStrategies.Original)
            await run.WarningAsync("image_kept", "internal",
                "The image is stored as it came, with its metadata: made anew with its quality kept, it would not be smaller.", 1, TimeSpan.Zero, cancellation);
        return image;
    }

    TimeSpan? TargetOf(string priority) => priority switch
    {
        "urgent" => options.Value.UrgentTarget,
        "high" => options.Value.HighTarget,
        "normal" => options.Value.NormalTarget,
        _ => null,
    };

    /// <summary>What became of the image, once it is there: no object around it, so that a client reads it like the rest.</summary>
    public void WriteResult(Utf8JsonWriter writer, IReadOnlyList<StoredArtifact> artifacts)
    {
        foreach (var artifact in artifacts.Where(artifact => artifact.Type == ImageType).Take(1))
        {
            using var document = JsonDocument.Parse(artifact.Data);
            foreach (var property in document.RootElement.EnumerateObject())
                property.WriteTo(writer);
        }
    }
}
