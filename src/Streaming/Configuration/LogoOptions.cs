namespace Streaming.Configuration;

/// <summary>Section <c>Logos</c>: what a model may draw, and the program that makes PNG of it.</summary>
public sealed class LogoOptions
{
    /// <summary>Bytes of one SVG at most; default 64 KiB.</summary>
    public int SvgBytesMax { get; set; } = 64 * 1024;

    /// <summary>Elements of one SVG at most; default 1,000.</summary>
    public int SvgElementsMax { get; set; } = 1000;

    /// <summary>Levels of elements of one SVG at most; default 16.</summary>
    public int SvgDepthMax { get; set; } = 16;

    /// <summary>
    /// <c>rsvg-convert</c> or <c>vipsthumbnail</c>, as a name or a path; empty (the default): the first of them that is on
    /// the PATH. Where there is none, no PNG is made, and a warning says so.
    /// </summary>
    public string? Rasterizer { get; set; }

    /// <summary>How long one PNG may take before the program is killed; default 10 s.</summary>
    public TimeSpan RasterizerTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Bytes of address space of that program at most, where the system has <c>prlimit</c> (Linux); default 1 GiB.</summary>
    public long RasterizerBytesMax { get; set; } = 1024 * 1024 * 1024;

    /// <summary>Width and height of a PNG, in pixels; default 1,024.</summary>
    public int PngPixels { get; set; } = 1024;

    /// <summary>Bytes of one PNG at most; default 4 MiB.</summary>
    public int PngBytesMax { get; set; } = 4 * 1024 * 1024;
}
