using Microsoft.Extensions.AI;
using Microsoft.Extensions.Options;
using Streaming.Configuration;
using Streaming.Images;
using Streaming.Models;
using Streaming.Programs;
using Streaming.Sessions;
using Streaming.Transforms;

namespace Streaming.Pipelines.Analysis;

/// <summary>The picture of one analysis as the model is sent it: made as small as the strategy wants it, once. Kept by its run alone.</summary>
public sealed class AnalysisPicture(AnalysisReader reader, Vips vips, IOptions<ImageOptions> images, ModelInfo model, int edgePixels)
{
    // A vision model sees no more in better ones, and is sent twice the bytes.
    const int Quality = 80;

    // What every vision model takes.
    static readonly ImageFormat[] CommonFormats = [ImageFormat.Jpeg, ImageFormat.Png, ImageFormat.WebP];

    DataContent? _content;

    /// <exception cref="InvalidOperationException">It was not prepared.</exception>
    public DataContent Content => _content ?? throw new InvalidOperationException("The picture was not prepared.");

    /// <summary>Reads and shrinks it; nothing if that was done. Within a stage.</summary>
    /// <exception cref="TransformFault">It is not stored any more, or cannot be read.</exception>
    public async Task PrepareAsync(RunContext run, CancellationToken cancellation)
    {
        if (_content is not null)
            return;
        var original = await reader.ReadImageAsync(run.SessionId, cancellation)
            ?? throw new TransformFault("image_gone", "invalid_input", "The picture is not stored any more. Send it once more.", recoverable: false);
        InspectedImage inspected;
        try
        {
            inspected = ImageInspector.Inspect(original, null, images.Value.PixelsMax);
        }
        catch (ImageRefusedException fault)
        {
            throw new TransformFault("image_refused", "invalid_input", fault.Message, recoverable: false);
        }

        _content = vips.IsInstalled ? new DataContent(await ShrunkAsync(original, cancellation), "image/jpeg") : await UnchangedAsync(run, original, inspected, cancellation);
    }

    async Task<byte[]> ShrunkAsync(byte[] original, CancellationToken cancellation)
    {
        try
        {
            return await vips.EncodeAsync(await vips.DecodeAsync(original, edgePixels, cancellation), "jpeg", Quality, cancellation);
        }
        catch (VipsException fault) when (fault.Outcome == ProgramOutcome.TimedOut)
        {
            throw new TransformFault("image_timeout", "timeout", "The picture took longer to be read than it may.", recoverable: true);
        }
        catch (VipsException)
        {
            throw new TransformFault("image_damaged", "invalid_input", "The picture cannot be read: it is damaged, or needs more memory than it may have.", recoverable: false);
        }
    }

    async Task<DataContent> UnchangedAsync(RunContext run, byte[] original, InspectedImage inspected, CancellationToken cancellation)
    {
        // The offline generator goes by the header alone.
        if (model.Provider != "offline" && !CommonFormats.Contains(inspected.Format))
            throw new TransformFault("image_program_missing", "internal",
                $"A model cannot be sent {inspected.MediaType}, and vips (libvips-tools), which would make a JPEG of it, is not installed on the server.", recoverable: true);
        await run.WarningAsync("image_program_missing", "internal",
            "The picture is used as it came, and not measured: vips (libvips-tools) is not installed on the server.", 1, TimeSpan.Zero, cancellation);
        return new DataContent(original, inspected.MediaType);
    }
}
