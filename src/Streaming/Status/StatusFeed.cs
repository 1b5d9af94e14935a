using Microsoft.Extensions.Options;
using Streaming.Configuration;
using Streaming.Database;

namespace Streaming.Status;

/// <summary>What all open dashboards are told next.</summary>
/// <param name="Now">The service now.</param>
/// <param name="Newest">The newest point of the history; null: there is none of late, or the database is away.</param>
public sealed record StatusUpdate(SystemStatus Now, DateTimeOffset? Newest);

/// <summary>Looks every <c>Status:UpdateInterval</c>, once for all who wait, and not at all while nobody does.</summary>
public sealed class StatusFeed(StatusBoard board, StatusReader reader, IOptions<StatusOptions> options, TimeProvider clock)
{
    readonly Lock _gate = new();
    Task<StatusUpdate>? _next;

    /// <summary>The next update. It is made for all who wait for it, so it has no cancellation: use <c>WaitAsync</c>.</summary>
    public Task<StatusUpdate> NextAsync()
    {
        lock (_gate)
            return _next ??= LaterAsync();
    }

    /// <summary>An update at once.</summary>
    public async Task<StatusUpdate> ReadAsync(CancellationToken cancellation)
    {
        var now = await board.ReadSystemAsync(cancellation);
        if (now.ActiveStreams is null)
            return new StatusUpdate(now, null);
        try
        {
            var latest = await reader.ReadHistoryAsync(clock.GetUtcNow() - 3 * options.Value.SampleInterval, cancellation);
            return new StatusUpdate(now, latest.Points is [.., var newest] ? newest.At : null);
        }
        catch (DatabaseUnavailableException)
        {
            return new StatusUpdate(now, null);
        }
    }

    async Task<StatusUpdate> LaterAsync()
    {
        await Task.Delay(options.Value.UpdateInterval, clock, CancellationToken.None);
        lock (_gate)
            _next = null;
        return await ReadAsync(CancellationToken.None);
    }
}
