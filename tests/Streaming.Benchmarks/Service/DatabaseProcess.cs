using System.Globalization;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Streaming.Database.Embedded;

namespace Streaming.Benchmarks.Service;

/// <summary>
/// The service's embedded PostgreSQL, fsync on, with an empty database in a new temporary folder, in a process of its own: so that
/// several services can share it. Disposing it removes the folder.
/// </summary>
sealed class DatabaseProcess : IAsyncDisposable
{
    /// <summary>First argument of the child process; then the folder.</summary>
    public const string Command = "database";

    readonly ChildProcess _process;
    readonly string _folder;

    DatabaseProcess(ChildProcess process, string folder, string connectionString)
    {
        (_process, _folder) = (process, folder);
        ConnectionString = connectionString;
    }

    public string ConnectionString { get; }

    /// <summary>Everything of the run is below it.</summary>
    public string Folder => _folder;

    /// <summary>CPU and memory of the server and all its processes.</summary>
    public ProcessUsage Usage() => ProcessUsage.OfTree(Server);

    /// <summary>Ids of the server and its processes as they are now.</summary>
    public IReadOnlyList<int> Processes() => [Server, .. ProcessUsage.ChildrenOf(Server)];

    int Server => int.Parse(File.ReadLines(Path.Combine(_folder, "postgres", "data", "postmaster.pid")).First(), CultureInfo.InvariantCulture);

    /// <exception cref="BenchmarkException">It did not become ready.</exception>
    public static async Task<DatabaseProcess> StartAsync(CancellationToken cancellation)
    {
        var folder = NewFolder();
        var process = new ChildProcess(Command, folder);
        var line = await process.FirstLine.WaitAsync(cancellation);
        try
        {
            return new DatabaseProcess(process, folder, new NpgsqlConnectionStringBuilder(line).ConnectionString);
        }
        catch (ArgumentException)
        {
            await process.DisposeAsync();
            throw new BenchmarkException($"The database did not start:\n{process.LastLines()}");
        }
    }

    /// <summary>A temporary folder that PostgreSQL can use.</summary>
    public static string NewFolder()
    {
        var folder = Directory.CreateTempSubdirectory("streaming-benchmark-").FullName;
        // Under root PostgreSQL runs as another user, who must be able to pass through.
        File.SetUnixFileMode(folder, File.GetUnixFileMode(folder) | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute);
        return folder;
    }

    /// <summary>The child process: tells the connection string, and runs until its input ends.</summary>
    public static async Task<int> RunAsync(string folder)
    {
        await using var server = await EmbeddedPostgres.StartAsync(
            new EmbeddedPostgresOptions { DataDirectory = folder }, NullLogger.Instance, TimeProvider.System, CancellationToken.None);
        Console.WriteLine(server.ConnectionString);
        await Console.In.ReadToEndAsync();
        return 0;
    }

    public async ValueTask DisposeAsync()
    {
        await _process.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }
}
