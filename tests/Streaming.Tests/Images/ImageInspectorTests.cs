using System.Text;
using Streaming.Images;
using Xunit;

namespace Streaming.Tests.Images;

/// <summary>What is known of an image, and what is refused, before anything decodes it.</summary>
public sealed class ImageInspectorTests
{
    const long PixelsMax = 50_000_000;

    static InspectedImage Inspect(byte[] file, string? declared = null, long pixelsMax = PixelsMax) => ImageInspector.Inspect(file, declared, pixelsMax);

    static ImageRefusal Refusal(byte[] file, string? declared = null, long pixelsMax = PixelsMax) =>
        Assert.Throws<ImageRefusedException>(() => Inspect(file, declared, pixelsMax)).Refusal;

    public static TheoryData<string> Formats => ["jpeg", "png", "webp lossy", "webp lossless", "webp extended", "heic", "avif"];

    static byte[] Image(string format, int width = 640, int height = 400) => format switch
    {
        "jpeg" => TestImages.Jpeg(width, height, scans: 3),
        "png" => TestImages.Png(width, height),
        "webp lossy" => TestImages.WebP(("VP8 ", TestImages.Vp8(width, height))),
        "webp lossless" => TestImages.WebP(("VP8L", TestImages.Vp8L(width, height))),
        "webp extended" => TestImages.WebP(("VP8X", TestImages.Vp8X(width, height)), ("ICCP", new byte[7]), ("VP8 ", TestImages.Vp8(width, height))),
        _ => TestImages.IsoMedia(format, (160, 120), (width, height)),
    };

    [Theory, MemberData(nameof(Formats))]
    public void Format_size_and_length_are_read_from_the_bytes(string format)
    {
        var file = Image(format);
        var image = Inspect([.. file, 0, 0, 0]);

        Assert.Equal(format.Split(' ')[0], image.Format.ToString().ToLowerInvariant());
        Assert.Equal((640, 400, file.Length), (image.Width, image.Height, image.Length));
    }

    [Theory, MemberData(nameof(Formats))]
    public void File_cut_off_anywhere_is_refused_and_never_read_past_its_end(string format)
    {
        var file = Image(format, 40, 30);
        for (var length = 0; length < file.Length; length++)
            Assert.True(Refusal(file[..length]) is ImageRefusal.Truncated or ImageRefusal.Unsupported or ImageRefusal.Damaged, $"{length} bytes");
        Assert.Equal(ImageRefusal.Truncated, Refusal(file[..^1]));
        Assert.Equal(ImageRefusal.Truncated, Refusal(file[..(file.Length * 3 / 4)]));
    }

    [Theory, MemberData(nameof(Formats))]
    public void Byte_that_is_changed_is_read_or_refused_and_nothing_else(string format)
    {
        var file = Image(format, 40, 30);
        for (var at = 0; at < file.Length; at++)
            foreach (var value in (byte[])[0x00, 0x01, 0x7F, 0x80, 0xFF])
            {
                byte[] changed = [.. file];
                changed[at] = value;
                try
                {
                    Assert.InRange(Inspect(changed).Length, 1, changed.Length);
                }
                catch (ImageRefusedException)
                {
                }
            }
    }

    [Theory, MemberData(nameof(Formats))]
    public void Bomb_is_refused_by_its_header(string format)
    {
        Assert.Equal(ImageRefusal.TooLarge, Refusal(Image(format, 1000, 1000), pixelsMax: 999_999));
        Assert.Equal(1000, Inspect(Image(format, 1000, 1000), pixelsMax: 1_000_000).Height);
    }

    [Fact]
    public void Size_is_not_multiplied_beyond_what_a_number_holds() =>
        Assert.Equal(ImageRefusal.TooLarge, Refusal(TestImages.IsoMedia("heic", (int.MaxValue, int.MaxValue))));

    [Fact]
    public void Large_picture_behind_a_small_one_counts() =>
        Assert.Equal(ImageRefusal.TooLarge, Refusal(TestImages.IsoMedia("avif", (30_000, 30_000), (10, 10))));

    [Theory]
    [InlineData("jpeg", "image/png")]
    [InlineData("png", "image/jpeg")]
    [InlineData("webp lossy", "image/heic")]
    [InlineData("avif", "image/heic")]
    [InlineData("heic", "application/pdf")]
    [InlineData("jpeg", "text/html")]
    public void File_that_its_content_type_belies_is_refused(string format, string declared) =>
        Assert.Equal(ImageRefusal.Mislabelled, Refusal(Image(format), declared));

    [Theory]
    [InlineData("jpeg", "image/jpg")]
    [InlineData("jpeg", "IMAGE/JPEG; q=1")]
    [InlineData("png", "application/octet-stream")]
    [InlineData("heic", "image/heif")]
    [InlineData("avif", "image/*")]
    [InlineData("webp lossless", "")]
    public void Content_type_that_is_true_or_claims_nothing_is_taken(string format, string declared) => Inspect(Image(format), declared);

    [Theory]
    [InlineData("<svg xmlns='http://www.w3.org/2000/svg'/>")]
    [InlineData("%PDF-1.7 and so on")]
    [InlineData("GIF89a and so on, and on")]
    [InlineData("BM and so on")]
    [InlineData("hello")]
    [InlineData("")]
    public void What_is_none_of_the_formats_is_refused_whatever_it_is_called(string text) =>
        Assert.Equal(ImageRefusal.Unsupported, Refusal(Encoding.ASCII.GetBytes(text), "image/jpeg"));

