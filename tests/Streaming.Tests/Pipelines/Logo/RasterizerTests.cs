using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Streaming.Configuration;
using Streaming.Pipelines.Logo;
using Xunit;

namespace Streaming.Tests.Pipelines.Logo;

/// <summary>The program that makes PNG, and its bounds.</summary>
public sealed class RasterizerTests
{
    const long MiB = 1024 * 1024;

    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Drawing_that_wants_more_memory_than_the_bound_makes_no_png_and_the_next_one_does()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && File.Exists("/usr/bin/prlimit") && File.Exists("/usr/bin/rsvg-convert"), "needs prlimit and rsvg-convert");
        // Every translucent group is painted on a canvas of its own: 1,024 pixels square are 4 MiB, and 60 of them 240 MiB.
        var greedy = Drawing(60);

        var bounded = Rasterizer(256 * MiB);
        Assert.Null(await bounded.RenderAsync(greedy, Cancellation));
        Assert.Equal(1024, (await bounded.RenderAsync(Drawing(1), Cancellation))?.Width);

        // It is the bound that stops it.
        Assert.Equal(1024, (await Rasterizer(1024 * MiB).RenderAsync(greedy, Cancellation))?.Width);
    }

    static Rasterizer Rasterizer(long bytes) => new(
        Options.Create(new LogoOptions { Rasterizer = "rsvg-convert", RasterizerBytesMax = bytes, RasterizerTimeout = TimeSpan.FromMinutes(1) }),
        NullLogger<Rasterizer>.Instance);

    static byte[] Drawing(int groups) => Encoding.UTF8.GetBytes(
        $"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64">{string.Concat(Enumerable.Repeat("<g opacity=\"0.9\">", groups))}<circle cx="32" cy="32" r="20"/>{string.Concat(Enumerable.Repeat("</g>", groups))}</svg>""");
}
