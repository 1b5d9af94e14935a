namespace Streaming.Images;

/// <summary>A format that an upload may have.</summary>
public enum ImageFormat
{
    Jpeg,
    Png,
    WebP,
    Heic,
    Avif,
}

/// <summary>Why a file is no image that is taken.</summary>
public enum ImageRefusal
{
    /// <summary>None of the formats, or more than one picture in time.</summary>
    Unsupported,

    /// <summary>Its content type says something else than its bytes.</summary>
    Mislabelled,

    /// <summary>It ends before it is complete.</summary>
    Truncated,

    /// <summary>Its parts contradict each other, or cannot be read.</summary>
    Damaged,

    /// <summary>It is a file of another kind as well.</summary>
    Polyglot,

    /// <summary>More pixels than <c>Images:PixelsMax</c>.</summary>
    TooLarge,
}

/// <summary>The file is no image that is taken; the message says why, to a person.</summary>
public sealed class ImageRefusedException(ImageRefusal refusal, string message) : Exception(message)
{
    public ImageRefusal Refusal { get; } = refusal;
}

/// <summary>What the bytes of an image say before anything decodes them.</summary>
/// <param name="Format">Its format.</param>
/// <param name="Width">In pixels, before it is turned the right way up.</param>
/// <param name="Height">In pixels.</param>
/// <param name="Length">Bytes of the image; what a camera has put after it is not counted.</param>
public sealed record InspectedImage(ImageFormat Format, int Width, int Height, int Length)
{
    public string MediaType => Format switch
    {
        ImageFormat.Jpeg => "image/jpeg",
        ImageFormat.Png => "image/png",
        ImageFormat.WebP => "image/webp",
        ImageFormat.Heic => "image/heic",
        _ => "image/avif",
    };
}
