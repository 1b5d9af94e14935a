using System.Diagnostics;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Streaming.Database.Embedded;
using Xunit;

namespace Streaming.IntegrationTests.Fixtures;

/// <summary>
/// A primary and a streaming replica of it, made by <c>pg_basebackup</c>: for a test class. Without that program
/// <see cref="Missing"/> says so.
/// </summary>
public sealed class ReplicatedPostgres : IAsyncLifetime
{
    // Ends the server at once, like a crash, when its input ends: also when the test's process dies.
    const string EndWithInput = "\"$@\" >/dev/null 2>&1 & server=$!; read -r line; kill -QUIT $server; wait $server; exit 0";

    readonly TemporaryDirectory _directory = new();
    EmbeddedPostgres? _server;
    Process? _replica;
    string _programs = "";

    public string? Missing { get; private set; }

    /// <summary>Who the servers run as: PostgreSQL refuses root.</summary>
    static string? User => Environment.IsPrivilegedProcess ? "nobody" : null;

    string Folder => Path.Combine(_directory.Path, "replica");

    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        // Durable: a commit that is not flushed at once is not sent at once either.
        _server = await EmbeddedPostgres.StartAsync(
            new EmbeddedPostgresOptions { DataDirectory = _directory.Path }, NullLogger.Instance, TimeProvider.System, Cancellation);
        _programs = (string)(await ScalarAsync(_server.ConnectionString, "select setting from pg_config where name = 'BINDIR'"))!;
        if (!File.Exists(Path.Combine(_programs, "pg_basebackup")))
        {
            Missing = $"there is no pg_basebackup in {_programs}";
            return;
        }

        Directory.CreateDirectory(Folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        if (User is not null)
            await RunAsync("chown", $"{User}:", Folder);
        var primary = new NpgsqlConnectionStringBuilder(_server.ConnectionString);
        await RunAsync(Path.Combine(_programs, "pg_basebackup"), "-D", Path.Combine(Folder, "data"), "-R", "-c", "fast",
            "-d", $"host={primary.Host} port={primary.Port} user={primary.Username} password={primary.Password}");
        await StartReplicaAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (_replica is not null)
            await KillReplicaAsync();
        if (_server is not null)
            await _server.DisposeAsync();
        _directory.Dispose();
    }

    /// <summary>A new, empty database: its connection strings on the primary and on the replica.</summary>
    public async Task<(string Primary, string Replica)> CreateDatabaseAsync()
    {
        Assert.SkipWhen(Missing is not null, Missing ?? "");
        var name = $"test_{Guid.NewGuid():N}";
        await ScalarAsync(_server!.ConnectionString, $"create database {name}");
        var builder = new NpgsqlConnectionStringBuilder(_server.ConnectionString) { Database = name };
        var primary = builder.ConnectionString;
        builder.Host = Folder;
        await CaughtUpAsync();
        return (primary, builder.ConnectionString);
    }

    public async Task StartReplicaAsync()
    {
        _replica = Start("/bin/sh", "-c", EndWithInput, "sh", Path.Combine(_programs, "postgres"), "-D", Path.Combine(Folder, "data"),
            "-c", "listen_addresses=", "-c", $"unix_socket_directories={Folder}", "-c", "max_connections=200");
        await CaughtUpAsync();
    }

    public async Task KillReplicaAsync()
    {
        _replica!.StandardInput.Close();
        await _replica.WaitForExitAsync(CancellationToken.None);
        _replica.Dispose();
        _replica = null;
    }

    /// <summary>From now on the replica shows nothing new, but receives it.</summary>
    public async Task PauseReplayAsync()
    {
        await ReplicaAsync("select pg_wal_replay_pause()");
        await Eventually.TrueAsync(async () => (string?)await ReplicaAsync("select pg_get_wal_replay_pause_state()") == "paused", "replay is paused");
    }

    public Task ResumeReplayAsync() => ReplicaAsync("select pg_wal_replay_resume()");

    /// <summary>Waits until the replica shows everything that was committed before.</summary>
    public async Task CaughtUpAsync()
    {
        // Not the insert position: after a switch of segments it is behind a header that nobody replays before the next record.
        var position = await ScalarAsync(_server!.ConnectionString, "select pg_current_wal_flush_lsn()::text");
        await Eventually.TrueAsync(async () =>
        {
            try
            {
                return await ReplicaAsync($"select pg_last_wal_replay_lsn() >= '{position}'") is true;
            }
            catch (NpgsqlException)
            {
                return false;
            }
        }, "the replica has caught up");
    }

    public Task<object?> PrimaryAsync(string sql) => ScalarAsync(_server!.ConnectionString, sql);

    Task<object?> ReplicaAsync(string sql) =>
        ScalarAsync(new NpgsqlConnectionStringBuilder(_server!.ConnectionString) { Host = Folder }.ConnectionString, sql);

    /// <summary>The first value that a statement returns, on a connection of its own.</summary>
    public static async Task<object?> ScalarAsync(string connectionString, string sql)
    {
        await using var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(connectionString) { Pooling = false }.ConnectionString);
        await connection.OpenAsync(Cancellation);
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync(Cancellation);
    }

    static Process Start(string program, params IReadOnlyList<string> arguments)
    {
        var info = new ProcessStartInfo(program, arguments) { WorkingDirectory = "/", RedirectStandardInput = true };
        if (User is not null)
            info.UserName = User;
        return Process.Start(info)!;
    }

    static async Task RunAsync(string program, params IReadOnlyList<string> arguments)
    {
        using var process = program == "chown" ? Process.Start(program, arguments) : Start(program, arguments);
        await process.WaitForExitAsync(Cancellation);
        Assert.Equal(0, process.ExitCode);
    }
}
