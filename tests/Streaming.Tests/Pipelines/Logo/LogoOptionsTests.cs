using Streaming.Configuration;
using Streaming.Pipelines.Logo;
using Xunit;

namespace Streaming.Tests.Pipelines.Logo;

/// <summary>Options that no logo could be drawn with are named at the start.</summary>
public sealed class LogoOptionsTests
{
    public static TheoryData<string, Action<LogoOptions>, bool> Cases => new()
    {
        { "SvgBytesMax", logos => logos.SvgBytesMax = 1024, true },
        { "SvgBytesMax", logos => logos.SvgBytesMax = 1023, false },
        { "SvgElementsMax", logos => logos.SvgElementsMax = 0, false },
        { "SvgDepthMax", logos => logos.SvgDepthMax = 1, false },
        { "RasterizerTimeout", logos => logos.RasterizerTimeout = TimeSpan.FromMilliseconds(1), true },
        { "RasterizerTimeout", logos => logos.RasterizerTimeout = TimeSpan.Zero, false },
        { "RasterizerTimeout", logos => logos.RasterizerTimeout = TimeSpan.FromDays(50), false },
        { "RasterizerBytesMax", logos => logos.RasterizerBytesMax = 128 * 1024 * 1024, true },
        { "RasterizerBytesMax", logos => logos.RasterizerBytesMax = 64 * 1024 * 1024, false },
        { "PngPixels", logos => logos.PngPixels = 16_384, true },
        { "PngPixels", logos => logos.PngPixels = 16_385, false },
        { "PngPixels", logos => logos.PngPixels = 0, false },
        { "PngBytesMax", logos => logos.PngBytesMax = 0, false },
    };

    [Theory]
    [MemberData(nameof(Cases), DisableDiscoveryEnumeration = true)]
    public void Option_that_cannot_work_is_named(string option, Action<LogoOptions> change, bool works)
    {
        var options = new LogoOptions();
        change(options);
        var result = new LogoOptionsValidation().Validate(null, options);
        Assert.Equal(works, result.Succeeded);
        if (!works)
            Assert.Contains($"Logos:{option}", result.FailureMessage, StringComparison.Ordinal);
    }
}
