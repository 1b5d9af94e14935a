using System.ComponentModel;
using System.Diagnostics;

namespace Streaming.Database.Embedded;

/// <summary>A program that runs to its end: initdb, pg_ctl, npm and the like.</summary>
sealed record Command(string File, params IReadOnlyList<string> Arguments)
{
    /// <summary>The user it runs as; null is the service's own.</summary>
    public string? User { get; init; }

    /// <summary>Not the service's own folder, which another user may not be able to enter.</summary>
    public string WorkingDirectory { get; init; } = "/";

    /// <summary>
    /// Whether the program sees the service's environment, which may hold keys of model providers, and PGDATA, PGPORT
    /// and the like of a developer's shell.
    /// </summary>
    public bool InheritEnvironment { get; init; }

    /// <summary>A program that cannot be started at all counts as exit code 127, as in a shell.</summary>
    /// <exception cref="OperationCanceledException">Cancelled; the program has been killed and has ended.</exception>
    public async Task<CommandResult> RunAsync(CancellationToken cancellation)
    {
        using var process = new Process { StartInfo = StartInfo() };
        var output = new LastLines();
        try
        {
            process.Start();
        }
        catch (Win32Exception e)
        {
            output.Add($"{File}: {e.Message}");
            return new CommandResult(127, output);
        }

        process.StandardInput.Close();
        var drained = Task.WhenAll(
            DrainAsync(process.StandardOutput, output), DrainAsync(process.StandardError, output));
        try
        {
            await process.WaitForExitAsync(cancellation);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            await process.WaitForExitAsync(CancellationToken.None);
            throw;
        }

        await drained.WaitAsync(cancellation);
        return new CommandResult(process.ExitCode, output);
    }

    public ProcessStartInfo StartInfo()
    {
        var info = new ProcessStartInfo(File, Arguments)
        {
            WorkingDirectory = WorkingDirectory,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        if (User is not null)
            info.UserName = User;
        if (!InheritEnvironment)
            KeepOnly(info.Environment, "PATH", "TMPDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH");
        // This code reads the messages.
        info.Environment["LC_ALL"] = "C";
        return info;
    }

    static void KeepOnly(IDictionary<string, string?> environment, params ReadOnlySpan<string> names)
    {
        foreach (var name in environment.Keys.ToArray())
        {
            if (!names.Contains(name))
                environment.Remove(name);
        }
    }

    static async Task DrainAsync(StreamReader reader, LastLines output)
    {
        while (await reader.ReadLineAsync() is { } line)
            output.Add(line);
    }
}

/// <summary>How a <see cref="Command"/> ended, with the end of its output and error output together.</summary>
sealed record CommandResult(int ExitCode, LastLines Output)
{
    public bool Succeeded => ExitCode == 0;
}
