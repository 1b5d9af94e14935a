using Microsoft.Extensions.Options;
using Npgsql;
using Streaming.Configuration;
using Streaming.Database;

namespace Streaming.Messages;

/// <summary>
/// Removes the messages of transforms that ended longer ago than the grace period, in bounded batches with a pause between
/// them. Every service runs it; an advisory lock lets one of them remove at a time.
/// </summary>
public sealed class MessageRetention(
    Postgres postgres, IOptions<RetentionOptions> options, ILogger<MessageRetention> log, TimeProvider clock) : BackgroundService
{
    /// <summary>Between two batches: 5,000 messages take some 20 ms, so the appender has the disk for most of the time.</summary>
    static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    /// <summary>What one statement removed.</summary>
    public readonly record struct Batch(int Transforms, int Messages);

    /// <summary>Looks every <c>Retention:Interval</c>; ends with the service.</summary>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(options.Value.Interval, clock);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                await RemoveDueAsync(stoppingToken);
            }
            catch (Exception fault) when (fault is not OperationCanceledException)
            {
                log.LogWarning("Messages could not be removed, next try in {Interval}: {Reason}", options.Value.Interval, fault.Message);
            }
        }
    }

    async Task RemoveDueAsync(CancellationToken cancellation)
    {
        var (batches, messages) = (0, 0L);
        while (await RemoveBatchAsync(cancellation) is { Transforms: > 0 } batch)
        {
            (batches, messages) = (batches + 1, messages + batch.Messages);
            await Task.Delay(Pause, clock, cancellation);
        }

        if (batches > 0)
            log.LogInformation("Removed {Messages} messages of ended transforms in {Batches} batches", messages, batches);
    }

    /// <summary>
    /// Removes one batch: <c>Retention:BatchMessagesMax</c> messages at most. Nothing if nothing is due, or another service
    /// is at it.
    /// </summary>
    /// <exception cref="NpgsqlException">The database is away, or refuses.</exception>
    public async Task<Batch> RemoveBatchAsync(CancellationToken cancellation)
    {
        await using var connection = await postgres.ConnectAsync(cancellation);
        await using var command = new NpgsqlCommand(Sql.Named("messages/remove_messages"), connection)
        {
            Parameters =
            {
                new NpgsqlParameter<TimeSpan>("grace", options.Value.GracePeriod),
                new NpgsqlParameter<int>("count", options.Value.BatchMessagesMax),
            },
        };
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        await reader.ReadAsync(cancellation);
        return new Batch(reader.GetInt32(0), reader.GetInt32(1));
    }
}