    [Theory, MemberData(nameof(Formats))]
    public void Zip_or_page_behind_an_image_is_refused(string format)
    {
        Assert.Equal(ImageRefusal.Polyglot, Refusal([.. Image(format), .. TestImages.Zip()]));
        Assert.Equal(ImageRefusal.Polyglot, Refusal([.. Image(format), .. "<script>alert(1)</script>"u8]));
    }

    [Theory]
    [InlineData("%PDF-1.4")]
    [InlineData("<HTML><body>")]
    [InlineData("<script src=x>")]
    [InlineData("<?php system('id');")]
    public void Document_within_an_image_is_refused(string text) =>
        Assert.Equal(ImageRefusal.Polyglot, Refusal(TestImages.Jpeg(640, 400, comment: Encoding.ASCII.GetBytes(text))));

    [Fact]
    public void Zip_within_the_last_chunk_is_refused()
    {
        // A zip is read from its end: what stands before it may be an image.
        var zip = TestImages.Zip();
        Assert.Equal(ImageRefusal.Polyglot, Refusal(TestImages.WebP(("VP8 ", TestImages.Vp8(640, 400)), ("EXIF", zip))));
        Assert.Equal(ImageRefusal.Polyglot, Refusal([.. TestImages.IsoMedia("heic", (640, 400)), .. TestImages.Box("free", zip)]));
    }

    [Fact]
    public void What_cameras_write_behind_a_jpeg_is_passed_over_and_not_counted()
    {
        var file = TestImages.Jpeg(640, 400);
        var preview = TestImages.Jpeg(64, 40);
        foreach (var trailer in (byte[][])[
            [0, 0, 0], [.. preview], [0, 0, .. preview, 0xFF, .. preview, 0], [.. TestImages.Box("ftyp", "mp42"u8.ToArray()), 1, 2, 3], [1, 2, 3, .. "SEFT"u8]])
            Assert.Equal(file.Length, Inspect([.. file, .. trailer]).Length);
        Assert.Equal(ImageRefusal.Polyglot, Refusal([.. file, .. preview, .. TestImages.Zip()]));
        Assert.Equal(ImageRefusal.Polyglot, Refusal([.. file, .. preview[..^2]]));
    }

    [Fact]
    public void Animation_is_refused_and_says_so()
    {
        foreach (var file in (byte[][])[
            TestImages.WebP(("VP8X", TestImages.Vp8X(640, 400, flags: 2)), ("ANIM", new byte[6])), TestImages.Png(64, 64, ("acTL", new byte[8])),
            [.. TestImages.IsoMedia("avif", (640, 400)), .. TestImages.Box("moov", new byte[20])]])
            Assert.Contains("animation", Assert.Throws<ImageRefusedException>(() => Inspect(file)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Parts_that_contradict_each_other_are_refused()
    {
        var jpeg = TestImages.Jpeg(640, 400);
        foreach (var file in (byte[][])[
            TestImages.Jpeg(0, 400), TestImages.Jpeg(640, 0), TestImages.Jpeg(640, 400, scans: 0), TestImages.Jpeg(640, 400, scans: 101),
            [.. jpeg[..^2], .. jpeg[2..]], TestImages.Png(64, 64, ("IHDR", new byte[13])),
            TestImages.WebP(("VP8X", TestImages.Vp8X(64, 64)), ("VP8 ", TestImages.Vp8(16_383, 16_383))),
            TestImages.WebP(("VP8 ", TestImages.Vp8(64, 64)), ("VP8L", TestImages.Vp8L(9000, 9000))), TestImages.WebP(("EXIF", new byte[4])),
            TestImages.IsoMedia("heic"), TestImages.IsoMedia("heic", (0, 10))])
            Assert.Equal(ImageRefusal.Damaged, Refusal(file));
        Assert.Equal(ImageRefusal.Unsupported, Refusal(TestImages.Jpeg(640, 400, bits: 12)));
    }

    [Fact]
    public async Task Images_of_real_encoders_are_read_as_their_own_tools_read_them()
    {
        Assert.SkipUnless(TestImages.CanMake, "needs vips (libvips-tools)");
        foreach (var (suffix, format) in ((string, ImageFormat)[])[
            (".jpg", ImageFormat.Jpeg), (".jpg[interlace]", ImageFormat.Jpeg), (".png", ImageFormat.Png), (".png[interlace]", ImageFormat.Png),
            (".webp", ImageFormat.WebP), (".webp[lossless]", ImageFormat.WebP), (".heic", ImageFormat.Heic), (".avif[effort=1]", ImageFormat.Avif)])
        {
            var file = await TestImages.PhotoAsync(322, 202, suffix);
            var image = Inspect(file, format == ImageFormat.Heic ? "image/heic" : null);
            Assert.Equal((format, 322, 202), (image.Format, image.Width, image.Height));
            Assert.Equal(file.Length, image.Length);
            Assert.Equal(ImageRefusal.Truncated, Refusal(file[..(file.Length / 2)]));
        }
    }
}
