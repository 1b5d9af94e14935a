using System.Net.Sockets;
using Npgsql;

namespace Streaming.Database.Embedded;

/// <summary>
/// A server that outlived its service (kill -9), found by its pid file. It is ended cleanly rather than kept: a new one
/// dies with this service, has this run's settings and logs here, at the price of 0.2 s. Called under the data
/// directory's lock, so no live service is using it.
/// </summary>
sealed class LeftOverServer(
    ServerFolders folders, ServerUser user, PostgresBinaries binaries, string password, ILogger logger,
    TimeProvider clock)
{
    enum Answer { None, Refused, Accepted }

    /// <summary>Returns when no server works on the data.</summary>
    public async Task EndAsync(CancellationToken cancellation)
    {
        if (PidFile.Read(folders.PidFile) is not { } found)
            return;
        foreach (var (mode, timeMax) in new[]
        {
            ("fast", EmbeddedPostgresLimits.FastShutdownTimeMax),
            ("immediate", EmbeddedPostgresLimits.ImmediateShutdownTimeMax),
        })
        {
            if (await TryEndAsync(found, mode, timeMax, cancellation))
            {
                ServerFolders.RemoveSocketFolder(found.SocketFolder);
                return;
            }
        }

        throw new EmbeddedPostgresException(
            EmbeddedPostgresException.InUse,
            $"A PostgreSQL of an earlier run (process {found.ProcessId}) works on \"{folders.Data}\" and does not end. "
            + "End it by hand.");
    }

    async Task<bool> TryEndAsync(PidFile found, string mode, TimeSpan timeMax, CancellationToken cancellation)
    {
        var began = clock.GetTimestamp();
        var asked = false;
        while (true)
        {
            if (PidFile.Read(folders.PidFile)?.ProcessId != found.ProcessId)
                return true;
            var answer = await ConnectAsync(found, cancellation);
            var proven = answer == Answer.Accepted || found.IsOfLiveProcess();
            if (answer == Answer.None && !proven)
                return true;
            if (clock.GetElapsedTime(began) > timeMax)
                return false;

            // A pid file alone is no proof: after a crash its number may be that of any other program by now.
            if (proven && !asked)
            {
                logger.LogWarning("Ending the PostgreSQL of an earlier run, process {ProcessId}", found.ProcessId);
                await user.As(binaries.PgCtl, "stop", "-D", folders.Data, "-m", mode, "-W").RunAsync(cancellation);
                asked = true;
            }

            await Task.Delay(EmbeddedPostgresLimits.ProbeInterval, clock, cancellation);
        }
    }

    async Task<Answer> ConnectAsync(PidFile found, CancellationToken cancellation)
    {
        if (!Path.IsPathRooted(found.SocketFolder))
            return Answer.None;
        var connectionString = ServerConnection.String(
            found.SocketFolder, found.Port, password, "postgres", pooling: false);
        try
        {
            await using var connection = new NpgsqlConnection(connectionString);
            await connection.OpenAsync(cancellation);
            await using var command = new NpgsqlCommand("select current_setting('data_directory')", connection);
            // As the server wrote it when it started, which both paths come from.
            return await command.ExecuteScalarAsync(cancellation) as string == found.DataFolder
                ? Answer.Accepted
                : Answer.Refused;
        }
        catch (PostgresException)
        {
            // It lives and speaks, and is starting, stopping or full.
            return Answer.Refused;
        }
        catch (Exception e) when (e is NpgsqlException or SocketException or IOException or TimeoutException)
        {
            return Answer.None;
        }
    }
}
