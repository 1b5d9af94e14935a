namespace Streaming.Configuration;

/// <summary>Section <c>Images</c>: which images are taken, how they are made smaller, and the program that does it.</summary>
public sealed class ImageOptions
{
    /// <summary>Width times height of an uploaded image at most; default 50 million. More: 422 <c>image_too_large</c>, before anything decodes it.</summary>
    public long PixelsMax { get; set; } = 50_000_000;

    /// <summary><c>webp</c> (default) or <c>jpeg</c>: what an upload becomes that asks for neither.</summary>
    public string Format { get; set; } = "webp";

    /// <summary>Longest side, in pixels, of an upload that names none; default 1,600. Smaller ones are not made larger.</summary>
    public int EdgePixels { get; set; } = 1600;

    /// <summary>Longest side that an upload may ask for; default 4,096.</summary>
    public int EdgePixelsMax { get; set; } = 4096;

    /// <summary>Size to reach, as a share of the original's, for an upload that names none; default 0.4, which is 60 % smaller.</summary>
    public double SizeRatio { get; set; } = 0.4;

    /// <summary>Quality (0-100, of the encoder) below which it does not go; default 60. Then the image gets fewer pixels.</summary>
    public int QualityMin { get; set; } = 60;

    /// <summary>Quality above which bytes buy nothing to be seen; default 85. Raised to 95 where <c>Images:SimilarityMin</c> needs it.</summary>
    public int QualityMax { get; set; } = 85;

    /// <summary>Mean structural similarity (SSIM) of the luma at least, to the image before it was encoded; default 0.96.</summary>
    public double SimilarityMin { get; set; } = 0.96;

    /// <summary>
    /// <c>vips</c>, as a name or a path; empty (the default): <c>vips</c> of the PATH. Where there is none, images are stored as
    /// they came, and a warning says so.
    /// </summary>
    public string? Program { get; set; }

    /// <summary>How long one run of that program may take before it is killed; default 10 s.</summary>
    public TimeSpan ProgramTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Bytes of address space of that program at most, where the system has <c>prlimit</c> (Linux); default 1 GB.</summary>
    public long ProgramBytesMax { get; set; } = 1_000_000_000;
}
