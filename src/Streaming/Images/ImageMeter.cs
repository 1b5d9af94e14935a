using Microsoft.Extensions.Options;
using Streaming.Configuration;

namespace Streaming.Images;

/// <summary>Measures pictures, with libvips for the pixels; without it, by their headers alone.</summary>
public sealed class ImageMeter(Vips vips, IOptions<ImageOptions> options)
{
    // Lines of writing on a phone's screen are still apart at this size, and it is measured within some milliseconds.
    const int EdgePixels = 512;

    /// <summary>Null: it is no image that can be read.</summary>
    /// <exception cref="OperationCanceledException"><paramref name="cancellation"/>.</exception>
    public async Task<ImageFeatures?> MeasureAsync(ReadOnlyMemory<byte> image, CancellationToken cancellation)
    {
        InspectedImage inspected;
        try
        {
            inspected = ImageInspector.Inspect(image.Span, null, options.Value.PixelsMax);
        }
        catch (ImageRefusedException)
        {
            return null;
        }

        if (!vips.IsInstalled)
            return new ImageFeatures(inspected.Width, inspected.Height, ImageFeatures.FromHeader);
        try
        {
            return ImageFeatures.Measure(await vips.DecodeAsync(image, EdgePixels, cancellation), inspected.Width, inspected.Height);
        }
        catch (VipsException)
        {
            return new ImageFeatures(inspected.Width, inspected.Height, ImageFeatures.FromHeader);
        }
    }
}
