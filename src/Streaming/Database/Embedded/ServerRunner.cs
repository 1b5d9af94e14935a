using Npgsql;

namespace Streaming.Database.Embedded;

/// <summary>
/// Starts and stops servers on one data directory, one at a time, for <see cref="EmbeddedPostgres"/>, who holds the
/// lock.
/// </summary>
sealed class ServerRunner(
    EmbeddedPostgresOptions options, ServerFolders folders, ServerUser user, PostgresBinaries binaries, ServerData data,
    ILogger logger, TimeProvider clock)
{
    string? _socketFolder;
    string? _password;

    /// <summary>Valid after the first start.</summary>
    public string ConnectionString => ServerConnection.String(
        _socketFolder!, ServerFolders.Port, _password!, ServerConnection.Database, pooling: true);

    /// <summary>Returns when the database accepts connections; leaves nothing running when it throws.</summary>
    public async Task<ServerProcess> StartAsync(CancellationToken cancellation)
    {
        using var limit = new CancellationTokenSource(EmbeddedPostgresLimits.StartTimeMax, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellation);
        try
        {
            if (data.Version() is null)
                await data.CreateAsync(binaries, options.Durable, either.Token);
            _password ??= data.Password();
            await new LeftOverServer(folders, user, binaries, _password, logger, clock).EndAsync(either.Token);
            _socketFolder ??= await folders.CreateSocketFolderAsync(user, either.Token);
            return await StartUntilReleasedAsync(either.Token);
        }
        catch (OperationCanceledException e) when (!cancellation.IsCancellationRequested)
        {
            throw new EmbeddedPostgresException(
                EmbeddedPostgresException.StartTimeout,
                $"PostgreSQL on \"{folders.Data}\" took no connection within {EmbeddedPostgresLimits.StartTimeMax}. "
                + "After a crash with much to recover, starting once more goes on where this start was broken off.", e);
        }
    }

    /// <summary>Returns when the server has ended; one that has ended already is no fault.</summary>
    public async Task StopAsync(ServerProcess server)
    {
        await server.StopAsync(user.As(binaries.PgCtl, "stop", "-D", folders.Data, "-W"), clock);
        server.Dispose();
    }

    /// <summary>Called when no more starts follow: until then the connection string stays the same.</summary>
    public void RemoveSocketFolder()
    {
        if (_socketFolder is not null)
            ServerFolders.RemoveSocketFolder(_socketFolder);
    }

    /// <summary>
    /// Processes of a server that was killed hold its shared memory for a moment longer, and a killed one counts as
    /// alive until its parent has noticed: a start refused for that is repeated.
    /// </summary>
    async Task<ServerProcess> StartUntilReleasedAsync(CancellationToken cancellation)
    {
        var began = clock.GetTimestamp();
        while (true)
        {
            var (server, refusal) = await StartOnceAsync(cancellation);
            if (server is not null)
                return server;
            var held = refusal!.Contains("pre-existing shared memory block") || refusal.Contains("lock file \"");
            if (!held || clock.GetElapsedTime(began) > EmbeddedPostgresLimits.ReleaseTimeMax)
            {
                throw new EmbeddedPostgresException(
                    held ? EmbeddedPostgresException.InUse : EmbeddedPostgresException.StartFailed,
                    $"PostgreSQL {binaries.MajorVersion} does not start on \"{folders.Data}\". Last lines:\n{refusal}");
            }

            await Task.Delay(EmbeddedPostgresLimits.ProbeInterval, clock, cancellation);
        }
    }

    async Task<(ServerProcess? Server, LastLines? Refusal)> StartOnceAsync(CancellationToken cancellation)
    {
        var launch = await ServerLaunch.CreateAsync(options, folders, user, binaries, _socketFolder!, cancellation);
        var server = await ServerProcess.StartAsync(launch, logger);
        try
        {
            if (!await server.ReadyAsync(clock, cancellation))
            {
                server.Dispose();
                return (null, server.Log);
            }

            await ServerConnection.EnsureDatabaseAsync(_socketFolder!, _password!, cancellation);
        }
        catch (Exception e)
        {
            await StopAsync(server);
            if (e is not NpgsqlException)
                throw;
            throw new EmbeddedPostgresException(
                EmbeddedPostgresException.StartFailed,
                $"PostgreSQL {binaries.MajorVersion} started on \"{folders.Data}\" and cannot be used: "
                + $"{e.Message} Its last lines:\n{server.Log}", e);
        }

        logger.LogInformation(
            "PostgreSQL {Version} runs on {Folder}; to look inside: {Psql}",
            binaries.MajorVersion, folders.Data, ServerConnection.PsqlLine(_socketFolder!, folders.Password));
        return (server, null);
    }
}
