using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Streaming.Database.Embedded;

/// <summary>
/// The cluster's files and the password that belongs to them. initdb works in a folder of its own that is renamed when
/// complete, so <c>data/</c> either is a whole cluster or is not there.
/// </summary>
sealed class ServerData(ServerFolders folders, ServerUser user, ILogger logger)
{
    /// <summary>The superuser that owns everything; <c>postgres</c> is not created.</summary>
    public const string Role = "streaming";

    const string IncompletePrefix = "data.incomplete-";

    /// <summary>Major version of the existing data; null when there is none.</summary>
    public int? Version()
    {
        var file = Path.Combine(folders.Data, "PG_VERSION");
        if (File.Exists(file))
            return int.Parse(File.ReadAllText(file).Trim(), CultureInfo.InvariantCulture);
        if (!Directory.Exists(folders.Data))
            return null;
        throw new EmbeddedPostgresException(
            EmbeddedPostgresException.Damaged,
            $"\"{folders.Data}\" is not the data of a PostgreSQL: it has no file PG_VERSION. "
            + "Move it away, or set Streaming:DataDirectory to another folder.");
    }

    public string Password()
    {
        try
        {
            return File.ReadAllText(folders.Password).Trim();
        }
        catch (FileNotFoundException e)
        {
            throw new EmbeddedPostgresException(
                EmbeddedPostgresException.Damaged,
                $"""
                The data in "{folders.Data}" is there, its password "{folders.Password}" is gone.
                Put the file back, or move "{folders.Server}" away, to begin with an empty database.
                """, e);
        }
    }

    /// <summary>Called under the data directory's lock, when <see cref="Version"/> is null.</summary>
    public async Task CreateAsync(PostgresBinaries binaries, bool durable, CancellationToken cancellation)
    {
        RemoveLeftOvers();
        await WritePasswordAsync(cancellation);

        // A new name each time: the initdb of a killed service may still be writing into the folder of its own.
        var incomplete = Path.Combine(folders.Server, $"{IncompletePrefix}{Guid.NewGuid():N}");
        List<string> arguments =
        [
            "-D", incomplete, "-U", Role, $"--pwfile={folders.Password}", "--auth=scram-sha-256",
            "--encoding=UTF8", "--no-locale", "--no-instructions",
            // In a young database the commit that begins a segment of the WAL writes all of it first, as zeros: the longest of 6,000 chunks/s
            // took 25 to 34 ms with the 16 MB of the default, 13 to 18 with these.
            "--wal-segsize=4",
        ];
        if (!durable)
            arguments.Add("--no-sync");
        var result = await user.As(binaries.Initdb, arguments).RunAsync(cancellation);
        if (!result.Succeeded)
        {
            throw new EmbeddedPostgresException(
                EmbeddedPostgresException.StartFailed,
                $"{binaries.Initdb} failed with exit code {result.ExitCode}:\n{result.Output}");
        }

        Directory.Move(incomplete, folders.Data);
        logger.LogInformation(
            "Created a PostgreSQL {Version} database in {Folder}", binaries.MajorVersion, folders.Data);
    }

    void RemoveLeftOvers()
    {
        foreach (var leftOver in Directory.EnumerateDirectories(folders.Server, $"{IncompletePrefix}*"))
        {
            try
            {
                Directory.Delete(leftOver, recursive: true);
            }
            catch (IOException e)
            {
                logger.LogWarning(
                    e, "An interrupted initdb still writes into {Folder}; the next start removes it", leftOver);
            }
        }
    }

    async Task WritePasswordAsync(CancellationToken cancellation)
    {
        // CreateNew never follows a link, in a folder where another user may plant one.
        File.Delete(folders.Password);
        var options = new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.Write,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        };
        await using (var file = new FileStream(folders.Password, options))
        {
            var password = RandomNumberGenerator.GetHexString(32, lowercase: true);
            await file.WriteAsync(Encoding.ASCII.GetBytes(password), cancellation);
            file.Flush(flushToDisk: true);
        }

        await user.OwnAsync(folders.Password, cancellation);
    }
}
