using System.Globalization;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Streaming.Configuration;
using Streaming.Images;
using Xunit;

namespace Streaming.Tests.Images;

/// <summary>Images that real programs made, made smaller by libvips, and looked at by libvips.</summary>
public sealed class ImageOptimizerTests
{
    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    static Vips Vips(ImageOptions options) => new(Options.Create(options), NullLogger<Vips>.Instance);

    // Patient, so that a machine with much else to do does not fail a test that is about something else.
    static ImageOptions Patient() => new() { ProgramTimeout = TimeSpan.FromMinutes(2) };

    static async Task<OptimizedImage> OptimizeAsync(byte[] file, ImageGoal goal, ImageOptions? options = null, List<double>? progress = null)
    {
        options ??= Patient();
        var inspected = ImageInspector.Inspect(file, null, options.PixelsMax);
        return await new ImageOptimizer(Vips(options), Options.Create(options)).OptimizeAsync(file.AsMemory(0, inspected.Length), inspected, goal, (fraction, _) =>
        {
            progress?.Add(fraction);
            return Task.CompletedTask;
        }, Cancellation);
    }

    static void RequireVips() => Assert.SkipUnless(TestImages.CanMake, "needs vips (libvips-tools)");

    [Theory]
    [InlineData(".jpg[Q=92]", "webp")]
    [InlineData(".jpg[Q=92]", "jpeg")]
    [InlineData(".png", "webp")]
    [InlineData(".webp[Q=95]", "jpeg")]
    [InlineData(".heic[Q=80]", "webp")]
    [InlineData(".avif[Q=95,effort=1]", "webp")]
    public async Task Photo_of_any_format_becomes_at_least_60_percent_smaller_with_its_quality_kept(string suffix, string format)
    {
        RequireVips();
        var file = await TestImages.PhotoAsync(1200, 800, suffix);
        List<double> progress = [];
        var made = await OptimizeAsync(file, new ImageGoal(format, 800, null), progress: progress);
        var content = made.Content.ToArray();

        Assert.InRange(content.Length, 1, (int)(0.4 * file.Length));
        Assert.InRange(made.Quality!.Value, 60, 95);
        Assert.InRange(made.Similarity!.Value, 0.96, 1);
        Assert.Equal($"image/{format}", made.MediaType);
        Assert.Equal(made.MediaType, ImageInspector.Inspect(content, made.MediaType, long.MaxValue).MediaType);
        Assert.Equal($"{made.Width}", await TestImages.FieldAsync(content, "width"));
        Assert.InRange(Math.Max(made.Width, made.Height), 400, 800);
        Assert.Equal(progress.Order(), progress);
        Assert.InRange(progress[^1], 0.1, 1);
    }

    [Theory]
    [InlineData("webp")]
    [InlineData("jpeg")]
    public async Task Search_finds_nearly_the_best_quality_that_the_bytes_allow(string format)
    {
        RequireVips();
        var file = await TestImages.PhotoAsync(1200, 800, ".jpg[Q=92]");
        // The floor of similarity is another matter.
        var options = Patient();
        options.SimilarityMin = 0;
        var pixels = await Vips(options).DecodeAsync(file, 800, Cancellation);
        var bytesMax = (await Vips(options).EncodeAsync(pixels, format, 73, Cancellation)).Length;
        var made = await OptimizeAsync(file, new ImageGoal(format, 800, bytesMax), options);

        Assert.InRange(made.Content.Length, (int)(0.97 * bytesMax), bytesMax);
        Assert.InRange(made.Quality!.Value, 70, 73);
        Assert.InRange(made.Encodes, 2, 6);
        Assert.Equal((ImageStrategies.Quality, 800), (made.Strategy, made.Width));
    }

    [Fact]
    public async Task Image_that_does_not_fit_at_the_lowest_quality_gets_fewer_pixels()
    {
        RequireVips();
        var file = await TestImages.PhotoAsync(1200, 800, ".jpg[Q=92]");
        var made = await OptimizeAsync(file, new ImageGoal("webp", 800, 5000));

        Assert.Equal(ImageStrategies.FewerPixels, made.Strategy);
        Assert.InRange(made.Content.Length, 1, 5000);
        Assert.InRange(made.Quality!.Value, 60, 85);
        Assert.InRange(made.Similarity!.Value, 0.96, 1);
        Assert.InRange(made.Width, 64, 799);
    }

