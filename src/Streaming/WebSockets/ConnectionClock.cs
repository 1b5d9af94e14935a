using System.Text.Json;
using Microsoft.Extensions.Options;
using Streaming.Configuration;

namespace Streaming.WebSockets;

/// <summary>How the process is doing, as <c>system:status</c> tells it.</summary>
/// <param name="ActiveStreams">Streams, WebSocket connections and waiting reads that are open.</param>
/// <param name="WebsocketConnections">Of these, WebSocket connections.</param>
/// <param name="ActiveRuns">Transforms that run in this process.</param>
/// <param name="QueuedRuns">Transforms that wait for a worker; null: not known to this process.</param>
/// <param name="MemoryBytes">Working set.</param>
/// <param name="HeapBytes">Managed heap.</param>
public sealed record ServiceStatus(int ActiveStreams, int WebsocketConnections, int ActiveRuns, int? QueuedRuns, long MemoryBytes, long HeapBytes);

/// <summary>Where the status comes from: rooms above this one.</summary>
public interface IStatusSource
{
    ServiceStatus Sample();
}

/// <summary>
/// One timer for all connections instead of some each: wakes those that have something to do by now (a heartbeat, the end of a token),
/// and samples the status once for all that follow it.
/// </summary>
public sealed class ConnectionClock(OpenConnections connections, IStatusSource source, IOptions<WebSocketsOptions> options, TimeProvider clock) : BackgroundService
{
    static readonly TimeSpan Tick = TimeSpan.FromSeconds(0.5);

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => Task.WhenAll(WakeLoopAsync(stoppingToken), StatusLoopAsync(stoppingToken));

    /// <summary>Ends with the service.</summary>
    async Task WakeLoopAsync(CancellationToken stopping)
    {
        using var timer = new PeriodicTimer(Tick, clock);
        while (await timer.WaitForNextTickAsync(stopping))
            foreach (var connection in connections.All)
                connection.WakeIfDue();
    }

    /// <summary>Ends with the service.</summary>
    async Task StatusLoopAsync(CancellationToken stopping)
    {
        using var timer = new PeriodicTimer(options.Value.StatusInterval, clock);
        while (await timer.WaitForNextTickAsync(stopping))
        {
            var following = connections.All.Where(connection => connection.FollowsStatus).ToList();
            if (following.Count == 0)
                continue;
            var status = Sample();
            foreach (var connection in following)
                connection.Tell(status);
        }
    }

    /// <summary>The status as it is now, JSON.</summary>
    public byte[] Sample() => JsonSerializer.SerializeToUtf8Bytes(source.Sample(), JsonSerializerOptions.Web);
}
