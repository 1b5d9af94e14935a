using System.Diagnostics;
using Xunit;

namespace Streaming.BrowserTests;

/// <summary>
/// A copy of a package of the repository in a folder of its own, with the packages that its lock file names. Without npm, or without a
/// network, it has none, and <see cref="Fault"/> says why.
/// </summary>
/// <param name="source">Its folder, from the root of the repository.</param>
public abstract class NpmPackage(string source) : IAsyncLifetime
{
    static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    public string Folder { get; } = Directory.CreateTempSubdirectory("npm-package-").FullName;

    /// <summary>Why there are no packages; null if there are.</summary>
    public string? Fault { get; private set; }

    public async ValueTask InitializeAsync()
    {
        CopyFolder(Path.Combine([RepositoryRoot(), .. source.Split('/')]), Folder);
        try
        {
            var (exitCode, output, fault) = await RunAsync("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], Patience);
            Fault = exitCode == 0 ? null : $"npm ci failed: {output}{fault}";
        }
        catch (Exception fault) when (fault is System.ComponentModel.Win32Exception or TimeoutException)
        {
            Fault = $"npm ci failed: {fault.Message}";
        }
    }

    /// <summary>Skips the test that needs packages which are not there; where everything is required, that is a failure.</summary>
    public void NeedsPackages() => Assert.SkipWhen(Fault is not null, Fault ?? "");

    /// <summary>Runs a program in the folder to its end.</summary>
    /// <exception cref="System.ComponentModel.Win32Exception">There is no such program.</exception>
    public async Task<(int ExitCode, string Output, string Faults)> RunAsync(string program, IEnumerable<string> arguments, TimeSpan patience, string? input = null)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = Folder,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        var output = Task.WhenAll(process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        try
        {
            await process.StandardInput.WriteAsync(input ?? "").WaitAsync(patience);
            process.StandardInput.Close();
            await process.WaitForExitAsync().WaitAsync(patience);
        }
        catch (TimeoutException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }

        var texts = await output;
        return (process.ExitCode, texts[0], texts[1]);
    }

    public ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        Directory.Delete(Folder, recursive: true);
        return ValueTask.CompletedTask;
    }

    static void CopyFolder(string from, string to)
    {
        foreach (var file in Directory.EnumerateFiles(from))
            File.Copy(file, Path.Combine(to, Path.GetFileName(file)));
        foreach (var folder in Directory.EnumerateDirectories(from))
            if (Path.GetFileName(folder) is var name and not "node_modules")
                CopyFolder(folder, Directory.CreateDirectory(Path.Combine(to, name)).FullName);
    }

    static string RepositoryRoot()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "Streaming.sln")))
            folder = folder.Parent!;
        return folder.FullName;
    }
}

/// <summary>src/web-client.</summary>
public sealed class WebClientPackage() : NpmPackage("src/web-client");

/// <summary>A validator of JSON Schema, and clients that others wrote.</summary>
public sealed class TestPackages() : NpmPackage("tests/Streaming.BrowserTests/Npm");
