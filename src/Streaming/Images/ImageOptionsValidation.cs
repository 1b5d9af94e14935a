using Microsoft.Extensions.Options;
using Streaming.Configuration;

namespace Streaming.Images;

/// <summary>Refuses a start with options that no image could be made smaller with.</summary>
public sealed class ImageOptionsValidation : IValidateOptions<ImageOptions>
{
    // Below it libvips itself fails in odd ways.
    const long ProgramBytesMin = 500_000_000;

    const int EdgePixelsMin = 64;

    // 67 MB of pixels with transparency for each picture that is being made.
    const int EdgePixelsCeiling = 4096;

    static readonly TimeSpan TimeoutMax = TimeSpan.FromHours(1);

    public ValidateOptionsResult Validate(string? name, ImageOptions options)
    {
        var faults = Faults(options).ToList();
        return faults.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(faults);
    }

    static IEnumerable<string> Faults(ImageOptions options)
    {
        if (options.PixelsMax < 1)
            yield return "Images:PixelsMax must be 1 or more.";
        if (options.Format is not ("webp" or "jpeg"))
            yield return $"Images:Format must be webp or jpeg, and is '{options.Format}'.";
        if (options.EdgePixelsMax is < EdgePixelsMin or > EdgePixelsCeiling || options.EdgePixels < EdgePixelsMin || options.EdgePixels > options.EdgePixelsMax)
            yield return $"Images:EdgePixels must be {EdgePixelsMin} to Images:EdgePixelsMax, and that {EdgePixelsCeiling} at most.";
        if (options.SizeRatio is not (> 0 and <= 1))
            yield return "Images:SizeRatio must be more than 0 and at most 1.";
        if (options.QualityMin < 1 || options.QualityMax > 100 || options.QualityMin > options.QualityMax)
            yield return "Images:QualityMin and Images:QualityMax must be 1 to 100, the first not above the second.";
        if (options.SimilarityMin is not (>= 0 and < 1))
            yield return "Images:SimilarityMin must be 0 or more and less than 1.";
        if (options.ProgramTimeout <= TimeSpan.Zero || options.ProgramTimeout > TimeoutMax)
            yield return $"Images:ProgramTimeout must be more than 0 and at most {TimeoutMax}.";
        if (options.ProgramBytesMax < ProgramBytesMin)
            yield return $"Images:ProgramBytesMax must be {ProgramBytesMin} or more.";
    }
}
