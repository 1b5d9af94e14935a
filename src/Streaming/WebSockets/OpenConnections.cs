using System.Collections.Concurrent;
using Microsoft.Extensions.Options;
using Streaming.Configuration;

namespace Streaming.WebSockets;

/// <summary>How many there are now, for whoever shows them.</summary>
/// <param name="Open">Connections.</param>
/// <param name="Unauthenticated">Of these, those that have not said who they are.</param>
/// <param name="Users">Users that have one or more.</param>
/// <param name="Channels">Channels by their kind.</param>
/// <param name="Sessions">Sessions that channels hold anything of; one that two channels follow counts twice.</param>
public sealed record ConnectionCounts(int Open, int Unauthenticated, int Users, IReadOnlyDictionary<ChannelKind, int> Channels, int Sessions);

/// <summary>The connections of this process.</summary>
public sealed class OpenConnections(IOptions<WebSocketsOptions> options)
{
    readonly ConcurrentDictionary<Connection, byte> _connections = new();

    public int Count => _connections.Count;

    public IEnumerable<Connection> All => _connections.Keys;

    /// <summary>Counts anew: not for every message.</summary>
    public ConnectionCounts Counts
    {
        get
        {
            var all = _connections.Keys;
            var channels = Enum.GetValues<ChannelKind>().ToDictionary(kind => kind, _ => 0);
            foreach (var kind in all.SelectMany(connection => connection.Channels))
                channels[kind]++;
            return new ConnectionCounts(
                all.Count, all.Count(connection => connection.User is null), all.Select(connection => connection.User).OfType<string>().Distinct().Count(),
                channels, all.Sum(connection => connection.SessionCount));
        }
    }

    /// <summary>Whether one more may be open that has not said who it is.</summary>
    public bool HasRoomForUnauthenticated => _connections.Keys.Count(connection => connection.User is null) < options.Value.UnauthenticatedMax;

    public void Add(Connection connection) => _connections.TryAdd(connection, 0);

    public void Remove(Connection connection) => _connections.TryRemove(connection, out _);
}
