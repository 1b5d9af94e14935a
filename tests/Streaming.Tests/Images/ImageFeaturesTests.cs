using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Streaming.Configuration;
using Streaming.Images;
using Xunit;

namespace Streaming.Tests.Images;

/// <summary>What is measured of pictures whose features are known.</summary>
public sealed class ImageFeaturesTests
{
    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    static Task<ImageFeatures?> MeasureAsync(byte[] image, string program = "")
    {
        var options = Options.Create(new ImageOptions { Program = program });
        return new ImageMeter(new Vips(options, NullLogger<Vips>.Instance), options).MeasureAsync(image, Cancellation);
    }

    static void RequireVips() => Assert.SkipUnless(TestImages.CanMake, "needs vips (libvips-tools)");

    [Fact]
    public async Task Plain_black_picture_is_dark_and_has_one_colour()
    {
        RequireVips();
        var features = (await MeasureAsync(TestImages.Png(300, 200)))!;
        Assert.Equal((300, 200, "pixels"), (features.Width, features.Height, features.Source));
        Assert.Equal((0.0, 0.0, 0.0, 0.0, 0.0), (features.Brightness, features.Contrast, features.Saturation, features.EdgeDensity, features.TextShare));
        var color = Assert.Single(features.Colors!);
        Assert.Equal(("#000000", "black", 1.0), (color.Hex, color.Name, color.Share));
    }

    [Fact]
    public async Task Sample_is_blue_above_and_has_lines_of_writing_below()
    {
        RequireVips();
        var features = (await MeasureAsync(SampleImage.Png()))!;
        Assert.Equal((256, 192), (features.Width, features.Height));
        Assert.Contains(features.Colors!, color => color.Name.Contains("blue", StringComparison.Ordinal) || color.Name == "turquoise");
        Assert.Contains(features.Colors!, color => color.Name == "white");
        Assert.InRange(features.Brightness!.Value, 0.4, 0.9);
        Assert.InRange(features.EdgeDensity!.Value, 0.05, 0.8);
    }

    [Fact]
    public async Task Screenshot_with_writing_is_told_from_a_photograph()
    {
        RequireVips();
        Assert.SkipUnless(File.Exists("/usr/bin/rsvg-convert"), "needs rsvg-convert (librsvg2-bin)");
        var screenshot = (await MeasureAsync(await TestImages.ScreenshotAsync()))!;
        var photograph = (await MeasureAsync(await TestImages.PhotoAsync(900, 600, ".jpg[Q=90]")))!;
        Assert.InRange(screenshot.TextShare!.Value, 0.1, 1);
        Assert.InRange(photograph.TextShare!.Value, 0, 0.04);
        Assert.True(screenshot.Contrast > photograph.Contrast);
    }

    [Fact]
    public async Task Without_a_decoder_the_header_alone_is_told()
    {
        var features = (await MeasureAsync(TestImages.Png(300, 200), "/nowhere/vips"))!;
        Assert.Equal(new ImageFeatures(300, 200, "header"), features);
    }

    [Fact]
    public async Task What_is_no_image_is_not_measured() => Assert.Null(await MeasureAsync("not a picture"u8.ToArray()));
}
