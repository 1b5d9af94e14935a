using System.Diagnostics;
using System.Globalization;
using Npgsql;
using Streaming.IntegrationTests.Fixtures;

namespace Streaming.FaultTests.Rigs;

/// <summary>
/// A PostgreSQL for one test, on a loopback port and a data folder of its own, that can be killed and started again. It
/// gives up only what a crash of the whole machine would need: what it has answered as committed outlives a kill -9.
/// </summary>
public sealed class PostgresProcess : IAsyncDisposable
{
    const string User = "streaming";

    readonly TemporaryDirectory _directory = new();
    readonly IReadOnlyDictionary<string, string> _settings;
    readonly string _data;
    Process? _process;
    Task _ended = Task.CompletedTask;

    PostgresProcess(string? folder, IReadOnlyDictionary<string, string> settings)
    {
        _settings = settings;
        _data = Path.Combine(folder ?? _directory.Path, "data");
    }

    public int Port { get; } = ServiceProcess.FreePort();

    /// <summary>The folder of the cluster.</summary>
    public string DataFolder => _data;

    /// <summary>Makes a cluster and starts it.</summary>
    /// <param name="folder">Where the cluster is made; its user (<c>nobody</c> when this runs as root) must be able to pass
    /// through. Default: a temporary one.</param>
    /// <param name="settings">As in <c>postgresql.conf</c>.</param>
    public static async Task<PostgresProcess> StartAsync(string? folder = null, IReadOnlyDictionary<string, string>? settings = null)
    {
        var server = new PostgresProcess(folder, settings ?? new Dictionary<string, string>());
        Directory.CreateDirectory(server._data);
        await OwnAsync(server._data);
        await RunAsync(Program("initdb",
            "-D", server._data, "-U", User, "--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync", "--no-instructions"));
        await server.StartAgainAsync();
        return server;
    }

    /// <summary>Whether the server runs; it may end itself when it cannot write its log.</summary>
    public bool IsRunning => !_ended.IsCompleted;

    /// <summary>Gives a folder to the server's user.</summary>
    public static async Task OwnAsync(string folder)
    {
        if (Environment.IsPrivilegedProcess)
            await RunAsync(new ProcessStartInfo("chown", ["nobody", folder]));
    }

    /// <summary>To a database on it, whose idle connections close within seconds so that they can be counted.</summary>
    /// <param name="database">It must be there, see <see cref="CreateDatabaseAsync"/>.</param>
    /// <param name="port">That of a proxy in front of it; default its own.</param>
    public string ConnectionString(string database, int? port = null) => $"Host=127.0.0.1;Port={port ?? Port};Username={User};Database={database};{Rig.QuickPool}";

    public async Task<string> CreateDatabaseAsync(string name)
    {
        await using var source = NpgsqlDataSource.Create(ConnectionString("postgres"));
        await using var create = source.CreateCommand($"create database \"{name}\"");
        await create.ExecuteNonQueryAsync();
        return ConnectionString(name);
    }

    /// <summary>Starts the server and waits until it takes connections.</summary>
    public async Task StartAgainAsync()
    {
        var started = new TaskCompletionSource<Process>(TaskCreationOptions.RunContinuationsAsynchronously);
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        // The signal that ends the server with this process is sent when the thread that started it ends.
        new Thread(() =>
        {
            var process = Process.Start(Program("postgres", Arguments()))!;
            process.BeginErrorReadLine();
            process.BeginOutputReadLine();
            started.SetResult(process);
            process.WaitForExit();
            ended.SetResult();
        })
        { IsBackground = true, Name = "PostgreSQL of a fault test" }.Start();
        _process = await started.Task;
        _ended = ended.Task;
        await Eventually.TrueAsync(AnswersAsync, "PostgreSQL takes connections");
    }

    /// <summary>SIGKILL for the postmaster and all its children at once; returns when none of them is left.</summary>
    public async Task KillAsync()
    {
        var processes = Children(_process!.Id).Prepend(_process.Id).ToList();
        await RunAsync(new ProcessStartInfo("kill", ["-KILL", .. processes.Select(id => $"{id}")]), mayFail: true);
        await _ended;
        // They hold the shared memory for a moment longer, and a start is refused for it.
        await Eventually.TrueAsync(() => Task.FromResult(!processes.Any(IsAlive)), "every process of the killed server is gone");
    }

    public async ValueTask DisposeAsync()
    {
        if (!_ended.IsCompleted)
            await KillAsync();
        _process?.Dispose();
        _directory.Dispose();
    }

    string[] Arguments() =>
    [
        "-D", _data, "-p", $"{Port}", .. new Dictionary<string, string>(_settings)
        {
            ["listen_addresses"] = "127.0.0.1",
            ["unix_socket_directories"] = "",
            ["max_connections"] = "200",
            // A killed process loses nothing that it has handed to the system: only a crash of the machine would need these.
            ["fsync"] = "off",
            ["full_page_writes"] = "off",
            ["log_min_messages"] = "fatal",
        }.SelectMany(setting => new[] { "-c", $"{setting.Key}={_settings.GetValueOrDefault(setting.Key, setting.Value)}" }),
    ];

    /// <summary>One of the server's programs, to be run as its user, and to end with the thread that starts it.</summary>
    static ProcessStartInfo Program(string name, params string[] arguments)
    {
        var info = new ProcessStartInfo("setpriv", ["--pdeathsig", "INT", Path.Combine(Binaries(), name), .. arguments])
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
            WorkingDirectory = "/",
        };
        if (Environment.IsPrivilegedProcess)
            info.UserName = "nobody";
        return info;
    }

    static string Binaries() => Directory.GetDirectories("/usr/lib/postgresql")
        .OrderDescending(StringComparer.Ordinal).Select(folder => Path.Combine(folder, "bin")).First(folder => File.Exists(Path.Combine(folder, "initdb")));

    static async Task RunAsync(ProcessStartInfo info, bool mayFail = false)
    {
        info.RedirectStandardError = info.RedirectStandardOutput = true;
        using var process = Process.Start(info)!;
        var output = await Task.WhenAll(process.StandardError.ReadToEndAsync(), process.StandardOutput.ReadToEndAsync());
        await process.WaitForExitAsync();
        if (process.ExitCode != 0 && !mayFail)
            throw new InvalidOperationException($"{info.FileName} {string.Join(' ', info.ArgumentList)}: {string.Concat(output)}");
    }

    /// <summary>Whether it takes connections.</summary>
    /// <exception cref="InvalidOperationException">It has ended.</exception>
    public async Task<bool> AnswersAsync()
    {
        if (_ended.IsCompleted)
            throw new InvalidOperationException("PostgreSQL ended while it was waited for.");
        try
        {
            await using var connection = new NpgsqlConnection($"{ConnectionString("postgres")};Pooling=false");
            await connection.OpenAsync();
            return true;
        }
        catch (NpgsqlException)
        {
            return false;
        }
    }

    static List<int> Children(int parent) => Directory.EnumerateDirectories("/proc")
        .Select(folder => int.TryParse(Path.GetFileName(folder), NumberStyles.None, CultureInfo.InvariantCulture, out var id) ? id : 0)
        .Where(id => id > 0 && ProcessFigures.Stat(id) is { } stat && stat.Parent == parent).ToList();

    /// <summary>One that has ended and was not yet waited for is not alive.</summary>
    static bool IsAlive(int id) => ProcessFigures.Stat(id) is { State: not "Z" };
}
