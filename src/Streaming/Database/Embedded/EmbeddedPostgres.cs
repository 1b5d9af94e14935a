namespace Streaming.Database.Embedded;

/// <summary>
/// A private PostgreSQL of this service, for when no connection string is configured: found or fetched, created on the
/// first start, running as long as the service does.
/// </summary>
/// <remarks>
/// <code>
/// lock the data directory -> find binaries -> initdb, unless there is data
///   -> end a server of a killed run -> start -> ready -> (ended by itself -> start again)* -> stop
/// </code>
/// </remarks>
public sealed class EmbeddedPostgres : IAsyncDisposable
{
    readonly DataLock _dataLock;
    readonly ServerRunner _runner;
    readonly ILogger _logger;
    readonly TimeProvider _clock;
    readonly CancellationTokenSource _stopping = new();
    readonly Task _supervision;
    int _disposed;

    EmbeddedPostgres(DataLock dataLock, ServerRunner runner, ServerProcess server, ILogger logger, TimeProvider clock)
    {
        _dataLock = dataLock;
        _runner = runner;
        _logger = logger;
        _clock = clock;
        _supervision = SuperviseAsync(server);
    }

    /// <summary>
    /// To the database <c>streaming</c>; holds the password. Stays valid when the server is started again.
    /// </summary>
    public string ConnectionString => _runner.ConnectionString;

    /// <summary>Returns when the database accepts connections.</summary>
    /// <exception cref="EmbeddedPostgresException">It cannot be had; see its codes.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; nothing is left running.</exception>
    public static async Task<EmbeddedPostgres> StartAsync(
        EmbeddedPostgresOptions options, ILogger logger, TimeProvider clock, CancellationToken cancellation)
    {
        if (OperatingSystem.IsWindows())
        {
            throw new EmbeddedPostgresException(
                EmbeddedPostgresException.PlatformUnsupported,
                "The embedded PostgreSQL runs on Linux and macOS. Set ConnectionStrings:Streaming to one of your own.");
        }

        var folders = new ServerFolders(options.DataDirectory);
        folders.CreateRoot();
        var dataLock = DataLock.Take(folders.Lock);
        try
        {
            var user = ServerUser.Current();
            await user.CreateFolderAsync(folders.Server, cancellation);
            await user.EnsureCanEnterAsync(folders.Server, cancellation);

            var data = new ServerData(folders, user, logger);
            var search = new BinariesSearch(options, folders, user, logger, clock);
            var binaries = await search.FindAsync(data.Version(), cancellation);

            var runner = new ServerRunner(options, folders, user, binaries, data, logger, clock);
            try
            {
                var server = await runner.StartAsync(cancellation);
                return new EmbeddedPostgres(dataLock, runner, server, logger, clock);
            }
            catch
            {
                runner.RemoveSocketFolder();
                throw;
            }
        }
        catch
        {
            dataLock.Dispose();
            throw;
        }
    }

    /// <summary>Stops the server and waits for its end, at most the sum of the shutdown limits.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
            return;
        await _stopping.CancelAsync();
        try
        {
            await _supervision;
        }
        finally
        {
            _dataLock.Dispose();
            _stopping.Dispose();
        }
    }

    /// <summary>Owns the running server: starts it again when it ends by itself, stops it with the service.</summary>
    async Task SuperviseAsync(ServerProcess server)
    {
        var stopping = Task.Delay(Timeout.InfiniteTimeSpan, _clock, _stopping.Token);
        while (await Task.WhenAny(server.Ended, stopping) != stopping)
        {
            _logger.LogError(
                "PostgreSQL ended by itself with exit code {ExitCode}, starting it again; its last lines:\n{Log}",
                await server.Ended, server.Log);
            server.Dispose();
            if (await RestartAsync() is not { } restarted)
                break;
            server = restarted;
        }

        await _runner.StopAsync(server);
        _runner.RemoveSocketFolder();
    }

    /// <summary>Null when the service stops before it succeeds.</summary>
    async Task<ServerProcess?> RestartAsync()
    {
        while (true)
        {
            try
            {
                await Task.Delay(EmbeddedPostgresLimits.RestartDelay, _clock, _stopping.Token);
                return await _runner.StartAsync(_stopping.Token);
            }
            catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
            {
                return null;
            }
            catch (Exception e)
            {
                _logger.LogError(e, "PostgreSQL could not be started again; trying on");
            }
        }
    }
}
