using System.Diagnostics;

namespace Streaming.Database.Embedded;

/// <summary>
/// One run of the server program, from its start to its end; <see cref="EmbeddedPostgres"/> decides about both.
/// </summary>
sealed class ServerProcess : IDisposable
{
    const string ReadyLine = "database system is ready to accept connections";

    readonly Process _process;
    readonly ServerLaunch _launch;
    readonly ILogger _logger;
    readonly LastLines _log = new();
    readonly TaskCompletionSource _started = new(TaskCreationOptions.RunContinuationsAsynchronously);
    readonly TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
    readonly TaskCompletionSource<int> _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    Task _drained = Task.CompletedTask;
    volatile bool _isStopping;

    ServerProcess(ServerLaunch launch, ILogger logger)
    {
        _launch = launch;
        _logger = logger;
        _process = new Process { StartInfo = launch.Command.StartInfo() };
    }

    /// <summary>Completes with the exit code when the server has ended, for whatever reason.</summary>
    public Task<int> Ended => _ended.Task;

    /// <summary>The end of the server's log.</summary>
    public LastLines Log => _log;

    public static async Task<ServerProcess> StartAsync(ServerLaunch launch, ILogger logger)
    {
        var server = new ServerProcess(launch, logger);
        // The kernel sends the parent-death signal when the starting *thread* ends, so a thread of the pool, which
        // retires at times, would take the server with it. This one stays until the server has ended.
        new Thread(server.Run) { IsBackground = true, Name = "embedded PostgreSQL" }.Start();
        await server._started.Task;
        return server;
    }

    /// <summary>True when the server accepts connections; false when it has ended, and its log is complete.</summary>
    public async Task<bool> ReadyAsync(TimeProvider clock, CancellationToken cancellation)
    {
        await Task.WhenAny(_ready.Task, _ended.Task).WaitAsync(cancellation);
        if (!_ended.Task.IsCompleted)
            return true;
        await DrainedAsync(clock);
        return false;
    }

    /// <summary>Fast shutdown, then immediate, then kill; returns when the server has ended.</summary>
    public async Task StopAsync(Command pgCtl, TimeProvider clock)
    {
        _isStopping = true;
        foreach (var (mode, timeMax) in new[]
        {
            ("fast", EmbeddedPostgresLimits.FastShutdownTimeMax),
            ("immediate", EmbeddedPostgresLimits.ImmediateShutdownTimeMax),
        })
        {
            if (Ended.IsCompleted)
                break;
            var stop = pgCtl with { Arguments = [.. pgCtl.Arguments, "-m", mode] };
            // It fails before the server has written its pid file; such a server has nothing to lose.
            if (!(await stop.RunAsync(CancellationToken.None)).Succeeded)
                continue;
            try
            {
                await Ended.WaitAsync(timeMax, clock);
            }
            catch (TimeoutException)
            {
                _logger.LogWarning("PostgreSQL did not end within {Time} of a {Mode} shutdown", timeMax, mode);
            }
        }

        if (!Ended.IsCompleted)
            _process.Kill(entireProcessTree: true);
        await Ended;
        await DrainedAsync(clock);
    }

    /// <summary>Releases the handle; stops nothing.</summary>
    public void Dispose() => _process.Dispose();

    void Run()
    {
        try
        {
            _process.Start();
        }
        catch (Exception e)
        {
            _started.SetException(new EmbeddedPostgresException(
                EmbeddedPostgresException.StartFailed, $"{_launch.Command.File} cannot be started: {e.Message}", e));
            return;
        }

        if (!_launch.HoldInputOpen)
            _process.StandardInput.Close();
        // Undrained, a full pipe would block the server.
        _drained = Task.WhenAll(DrainAsync(_process.StandardError), DrainAsync(_process.StandardOutput));
        _started.SetResult();
        _process.WaitForExit();
        _ended.SetResult(_process.ExitCode);
    }

    async Task DrainedAsync(TimeProvider clock)
    {
        try
        {
            await _drained.WaitAsync(EmbeddedPostgresLimits.ImmediateShutdownTimeMax, clock);
        }
        catch (TimeoutException)
        {
            // A process of the dead server still holds the pipe; what has come through is what there is.
        }
    }

    async Task DrainAsync(StreamReader reader)
    {
        while (await reader.ReadLineAsync() is { } line)
        {
            _log.Add(line);
            // A connection that it ends because it was told to stop is no news.
            _logger.Log(_isStopping && LevelOf(line) < LogLevel.Critical ? LogLevel.Debug : LevelOf(line), "PostgreSQL: {Line}", line);
            if (line.EndsWith(ReadyLine, StringComparison.Ordinal))
                _ready.TrySetResult();
        }
    }

    /// <summary>A failed statement is told to whoever sent it; here it is only a detail.</summary>
    static LogLevel LevelOf(string line) => line.Split(':', 2)[0] switch
    {
        "PANIC" => LogLevel.Critical,
        "FATAL" or "WARNING" => LogLevel.Warning,
        _ => LogLevel.Debug,
    };
}
