using System.Text;

namespace Streaming.Database.Embedded;

/// <summary>
/// What lies where below the data directory. <c>postgres/</c> belongs to the server's user, so nothing in it is trusted
/// by a service that runs as root beyond being read.
/// <code>
/// postgres.lock          held by the live service; its process id is in postgres.lock.holder
/// postgres/password      of the role "streaming"
/// postgres/data/         the cluster; there only when complete
/// postgres/socket/       unless its path is too long
/// postgres-npm/VERSION/  fetched binaries
/// </code>
/// </summary>
sealed class ServerFolders(string dataDirectory)
{
    /// <summary>With a Unix socket the port is part of a file name, and no other program can hold it.</summary>
    public const int Port = 5432;

    const string TemporaryPrefix = "streaming-pg-";

    /// <summary>Others must be able to pass through, because the server may run as another user.</summary>
    const UnixFileMode Passable = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
        | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;

    public string Root { get; } = Path.GetFullPath(dataDirectory);
    public string Lock => Path.Combine(Root, "postgres.lock");
    public string Npm => Path.Combine(Root, "postgres-npm");
    public string Server => Path.Combine(Root, "postgres");
    public string Password => Path.Combine(Server, "password");
    public string Data => Path.Combine(Server, "data");
    public string PidFile => Path.Combine(Data, "postmaster.pid");

    /// <summary>Makes the data directory; the mode of an existing one is its owner's affair.</summary>
    public void CreateRoot()
    {
        try
        {
            if (Directory.Exists(Root))
                return;
            Directory.CreateDirectory(Root);
            File.SetUnixFileMode(Root, Passable);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new EmbeddedPostgresException(
                EmbeddedPostgresException.Unreachable,
                $"The data directory \"{Root}\" cannot be made: {e.Message} Set Streaming:DataDirectory to another.",
                e);
        }
    }

    /// <summary>
    /// A private folder with a path short enough for a socket: below the data if it fits, where it keeps its name from
    /// run to run; else a new one among the temporary files, which <see cref="RemoveSocketFolder"/> takes away.
    /// </summary>
    public async Task<string> CreateSocketFolderAsync(ServerUser user, CancellationToken cancellation)
    {
        var folder = Path.Combine(Server, "socket");
        if (Fits(folder))
        {
            await user.CreateFolderAsync(folder, cancellation);
            return folder;
        }

        var name = TemporaryPrefix + Guid.NewGuid().ToString("N")[..12];
        folder = Path.Combine(Path.GetTempPath(), name);
        if (!Fits(folder))
            folder = Path.Combine("/tmp", name);
        await user.CreateFolderAsync(folder, cancellation);
        await user.EnsureCanEnterAsync(folder, cancellation);
        return folder;
    }

    /// <summary>Removes a temporary socket folder, of this run or of an earlier one that was killed.</summary>
    public static void RemoveSocketFolder(string folder)
    {
        if (Path.GetFileName(folder).StartsWith(TemporaryPrefix, StringComparison.Ordinal) && Directory.Exists(folder))
            Directory.Delete(folder, recursive: true);
    }

    static bool Fits(string folder) =>
        Encoding.UTF8.GetByteCount(Path.Combine(folder, $".s.PGSQL.{Port}"))
            <= EmbeddedPostgresLimits.SocketPathBytesMax;
}
