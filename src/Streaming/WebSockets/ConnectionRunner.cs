using System.Net.WebSockets;
using Microsoft.Extensions.Options;
using Streaming.Configuration;
using Streaming.Subscriptions;

namespace Streaming.WebSockets;

/// <summary>Runs a connection from its acceptance to its end, and counts it.</summary>
public sealed class ConnectionRunner(
    OpenConnections connections, FeedServices services, ConnectionClock status, Drain drain, IOptions<SubscriptionOptions> subscriptions,
    IOptions<LimitOptions> limits, ILogger<ConnectionRunner> log)
{
    /// <param name="socket">Accepted; disposed by the caller.</param>
    /// <param name="cut">Breaks it, whatever is under way.</param>
    /// <param name="gate">Lets it in.</param>
    /// <param name="user">Whose it is, if that is known.</param>
    /// <param name="refusal">Closes it at once, with the reason.</param>
    /// <param name="aborted">Cancelled when the client has gone.</param>
    public async Task RunAsync(WebSocket socket, Action cut, IConnectionGate gate, ConnectionUser? user, CloseReason? refusal, CancellationToken aborted)
    {
        var connection = new Connection(socket, cut, gate, connections, services, status, subscriptions.Value, limits.Value.JsonDepthMax);
        if (!connections.Add(connection, isUnauthenticated: user is null))
            refusal ??= CloseReason.ServerFull;
        var reason = CloseReason.Internal;
        try
        {
            reason = await connection.RunAsync(user, refusal, drain, log, aborted);
        }
        finally
        {
            connections.Remove(connection);
            services.Metrics.WebSocketClosed(reason.Code);
        }
    }
}
