using System.Text;

namespace Streaming.Images;

/// <summary>
/// Reads format, size and completeness of a file that claims to be an image, without a decoder: what is refused here never
/// reaches one. Pure; allocates nothing that grows with the file.
/// </summary>
public static class ImageInspector
{
    // Readers of HTML and of PDF look for their beginning this far into a file.
    const int SniffedBytes = 1024;

    // End of central directory of a zip: its own length, and the longest comment after it.
    const int ZipEndBytes = 22;
    const int ZipCommentBytesMax = 65_535;

    static readonly byte[][] OtherBeginnings =
        [.. ((string[])["%pdf-", "<html", "<!doctype", "<script", "<svg", "<?php"]).Select(Encoding.ASCII.GetBytes)];

    static ReadOnlySpan<byte> ZipEnd => [(byte)'P', (byte)'K', 5, 6];

    /// <param name="content">The file.</param>
    /// <param name="declaredType">Media type that it came with; none, <c>application/octet-stream</c> and <c>image/*</c> claim nothing.</param>
    /// <param name="pixelsMax">Width times height at most.</param>
    /// <exception cref="ImageRefusedException"/>
    public static InspectedImage Inspect(ReadOnlySpan<byte> content, string? declaredType, long pixelsMax)
    {
        var format = Recognize(content);
        if (format is null || !Matches(format.Value, declaredType))
            throw format is null
                ? new ImageRefusedException(ImageRefusal.Unsupported, "It is neither JPEG, PNG, WebP, HEIC nor AVIF.")
                : new ImageRefusedException(ImageRefusal.Mislabelled, $"It came as {Printable(declaredType!)}, and its bytes are {format}.");
        var image = format switch
        {
            ImageFormat.Jpeg => JpegFile.Read(content),
            ImageFormat.Png => PngFile.Read(content),
            ImageFormat.WebP => WebPFile.Read(content),
            _ => IsoMediaFile.Read(content, format.Value),
        };
        if (image.Width <= 0 || image.Height <= 0)
            throw new ImageRefusedException(ImageRefusal.Damaged, "It has no width or no height.");
        if ((long)image.Width * image.Height > pixelsMax)
            throw new ImageRefusedException(ImageRefusal.TooLarge, $"It has {image.Width} x {image.Height} pixels; {pixelsMax} is the most (Images:PixelsMax).");
        RefusePolyglot(content, image);
        return image;
    }

    static ImageFormat? Recognize(ReadOnlySpan<byte> content)
    {
        if (content.StartsWith(JpegFile.Signature))
            return ImageFormat.Jpeg;
        if (content.StartsWith(PngFile.Signature))
            return ImageFormat.Png;
        if (content.Length >= 12 && content.StartsWith("RIFF"u8) && content[8..12].SequenceEqual("WEBP"u8))
            return ImageFormat.WebP;
        return IsoMediaFile.Recognize(content);
    }

    static bool Matches(ImageFormat format, string? declaredType) => declaredType?.Split(';')[0].Trim().ToLowerInvariant() switch
    {
        null or "" or "application/octet-stream" or "binary/octet-stream" or "image/*" => true,
        "image/jpeg" or "image/jpg" or "image/pjpeg" => format == ImageFormat.Jpeg,
        "image/png" or "image/x-png" => format == ImageFormat.Png,
        "image/webp" => format == ImageFormat.WebP,
        "image/heic" => format == ImageFormat.Heic,
        "image/heif" => format is ImageFormat.Heic or ImageFormat.Avif,
        "image/avif" => format == ImageFormat.Avif,
        _ => false,
    };

    /// <summary>
    /// What follows the image is passed over where cameras put it there (padding, further pictures, a short film), and is
    /// refused else; so is what another program would take for a file of its own.
    /// </summary>
    static void RefusePolyglot(ReadOnlySpan<byte> content, InspectedImage image)
    {
        var rest = content[image.Length..];
        if (rest.IndexOfAnyExcept((byte)0, (byte)0xFF) >= 0 && !(image.Format == ImageFormat.Jpeg && JpegFile.IsTrailer(rest)))
            throw new ImageRefusedException(ImageRefusal.Polyglot, $"{rest.Length} bytes that are no part of it follow the image.");
        var own = content[..image.Length];
        Span<byte> head = stackalloc byte[Math.Min(SniffedBytes, own.Length)];
        for (var i = 0; i < head.Length; i++)
            head[i] = own[i] is >= (byte)'A' and <= (byte)'Z' ? (byte)(own[i] | 0x20) : own[i];
        foreach (var other in OtherBeginnings)
            if (head.IndexOf(other) >= 0)
                throw new ImageRefusedException(ImageRefusal.Polyglot, "It begins like a page or a document as well.");
        if (EndsAsZip(own))
            throw new ImageRefusedException(ImageRefusal.Polyglot, "It ends like a zip as well.");
    }

    static bool EndsAsZip(ReadOnlySpan<byte> content)
    {
        var start = Math.Max(0, content.Length - ZipEndBytes - ZipCommentBytesMax);
        for (var tail = content[start..]; tail.IndexOf(ZipEnd) is >= 0 and var at; tail = tail[(at + 1)..])
            // Four bytes may stand there by chance; a comment that ends with the file does not.
            if (tail.Length >= at + ZipEndBytes && tail[at + 20] + 256 * tail[at + 21] == tail.Length - at - ZipEndBytes)
                return true;
        return false;
    }

    static string Printable(string text) => string.Concat(text.Where(c => c is >= ' ' and < (char)127).Take(80));
}