    [Fact]
    public async Task Image_that_would_not_become_smaller_is_kept_as_it_came()
    {
        RequireVips();
        var file = await TestImages.PhotoAsync(400, 300, ".avif[Q=20,effort=2]");
        var made = await OptimizeAsync(file, new ImageGoal("jpeg", 1600, null));

        Assert.Equal((ImageStrategies.Original, "image/avif", 400, 300), (made.Strategy, made.MediaType, made.Width, made.Height));
        Assert.Equal(file, made.Content.ToArray());
        Assert.Null(made.Quality);
    }

    [Fact]
    public async Task Metadata_goes_and_orientation_is_honoured()
    {
        RequireVips();
        // 6: to be turned by 90 degrees.
        var plain = await TestImages.PhotoAsync(300, 200, ".jpg[Q=95]");
        var file = ExifOrientation(plain, 6);
        Assert.Equal("6", await TestImages.FieldAsync(file, "orientation"));
        Assert.Contains("SECRET", await TestImages.FieldAsync(file, "exif-ifd0-ImageDescription"), StringComparison.Ordinal);
        foreach (var format in (string[])["webp", "jpeg"])
        {
            var made = await OptimizeAsync(file, new ImageGoal(format, 1600, null));
            Assert.NotEqual(ImageStrategies.Original, made.Strategy);
            Assert.Equal((200, 300), (made.Width, made.Height));
            var content = made.Content.ToArray();
            Assert.Equal(-1, content.AsSpan().IndexOf("SECRET"u8));
            Assert.True(await TestImages.FieldAsync(content, "orientation") is null or "1", format);
        }
    }

    [Fact]
    public async Task Transparency_is_kept_in_webp_and_becomes_white_in_jpeg()
    {
        RequireVips();
        var opaque = await TestImages.PhotoAsync(500, 400, ".png");
        var file = await TestImages.ConvertAsync(opaque, ".png", "bandjoin_const", "0");
        Assert.Equal("4", await TestImages.FieldAsync(file, "bands"));
        var webp = await OptimizeAsync(file, new ImageGoal("webp", 500, null));
        Assert.Equal("4", await TestImages.FieldAsync(webp.Content.ToArray(), "bands"));
        var jpeg = await OptimizeAsync(file, new ImageGoal("jpeg", 500, null));
        var white = Luma.Read(await Vips(Patient()).DecodeAsync(jpeg.Content, Cancellation));
        Assert.All(white.Values, value => Assert.InRange(value, 250, 255));
    }

    [Theory]
    [InlineData(".png", "cast", "ushort")]
    [InlineData(".jpg[Q=95]", "colourspace", "cmyk")]
    [InlineData(".png", "colourspace", "b-w")]
    public async Task Sixteen_bits_cmyk_and_grey_are_taken(string suffix, string operation, string argument)
    {
        RequireVips();
        var photo = await TestImages.PhotoAsync(500, 400, ".png");
        var file = operation == "cast"
            ? await TestImages.ConvertAsync(photo, suffix, "colourspace", "rgb16")
            : await TestImages.ConvertAsync(photo, suffix, operation, argument);
        var made = await OptimizeAsync(file, new ImageGoal("webp", 400, null));

        Assert.Equal(("image/webp", 400, 320), (made.MediaType, made.Width, made.Height));
    }

    [Fact]
    public async Task File_that_ends_in_its_data_is_not_decoded_to_half_a_picture()
    {
        RequireVips();
        var file = await TestImages.PhotoAsync(1200, 800, ".jpg[Q=92]");
        // What an inspection of the markers alone takes for whole.
        byte[] cut = [.. file[..(file.Length / 2)], 0xFF, 0xD9];
        ImageInspector.Inspect(cut, "image/jpeg", long.MaxValue);

        await Assert.ThrowsAsync<VipsException>(() => OptimizeAsync(cut, new ImageGoal("webp", 800, null)));
    }

    [Theory]
    [InlineData("""<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"><rect width="10" height="10"/></svg>""")]
    [InlineData("P2 2 2 255 0 0 0 0")]
    [InlineData("push graphic-context viewbox 0 0 10 10 image over 0,0 0,0 'https://evil.example/x.png' pop graphic-context")]
    public async Task Format_that_is_not_trusted_is_not_decoded_even_if_it_came_so_far(string text)
    {
        RequireVips();
        await Assert.ThrowsAsync<VipsException>(() => Vips(Patient()).DecodeAsync(System.Text.Encoding.ASCII.GetBytes(text), 100, Cancellation));
    }

