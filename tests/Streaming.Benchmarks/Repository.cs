using System.Diagnostics;

namespace Streaming.Benchmarks;

/// <summary>The working copy that the program was built from.</summary>
static class Repository
{
    /// <summary>Its folder; the current one when the program was moved out of it.</summary>
    public static string Root()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            if (File.Exists(Path.Combine(folder.FullName, "Streaming.sln")))
                return folder.FullName;
        return Environment.CurrentDirectory;
    }

    /// <summary>Short hash of the commit, with a plus when sources differ from it; "unknown" without git.</summary>
    public static async Task<string> CommitAsync(CancellationToken cancellation)
    {
        var commit = await GitAsync(cancellation, "rev-parse", "--short", "HEAD");
        if (commit.Length == 0)
            return "unknown";
        return await GitAsync(cancellation, "status", "--porcelain", "--", "src", "db", "tests") is "" ? commit : commit + "+";
    }

    static async Task<string> GitAsync(CancellationToken cancellation, params string[] arguments)
    {
        try
        {
            using var git = Process.Start(new ProcessStartInfo("git", ["-C", Root(), .. arguments])
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            })!;
            var output = await git.StandardOutput.ReadToEndAsync(cancellation);
            await git.WaitForExitAsync(cancellation);
            return git.ExitCode == 0 ? output.Trim() : "";
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return "";
        }
    }
}
