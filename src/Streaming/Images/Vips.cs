using System.Globalization;
using Microsoft.Extensions.Options;
using Streaming.Configuration;
using Streaming.Programs;

namespace Streaming.Images;

/// <summary>The program that decodes and encodes could not do it.</summary>
public sealed class VipsException(ProgramOutcome outcome, string detail) : Exception(detail)
{
    public ProgramOutcome Outcome { get; } = outcome;
}

/// <summary>
/// libvips as a program of its own (Debian's libvips-tools): a decoder that crashes or swells takes nothing with it. Pictures
/// go in and out by pipes, between two runs as PNG without compression; no file is written.
/// </summary>
public sealed class Vips(IOptions<ImageOptions> options, ILogger<Vips> log)
{
    // As it writes pixels for us: no metadata, eight bits, nothing to unpack.
    const string Pixels = ".png[compression=0,filter=none,bitdepth=8,strip]";

    // More than 4,096 by 4,096 with transparency is not asked for.
    const int OutputBytesMax = 80 * 1024 * 1024;

    static readonly Dictionary<string, string> Environment = new()
    {
        // Decoders that the authors of libvips do not trust: SVG, PDF, ImageMagick and others. It goes by content, not by name.
        ["VIPS_BLOCK_UNTRUSTED"] = "1",
        ["VIPS_CONCURRENCY"] = "1",
        // What does not fit into its memory fails instead of going to a disk.
        ["VIPS_DISC_THRESHOLD"] = "4g",
        ["MALLOC_ARENA_MAX"] = "2",
    };

    readonly string? _program = BoundedProgram.Find(options.Value.Program is { Length: > 0 } named ? named : "vips");

    public bool IsInstalled => _program is not null;

    /// <summary>The pixels of an image, upright, in sRGB, its longest side <paramref name="edgePixels"/> at most.</summary>
    /// <exception cref="VipsException">Also for a file whose data end too early: plain vips would hand over half a picture.</exception>
    public Task<byte[]> DecodeAsync(ReadOnlyMemory<byte> image, int edgePixels, CancellationToken cancellation)
    {
        var edge = edgePixels.ToString(CultureInfo.InvariantCulture);
        return RunAsync(
            // Not --fail-on: libvips 8.14 does not hand that on to the decoder of a pipe.
            ["thumbnail_source", "[descriptor=0]", Pixels, edge, "--height", edge, "--size", "down", "--option-string", "[fail_on=warning]",
                "--export-profile", "srgb"],
            image, cancellation);
    }

    /// <summary>The pixels of what it has encoded itself.</summary>
    /// <exception cref="VipsException"/>
    public Task<byte[]> DecodeAsync(ReadOnlyMemory<byte> encoded, CancellationToken cancellation) => RunAsync(["copy", "stdin", Pixels], encoded, cancellation);

    /// <param name="pixels">From <see cref="DecodeAsync(ReadOnlyMemory{byte}, int, CancellationToken)"/>.</param>
    /// <param name="format"><c>webp</c> or <c>jpeg</c>.</param>
    /// <param name="quality">0-100.</param>
    /// <param name="cancellation">Kills it.</param>
    /// <exception cref="VipsException"/>
    public Task<byte[]> EncodeAsync(byte[] pixels, string format, int quality, CancellationToken cancellation) => RunAsync(
        // The effort is half of the default, 4: twice as fast, for 3 % more bytes.
        ["copy", "stdin", format == "jpeg" ? $".jpg[Q={quality},strip,optimize_coding,background=255]" : $".webp[Q={quality},strip,effort=2]"], pixels, cancellation);

    async Task<byte[]> RunAsync(string[] arguments, ReadOnlyMemory<byte> input, CancellationToken cancellation)
    {
        if (_program is null)
            throw new VipsException(ProgramOutcome.NotStarted, "vips is not installed");
        var result = await BoundedProgram.RunAsync([_program, .. arguments], input, Environment,
            new ProgramBounds(options.Value.ProgramTimeout, options.Value.ProgramBytesMax, OutputBytesMax), cancellation);
        if (result.Outcome == ProgramOutcome.Succeeded && result.Output.Length > 0)
            return result.Output;
        log.LogInformation("{Program} {Operation}: {Detail} (bounds: Images:ProgramTimeout {Timeout}, Images:ProgramBytesMax {Bytes})",
            _program, arguments[0], result.Detail, options.Value.ProgramTimeout, options.Value.ProgramBytesMax);
        throw new VipsException(result.Outcome, result.Outcome == ProgramOutcome.Succeeded ? "it wrote nothing" : result.Detail);
    }
}