    [Fact]
    public async Task Bomb_that_the_limit_of_pixels_lets_through_ends_at_the_bounds_of_the_program()
    {
        RequireVips();
        // 900 million pixels in 2.6 MB.
        var bomb = TestImages.Png(30_000, 30_000);
        var options = new ImageOptions { PixelsMax = long.MaxValue, ProgramTimeout = TimeSpan.FromSeconds(1) };
        await Assert.ThrowsAsync<VipsException>(() => OptimizeAsync(bomb, new ImageGoal("webp", 1600, null), options));
        Assert.Equal(ImageRefusal.TooLarge, Assert.Throws<ImageRefusedException>(() => ImageInspector.Inspect(bomb, null, new ImageOptions().PixelsMax)).Refusal);
    }

    [Fact]
    public void Similarity_is_1_for_the_same_and_falls_with_what_is_seen()
    {
        var random = new Random(7);
        var values = Enumerable.Range(0, 200 * 100).Select(i => (byte)(100 + 60 * Math.Sin(i % 200 / 9.0) + random.Next(-8, 9))).ToArray();
        var one = new Luma(200, 100, values, false);

        Assert.Equal(1, Similarity.Of(one, one), 12);
        Assert.Equal(1, Similarity.Of(one, Changed(value => value + 1)), 3);
        var slight = Similarity.Of(one, Changed(value => value + random.Next(-4, 5)));
        var strong = Similarity.Of(one, Changed(value => value + random.Next(-40, 41)));
        Assert.InRange(slight, 0.8, 0.999);
        Assert.InRange(strong, 0, slight - 0.1);
        Assert.InRange(Similarity.Of(one, Changed(_ => 100)), 0, 0.5);

        Luma Changed(Func<int, int> change) => one with { Values = [.. values.Select(value => (byte)Math.Clamp(change(value), 0, 255))] };
    }

    [Fact]
    public void Similarity_of_flat_pictures_is_what_its_formula_says()
    {
        // Without variance only the means are left: (2ab + C1) / (a² + b² + C1).
        var expected = (2.0 * 100 * 120 + 6.5025) / (100 * 100 + 120 * 120 + 6.5025);
        Assert.Equal(expected, Similarity.Of(Flat(100, 16), Flat(120, 16)), 9);
        Assert.Equal(expected, Similarity.Of(Flat(100, 3), Flat(120, 3)), 9);

        static Luma Flat(byte value, int edge) => new(edge, edge, Enumerable.Repeat(value, edge * edge).ToArray(), false);
    }

    [Theory]
    [InlineData("Format", "gif")]
    [InlineData("EdgePixels", "5000")]
    [InlineData("SizeRatio", "0")]
    [InlineData("QualityMin", "90")]
    [InlineData("ProgramBytesMax", "1000")]
    public void Options_that_no_image_could_be_made_with_are_refused(string option, string value)
    {
        var options = new ImageOptions();
        Assert.True(new ImageOptionsValidation().Validate(null, options).Succeeded);
        var property = typeof(ImageOptions).GetProperty(option)!;
        property.SetValue(options, Convert.ChangeType(value, property.PropertyType, CultureInfo.InvariantCulture));
        Assert.Contains($"Images:{option}", new ImageOptionsValidation().Validate(null, options).FailureMessage, StringComparison.Ordinal);
    }

    /// <summary>The JPEG with an EXIF segment that says how to turn it, and what nobody is to know.</summary>
    static byte[] ExifOrientation(byte[] jpeg, byte orientation) =>
    [
        .. jpeg[..2],
        // Two entries: ImageDescription, with its text behind them, and Orientation.
        0xFF, 0xE1, 0, 8 + 38 + 8, .. "Exif\0\0"u8, .. "II"u8, 42, 0, 8, 0, 0, 0, 2, 0,
        0x0E, 0x01, 2, 0, 8, 0, 0, 0, 38, 0, 0, 0, 0x12, 0x01, 3, 0, 1, 0, 0, 0, orientation, 0, 0, 0, 0, 0, 0, 0, .. "SECRET!\0"u8,
        0xFF, 0xFE, 0, 8, .. "SECRET"u8,
        .. jpeg[2..],
    ];
}
