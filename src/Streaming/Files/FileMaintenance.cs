using Dapper;
using Microsoft.Extensions.Options;
using Streaming.Configuration;
using Streaming.Database;
using Streaming.Sessions;

namespace Streaming.Files;

/// <summary>Runs the clean-up when it is due, and adds what it has to do beside memory: streams that stand still, what has expired, orphans on disk.</summary>
public sealed class FileMaintenance(
    FileCleanup cleanup, FileStreams streams, FileUploads uploads, FileStore store, FileMetrics metrics, SessionWriter sessions, FileKind kind, Postgres postgres,
    IOptions<FilesOptions> options, TimeProvider clock) : BackgroundService
{
    const int OrphansAtOnce = 500;
    static readonly TimeSpan Period = TimeSpan.FromSeconds(1);
    static readonly TimeSpan StallCheck = TimeSpan.FromSeconds(10);

    // How long a stream may wait for its client before it is cut off: it can be taken up again.
    static readonly TimeSpan SilenceMax = TimeSpan.FromMinutes(5);
    static readonly TimeSpan SilenceMaxInEmergency = TimeSpan.FromSeconds(10);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        cleanup.Add(new CleanupStep(CleanupPriority.Normal, StallCheck, (isEmergency, _) => Task.FromResult(streams.Stall(isEmergency ? SilenceMaxInEmergency : SilenceMax))));
        cleanup.Add(new CleanupStep(CleanupPriority.Low, options.Value.CleanupInterval, (_, cancellation) => RemoveExpiredAsync(cancellation)));
        cleanup.Add(new CleanupStep(CleanupPriority.Deferred, options.Value.OrphanAge, (_, cancellation) => RemoveOrphansAsync(cancellation)));
        try
        {
            await postgres.WaitUntilOpenAsync(stoppingToken);
            using var timer = new PeriodicTimer(Period, clock);
            while (await timer.WaitForNextTickAsync(stoppingToken))
                await cleanup.RunDueAsync(stoppingToken);
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
        }
    }

    async Task<int> RemoveExpiredAsync(CancellationToken cancellation)
    {
        var expired = await postgres.RunAsync(async connection => (await connection.QueryAsync<(Guid Id, string UserId)>(new CommandDefinition(
            Sql.Named("files/list_expired_uploads"), cancellationToken: cancellation))).AsList(), cancellation);
        foreach (var (id, userId) in expired)
            await DeleteAsync(id, userId, cancellation);
        return expired.Count + await postgres.RunAsync(async connection => (await connection.QueryAsync<string?>(new CommandDefinition(
            Sql.Named("files/cancel_idle_downloads"), new { expiry = options.Value.DownloadExpiry }, cancellationToken: cancellation))).Count(), cancellation);
    }

    /// <summary>Bytes that no row knows: of a file that was deleted while the service was killed.</summary>
    async Task<int> RemoveOrphansAsync(CancellationToken cancellation)
    {
        var removed = 0;
        foreach (var ids in store.WrittenBefore(clock.GetUtcNow() - options.Value.OrphanAge).Chunk(OrphansAtOnce))
        {
            var known = await postgres.RunAsync(async connection => (await connection.QueryAsync<Guid>(new CommandDefinition(
                Sql.Named("files/find_files"), new { ids }, cancellationToken: cancellation))).ToHashSet(), cancellation);
            foreach (var id in ids.Where(id => !known.Contains(id)))
            {
                store.Delete(id);
                removed++;
            }
        }

        metrics.Orphan("file", removed);
        return removed;
    }

    /// <summary>Removes a file, its streams, and its bytes; false: the user has none such.</summary>
    /// <exception cref="DatabaseUnavailableException"/>
    public async Task<bool> DeleteAsync(Guid id, string userId, CancellationToken cancellation)
    {
        if (await uploads.ReadAsync(id, userId, cancellation) is null)
            return false;
        using (await uploads.StopWritingAsync(id, cancellation))
        {
            var existed = await sessions.DeleteAsync(kind, id, userId, cancellation);
            // After the row: if this is as far as it gets, the bytes are orphans.
            store.Delete(id);
            return existed;
        }
    }
}
