using System.Buffers.Binary;
using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.Options;
using Streaming.Configuration;

namespace Streaming.Pipelines.Logo;

/// <summary>A rendered picture.</summary>
public sealed record Png(byte[] Content, int Width, int Height);

/// <summary>
/// Makes a PNG of an SVG, with a program of its own: what goes wrong in it takes nothing with it. It gets the picture on its
/// standard input, no file, no environment, and a bound on its time, its memory and its output.
/// </summary>
public sealed class Rasterizer(IOptions<LogoOptions> options, ILogger<Rasterizer> log)
{
    static readonly string[] Programs = ["rsvg-convert", "vipsthumbnail"];
    static ReadOnlySpan<byte> PngSignature => [0x89, (byte)'P', (byte)'N', (byte)'G', 0x0D, 0x0A, 0x1A, 0x0A];

    readonly string? _program = options.Value.Rasterizer is { Length: > 0 } named ? Find(named) : Programs.Select(Find).FirstOrDefault(path => path is not null);
    readonly string? _prlimit = Find("prlimit");

    public bool IsInstalled => _program is not null;

    /// <summary>Null if it could not be made; the log says why.</summary>
    /// <exception cref="OperationCanceledException"><paramref name="cancellation"/>; the program is killed.</exception>
    public async Task<Png?> RenderAsync(byte[] svg, CancellationToken cancellation)
    {
        using var limited = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limited.CancelAfter(options.Value.RasterizerTimeout);
        using var process = new Process { StartInfo = StartInfo() };
        try
        {
            process.Start();
        }
        catch (Win32Exception fault)
        {
            log.LogWarning("{Program} cannot be started: {Reason}", _program, fault.Message);
            return null;
        }

        try
        {
            var errors = DrainAsync(process.StandardError.BaseStream, limited.Token);
            var output = ReadAsync(process.StandardOutput.BaseStream, limited.Token);
            await WriteAsync(process, svg, limited.Token);
            var content = await output;
            await errors;
            await process.WaitForExitAsync(limited.Token);
            if (process.ExitCode == 0 && content is { Length: > 24 } && content.AsSpan().StartsWith(PngSignature))
                return new Png(content, BinaryPrimitives.ReadInt32BigEndian(content.AsSpan(16)), BinaryPrimitives.ReadInt32BigEndian(content.AsSpan(20)));
            if (content is null)
                log.LogWarning("{Program} made a picture of more than {Bytes} bytes (Logos:PngBytesMax)", _program, options.Value.PngBytesMax);
            else
                log.LogWarning("{Program} made no picture and ended with {ExitCode}: it cannot read the drawing, or needs more than {Bytes} bytes (Logos:RasterizerBytesMax)",
                    _program, process.ExitCode, options.Value.RasterizerBytesMax);
            return null;
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            log.LogWarning("{Program} took longer than {Timeout}", _program, options.Value.RasterizerTimeout);
            return null;
        }
        finally
        {
            if (!process.HasExited)
                process.Kill(entireProcessTree: true);
        }
    }

    ProcessStartInfo StartInfo()
    {
        var pixels = options.Value.PngPixels.ToString(CultureInfo.InvariantCulture);
        string[] render = Path.GetFileNameWithoutExtension(_program!).StartsWith("vips", StringComparison.Ordinal)
            ? [_program!, "stdin", "--size", $"{pixels}x{pixels}", "-o", ".png"]
            : [_program!, "--width", pixels, "--height", pixels, "--keep-aspect-ratio", "--format", "png"];
        string[] bounds = _prlimit is null ? [] :
        [
            _prlimit, string.Create(CultureInfo.InvariantCulture, $"--as={options.Value.RasterizerBytesMax}"),
            string.Create(CultureInfo.InvariantCulture, $"--cpu={Math.Ceiling(options.Value.RasterizerTimeout.TotalSeconds)}"), "--core=0", "--nofile=64", "--",
        ];
        string[] command = [.. bounds, .. render];
        var start = new ProcessStartInfo(command[0], command[1..]) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment.Clear();
        start.Environment["PATH"] = Environment.GetEnvironmentVariable("PATH");
        start.Environment["VIPS_CONCURRENCY"] = "1";
        return start;
    }

    static async Task WriteAsync(Process process, byte[] svg, CancellationToken cancellation)
    {
        try
        {
            await process.StandardInput.BaseStream.WriteAsync(svg, cancellation);
            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It has ended before it had read everything: its exit code tells.
        }
    }

    /// <summary>All of the output; null, and the rest is passed over, if it is too much.</summary>
    async Task<byte[]?> ReadAsync(Stream output, CancellationToken cancellation)
    {
        var content = new MemoryStream();
        var buffer = new byte[64 * 1024];
        while (await output.ReadAsync(buffer, cancellation) is > 0 and var count)
            if (content.Length <= options.Value.PngBytesMax)
                content.Write(buffer, 0, count);
        return content.Length <= options.Value.PngBytesMax ? content.ToArray() : null;
    }

    // A full pipe would stop the program; what it says may quote the picture, and is not logged.
    static async Task DrainAsync(Stream errors, CancellationToken cancellation)
    {
        var buffer = new byte[4096];
        while (await errors.ReadAsync(buffer, cancellation) > 0)
        {
        }
    }

    static string? Find(string name) => Path.IsPathRooted(name)
        ? File.Exists(name) ? name : null
        : (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
            .SelectMany(folder => (string[])[Path.Combine(folder, name), Path.Combine(folder, name + ".exe")]).FirstOrDefault(File.Exists);
}
