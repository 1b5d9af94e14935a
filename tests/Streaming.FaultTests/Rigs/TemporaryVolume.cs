using System.Diagnostics;
using Streaming.IntegrationTests.Fixtures;

namespace Streaming.FaultTests.Rigs;

/// <summary>A file system of a few megabytes, in memory, that can be filled to the last byte. Needs root.</summary>
public sealed class TemporaryVolume : IDisposable
{
    readonly TemporaryDirectory _directory = new();

    public TemporaryVolume(int sizeMiB)
    {
        Path = System.IO.Path.Combine(_directory.Path, "volume");
        Directory.CreateDirectory(Path);
        Run("mount", "-t", "tmpfs", "-o", $"size={sizeMiB}m,mode=0777", "tmpfs", Path);
    }

    public string Path { get; }

    string Balloon => System.IO.Path.Combine(Path, "balloon");

    /// <summary>Leaves no free byte.</summary>
    public void Fill()
    {
        using var file = new FileStream(Balloon, FileMode.Append);
        var block = new byte[4096];
        try
        {
            while (true)
            {
                file.Write(block);
                file.Flush();
            }
        }
        catch (IOException)
        {
            // No space left on device: that is what was wanted.
        }
    }

    /// <summary>Gives back what <see cref="Fill"/> took.</summary>
    public void Free() => File.Delete(Balloon);

    public void Dispose()
    {
        // Lazily: a process that was killed a moment ago may still have its files open.
        Run("umount", "-l", Path);
        _directory.Dispose();
    }

    static void Run(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
        var error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        if (process.ExitCode != 0)
            throw new InvalidOperationException($"{program} {string.Join(' ', arguments)}: {error}");
    }
}
