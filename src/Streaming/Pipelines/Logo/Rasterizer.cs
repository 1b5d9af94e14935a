using System.Buffers.Binary;
using System.Globalization;
using Microsoft.Extensions.Options;
using Streaming.Configuration;
using Streaming.Programs;

namespace Streaming.Pipelines.Logo;

/// <summary>A rendered picture.</summary>
public sealed record Png(byte[] Content, int Width, int Height);

/// <summary>
/// Makes a PNG of an SVG, with a program of its own and within bounds (<see cref="BoundedProgram"/>).
/// </summary>
public sealed class Rasterizer(IOptions<LogoOptions> options, ILogger<Rasterizer> log)
{
    static readonly string[] Known = ["rsvg-convert", "vipsthumbnail"];
    static readonly Dictionary<string, string> Variables = new() { ["VIPS_CONCURRENCY"] = "1" };
    static ReadOnlySpan<byte> PngSignature => [0x89, (byte)'P', (byte)'N', (byte)'G', 0x0D, 0x0A, 0x1A, 0x0A];

    readonly string? _program = options.Value.Rasterizer is { Length: > 0 } named
        ? BoundedProgram.Find(named) : Known.Select(BoundedProgram.Find).FirstOrDefault(path => path is not null);

    public bool IsInstalled => _program is not null;

    /// <summary>Null if it could not be made; the log says why.</summary>
    /// <exception cref="OperationCanceledException"><paramref name="cancellation"/>; the program is killed.</exception>
    public async Task<Png?> RenderAsync(byte[] svg, CancellationToken cancellation)
    {
        var result = await BoundedProgram.RunAsync(Command(), svg, Variables,
            new ProgramBounds(options.Value.RasterizerTimeout, options.Value.RasterizerBytesMax, options.Value.PngBytesMax), cancellation);
        if (result.Outcome == ProgramOutcome.Succeeded && result.Output is { Length: > 24 } content && content.AsSpan().StartsWith(PngSignature))
            return new Png(content, BinaryPrimitives.ReadInt32BigEndian(content.AsSpan(16)), BinaryPrimitives.ReadInt32BigEndian(content.AsSpan(20)));
        log.LogWarning(
            "{Program} made no PNG of a drawing: {Detail} (bounds: Logos:RasterizerTimeout {Timeout}, Logos:RasterizerBytesMax {Bytes}, Logos:PngBytesMax {PngBytes})",
            _program, result.Detail, options.Value.RasterizerTimeout, options.Value.RasterizerBytesMax, options.Value.PngBytesMax);
        return null;
    }

    string[] Command()
    {
        var pixels = options.Value.PngPixels.ToString(CultureInfo.InvariantCulture);
        return Path.GetFileNameWithoutExtension(_program!).StartsWith("vips", StringComparison.Ordinal)
            ? [_program!, "stdin", "--size", $"{pixels}x{pixels}", "-o", ".png"]
            : [_program!, "--width", pixels, "--height", pixels, "--keep-aspect-ratio", "--format", "png"];
    }
}
