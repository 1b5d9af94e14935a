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
    // Whether it is not known yet whose it is.
    readonly ConcurrentDictionary<Connection, bool> _connections = new();
    int _unauthenticated;

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
                all.Count, Volatile.Read(ref _unauthenticated), all.Select(connection => connection.User).OfType<string>().Distinct().Count(),
                channels, all.Sum(connection => connection.SessionCount));
        }
    }

    /// <summary>Counts one; false: there are too many that have not said who they are.</summary>
    public bool Add(Connection connection, bool isUnauthenticated)
    {
        _connections.TryAdd(connection, isUnauthenticated);
        return !isUnauthenticated || Interlocked.Increment(ref _unauthenticated) <= options.Value.UnauthenticatedMax;
    }

    /// <summary>It is known now whose it is.</summary>
    public void Know(Connection connection)
    {
        if (_connections.TryUpdate(connection, false, true))
            Interlocked.Decrement(ref _unauthenticated);
    }

    public void Remove(Connection connection)
    {
        if (_connections.TryRemove(connection, out var isUnauthenticated) && isUnauthenticated)
            Interlocked.Decrement(ref _unauthenticated);
    }
}
