using Microsoft.Extensions.Options;
using Streaming.Configuration;

namespace Streaming.Pipelines.Logo;

/// <summary>Refuses a start with options that no logo could be drawn with.</summary>
public sealed class LogoOptionsValidation : IValidateOptions<LogoOptions>
{
    // A drawing of some shapes; less is no drawing.
    const int SvgBytesMin = 1024;

    // Some programs begin with 100 MiB of address space, most of it never touched.
    const long RasterizerBytesMin = 128L * 1024 * 1024;

    // 16,384 pixels square are 1 GiB before they are packed.
    const int PngPixelsMax = 16_384;

    // As much of a timer as of .NET's own holds, with room.
    static readonly TimeSpan TimeoutMax = TimeSpan.FromHours(1);

    public ValidateOptionsResult Validate(string? name, LogoOptions options)
    {
        var faults = Faults(options).ToList();
        return faults.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(faults);
    }

    static IEnumerable<string> Faults(LogoOptions options)
    {
        if (options.SvgBytesMax < SvgBytesMin)
            yield return $"Logos:SvgBytesMax must be {SvgBytesMin} or more.";
        if (options.SvgElementsMax < 1 || options.SvgDepthMax < 2)
            yield return "Logos:SvgElementsMax must be 1 or more, and Logos:SvgDepthMax 2 or more.";
        if (options.RasterizerTimeout <= TimeSpan.Zero || options.RasterizerTimeout > TimeoutMax)
            yield return $"Logos:RasterizerTimeout must be more than 0 and at most {TimeoutMax}.";
        if (options.RasterizerBytesMax < RasterizerBytesMin)
            yield return $"Logos:RasterizerBytesMax must be {RasterizerBytesMin} or more.";
        if (options.PngPixels is < 16 or > PngPixelsMax)
            yield return $"Logos:PngPixels must be 16 to {PngPixelsMax}.";
        if (options.PngBytesMax < 1024)
            yield return "Logos:PngBytesMax must be 1024 or more.";
    }
}
