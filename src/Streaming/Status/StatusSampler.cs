using Dapper;
using Microsoft.Extensions.Options;
using Streaming.Configuration;
using Streaming.Database;

namespace Streaming.Status;

/// <summary>
/// Writes down every <c>Status:SampleInterval</c> what this instance is, and removes what is older than <c>Status:KeptFor</c>. All instances do so
/// for the same moments. While the database is away nothing is written: a gap in the history.
/// </summary>
public sealed class StatusSampler(
    StatusBoard board, ServiceInstance instance, Postgres postgres, IOptions<StatusOptions> options, ILogger<StatusSampler> log, TimeProvider clock) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            await postgres.WaitUntilOpenAsync(stoppingToken);
            while (true)
            {
                await Task.Delay(UntilNext(), clock, stoppingToken);
                await SampleOrLogAsync(stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
        }
    }

    /// <summary>Writes one sample, and removes old ones.</summary>
    /// <exception cref="Npgsql.NpgsqlException">The database is away, or refuses.</exception>
    public async Task SampleAsync(CancellationToken cancellation)
    {
        var status = await board.ReadSystemAsync(cancellation);
        if (status.ActiveStreams is null)
            return;
        var own = status.Instance;
        await using var connection = await postgres.ConnectAsync(cancellation);
        await connection.ExecuteAsync(new CommandDefinition(Sql.Named("status/write_sample"), new
        {
            interval = options.Value.SampleInterval,
            instance = instance.Id,
            role = instance.Role,
            open_streams = own.OpenStreams,
            readers = own.Readers,
            slow_readers = own.SlowReaders,
            websocket_connections = own.WebsocketConnections,
            runs = own.Queues.Sum(queue => queue.Running),
            places = own.Queues.Sum(queue => queue.Places),
            queue_utilization = own.QueueUtilization,
            append_queue = own.Held.AppendQueue,
            messages_per_second = own.MessagesPerSecond,
            delivery_p50_ms = own.Delivery.P50Ms,
            delivery_p99_ms = own.Delivery.P99Ms,
            commit_p99_ms = own.Commit.P99Ms,
            working_set_bytes = status.Memory.WorkingSetBytes,
            heap_bytes = status.Memory.HeapBytes,
            memory_load = status.Memory.Load,
            gc_pause_share = own.Gc.PauseShare,
            cpu_share = own.CpuShare,
            threads = own.Threads.Count,
            database_ms = status.Dependencies.FirstOrDefault(one => one.Name == "database")?.LatencyMs,
            active_streams = status.ActiveStreams,
            active_uploads = status.ActiveUploads,
            queued = status.Queued,
            average_stream_seconds = status.AverageStreamDuration,
            sub12s_success_rate = status.Sub12sSuccessRate,
        }, cancellationToken: cancellation));
        await connection.ExecuteAsync(new CommandDefinition(
            Sql.Named("status/prune_samples"), new { kept = options.Value.KeptFor, max = options.Value.SamplesMax }, cancellationToken: cancellation));
    }

    async Task SampleOrLogAsync(CancellationToken stopping)
    {
        try
        {
            await SampleAsync(stopping);
        }
        catch (Exception fault) when (fault is not OperationCanceledException)
        {
            log.LogWarning("No sample could be written, next try in {Interval}: {Reason}", options.Value.SampleInterval, fault.Message);
        }
    }

    TimeSpan UntilNext()
    {
        var interval = options.Value.SampleInterval.Ticks;
        return TimeSpan.FromTicks(interval - clock.GetUtcNow().UtcTicks % interval);
    }
}
