using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;

namespace Streaming.Programs;

/// <summary>What a program may take.</summary>
/// <param name="Timeout">How long it may run before it is killed; also its time of the processor, in whole seconds.</param>
/// <param name="AddressBytesMax">Bytes of its address space at most, where the system has <c>prlimit</c> (Linux).</param>
/// <param name="OutputBytesMax">Bytes of its standard output at most.</param>
public sealed record ProgramBounds(TimeSpan Timeout, long AddressBytesMax, int OutputBytesMax);

public enum ProgramOutcome
{
    /// <summary>With exit code 0.</summary>
    Succeeded,

    /// <summary>With another one, or by a signal.</summary>
    Failed,
    NotStarted,
    TimedOut,
    OutputTooLarge,
}

/// <summary>How a program ended.</summary>
/// <param name="Outcome">How.</param>
/// <param name="Output">Its standard output; empty unless it succeeded.</param>
/// <param name="Detail">For the log; nothing that the program said.</param>
public sealed record ProgramResult(ProgramOutcome Outcome, byte[] Output, string Detail);

/// <summary>
/// Runs a program outside of the service: what goes wrong in it takes nothing with it. It gets its input on its standard
/// input, no file and no environment but what it is given, and a bound on its time, its memory and its output.
/// </summary>
public static class BoundedProgram
{
    // A code generator of libvips maps its code by way of a file of 64 KiB, which it unlinks at once. Nothing else is written.
    const int FileBytesMax = 1024 * 1024;

    static readonly string? Prlimit = Find("prlimit");

    /// <summary>The path of a program by its name, or of a path itself; null if there is none.</summary>
    public static string? Find(string name) => Path.IsPathRooted(name)
        ? File.Exists(name) ? name : null
        : (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
            .SelectMany(folder => (string[])[Path.Combine(folder, name), Path.Combine(folder, name + ".exe")]).FirstOrDefault(File.Exists);

    /// <param name="command">The program's path, and its arguments.</param>
    /// <param name="input">For its standard input.</param>
    /// <param name="environment">Besides the PATH, all that it gets.</param>
    /// <param name="bounds">What it may take.</param>
    /// <param name="cancellation">Kills it.</param>
    /// <exception cref="OperationCanceledException"><paramref name="cancellation"/>.</exception>
    public static async Task<ProgramResult> RunAsync(
        IReadOnlyList<string> command, ReadOnlyMemory<byte> input, IReadOnlyDictionary<string, string> environment, ProgramBounds bounds, CancellationToken cancellation)
    {
        using var limited = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limited.CancelAfter(bounds.Timeout);
        using var process = new Process { StartInfo = StartInfo(command, environment, bounds) };
        try
        {
            process.Start();
        }
        catch (Win32Exception fault)
        {
            return new ProgramResult(ProgramOutcome.NotStarted, [], $"it cannot be started: {fault.Message}");
        }

        try
        {
            var errors = DrainAsync(process.StandardError.BaseStream, limited.Token);
            var output = ReadAsync(process.StandardOutput.BaseStream, bounds.OutputBytesMax, limited.Token);
            await WriteAsync(process, input, limited.Token);
            var content = await output;
            await errors;
            await process.WaitForExitAsync(limited.Token);
            if (process.ExitCode != 0)
                return new ProgramResult(ProgramOutcome.Failed, [], $"it ended with {process.ExitCode}");
            return content is null
                ? new ProgramResult(ProgramOutcome.OutputTooLarge, [], $"it wrote more than {bounds.OutputBytesMax} bytes")
                : new ProgramResult(ProgramOutcome.Succeeded, content, "it succeeded");
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return new ProgramResult(ProgramOutcome.TimedOut, [], $"it took longer than {bounds.Timeout}");
        }
        finally
        {
            if (!process.HasExited)
                process.Kill(entireProcessTree: true);
        }
    }

    static ProcessStartInfo StartInfo(IReadOnlyList<string> command, IReadOnlyDictionary<string, string> environment, ProgramBounds bounds)
    {
        string[] limits = Prlimit is null ? [] :
        [
            Prlimit, string.Create(CultureInfo.InvariantCulture, $"--as={bounds.AddressBytesMax}"),
            string.Create(CultureInfo.InvariantCulture, $"--cpu={Math.Ceiling(bounds.Timeout.TotalSeconds)}"),
            string.Create(CultureInfo.InvariantCulture, $"--fsize={FileBytesMax}"), "--core=0", "--nofile=64", "--",
        ];
        string[] all = [.. limits, .. command];
        var start = new ProcessStartInfo(all[0], all[1..]) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment.Clear();
        start.Environment["PATH"] = Environment.GetEnvironmentVariable("PATH");
        foreach (var (name, value) in environment)
            start.Environment[name] = value;
        return start;
    }

    static async Task WriteAsync(Process process, ReadOnlyMemory<byte> input, CancellationToken cancellation)
    {
        try
        {
            await process.StandardInput.BaseStream.WriteAsync(input, cancellation);
            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It has ended before it had read everything: its exit code tells.
        }
    }

    /// <summary>All of the output; null, and the rest is passed over, if it is too much.</summary>
    static async Task<byte[]?> ReadAsync(Stream output, int bytesMax, CancellationToken cancellation)
    {
        var content = new MemoryStream();
        var buffer = new byte[64 * 1024];
        while (await output.ReadAsync(buffer, cancellation) is > 0 and var count)
            if (content.Length <= bytesMax)
                content.Write(buffer, 0, count);
        return content.Length <= bytesMax ? content.ToArray() : null;
    }

    // A full pipe would stop the program; what it says may quote the picture, and is not logged.
    static async Task DrainAsync(Stream errors, CancellationToken cancellation)
    {
        var buffer = new byte[4096];
        while (await errors.ReadAsync(buffer, cancellation) > 0)
        {
        }
    }
}
