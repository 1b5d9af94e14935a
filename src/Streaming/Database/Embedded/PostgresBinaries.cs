using System.Globalization;
using System.Text.RegularExpressions;

namespace Streaming.Database.Embedded;

/// <summary>A folder with the programs of one PostgreSQL, all known to run as the server's user.</summary>
sealed partial record PostgresBinaries(string Folder, int MajorVersion)
{
    public string Postgres => Path.Combine(Folder, "postgres");
    public string Initdb => Path.Combine(Folder, "initdb");
    public string PgCtl => Path.Combine(Folder, "pg_ctl");

    /// <summary>
    /// The binaries in a folder, or null with the reason added to <paramref name="refused"/>; a folder that simply
    /// holds none adds nothing.
    /// </summary>
    public static async Task<PostgresBinaries?> TryAsync(
        string folder, ServerUser user, List<string> refused, CancellationToken cancellation)
    {
        var postgres = new FileInfo(Path.Combine(folder, "postgres"));
        if (!postgres.Exists)
            return null;

        // Distributions link postgres into the PATH, not always with its siblings.
        if (postgres.ResolveLinkTarget(returnFinalTarget: true) is { } target)
            folder = Path.GetDirectoryName(target.FullName)!;
        var binaries = new PostgresBinaries(folder, 0);
        if (!File.Exists(binaries.Initdb) || !File.Exists(binaries.PgCtl))
        {
            refused.Add($"{folder}: initdb or pg_ctl is missing beside postgres");
            return null;
        }

        var result = await user.As(binaries.Postgres, "--version").RunAsync(cancellation);
        var version = VersionLine().Match(result.Output.ToString());
        if (!result.Succeeded || !version.Success)
        {
            refused.Add($"{folder}: does not run as {user.Name ?? "this user"}: {result.Output.ToString().Trim()}");
            return null;
        }

        var major = int.Parse(version.Groups[1].ValueSpan, CultureInfo.InvariantCulture);
        if (major < EmbeddedPostgresLimits.MajorVersionMin)
        {
            refused.Add($"{folder}: version {major} is older than {EmbeddedPostgresLimits.MajorVersionMin}");
            return null;
        }

        return binaries with { MajorVersion = major };
    }

    [GeneratedRegex(@"\(PostgreSQL\) (\d+)")]
    private static partial Regex VersionLine();
}
