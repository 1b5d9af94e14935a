using System.Collections.Concurrent;
using Microsoft.Extensions.Options;
using Streaming.Configuration;
using Streaming.Notifications;

namespace Streaming.WebSockets;

/// <summary>
/// Tells the channels of users which sessions begin: read when a notification says that some did, and compared with the table every
/// <c>Subscriptions:ReconcileInterval</c>, because one may be lost. Nothing is read while no user's channel is open here.
/// </summary>
/// <remarks>
/// <code>
///   NOTIFY transform_status ──> names of sessions ──one query for all──> their users' channels
///   ReconcileInterval ──────> everything of the users that are watched, in one query ──┘
/// </code>
/// A channel is told of the same session more than once, and knows what it has.
/// </remarks>
public sealed class SessionWatch(FollowedSessions sessions, IOptions<SubscriptionOptions> options, ILogger<SessionWatch> log, TimeProvider clock)
    : BackgroundService, IChangeObserver
{
    // How long comparisons may fail before a session that came and went meanwhile is passed over.
    static readonly TimeSpan Window = TimeSpan.FromHours(1);
    static readonly TimeSpan FaultDelay = TimeSpan.FromMilliseconds(200);

    readonly Dictionary<string, List<ChannelFeed>> _byUser = [];
    readonly ConcurrentDictionary<Guid, byte> _begun = new();
    readonly SemaphoreSlim _work = new(0, 1);
    volatile Comparison? _last;
    DateTime? _since;

    /// <summary>A comparison with the table that all channels were told of.</summary>
    /// <param name="At">By the clock of the database.</param>
    /// <param name="Timestamp">By ours.</param>
    public sealed record Comparison(DateTime At, long Timestamp);

    /// <summary>The latest one; null if there was none.</summary>
    public Comparison? Last => _last;

    /// <summary>From here on the channel is told; then it reads for itself, and says <see cref="HasRead"/>.</summary>
    public void Add(string user, ChannelFeed feed)
    {
        lock (_byUser)
        {
            if (!_byUser.TryGetValue(user, out var feeds))
                _byUser.Add(user, feeds = []);
            feeds.Add(feed);
        }
    }

    /// <summary>A channel knows everything up to a time of the database: the first comparison begins there.</summary>
    public void HasRead(DateTime at)
    {
        lock (_byUser)
            _since ??= at;
    }

    public void Remove(string user, ChannelFeed feed)
    {
        lock (_byUser)
            if (_byUser.TryGetValue(user, out var feeds) && feeds.Remove(feed) && feeds.Count == 0)
                _byUser.Remove(user);
    }

    /// <inheritdoc/>
    public void StatusChanged(Guid transformId, Guid sessionId, string status)
    {
        // Every transform is one of them first.
        if (status is not ("queued" or "running") || !IsWatched)
            return;
        _begun[sessionId] = 0;
        lock (_work)
            if (_work.CurrentCount == 0)
                _work.Release();
    }

    bool IsWatched
    {
        get
        {
            lock (_byUser)
                return _byUser.Count > 0;
        }
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        Task.WhenAll(ReadLoopAsync(stoppingToken), CompareLoopAsync(stoppingToken));

    /// <summary>Ends with the service.</summary>
    async Task ReadLoopAsync(CancellationToken stopping)
    {
        while (true)
        {
            await _work.WaitAsync(stopping);
            var begun = new List<Guid>();
            foreach (var sessionId in _begun.Keys)
                if (_begun.TryRemove(sessionId, out _))
                    begun.Add(sessionId);
            try
            {
                if (begun.Count > 0)
                    Tell(await sessions.ReadAsync([.. begun], stopping));
            }
            catch (Exception fault) when (fault is not OperationCanceledException)
            {
                // The next comparison finds them.
                log.LogWarning("Sessions that begin could not be read: {Reason}", fault.Message);
                await Task.Delay(FaultDelay, clock, stopping);
            }
        }
    }

    /// <summary>Ends with the service.</summary>
    async Task CompareLoopAsync(CancellationToken stopping)
    {
        using var timer = new PeriodicTimer(options.Value.ReconcileInterval, clock);
        while (await timer.WaitForNextTickAsync(stopping))
        {
            string[] users;
            DateTime? since;
            lock (_byUser)
            {
                users = [.. _byUser.Keys];
                since = users.Length > 0 ? _since : _since = null;
            }

            if (since is null)
                continue;
            try
            {
                var began = clock.GetTimestamp();
                var found = await sessions.ReadAsync(users, since, Window, [], stopping);
                Tell(found);
                lock (_byUser)
                    _since = found.At;
                _last = new Comparison(found.At, began);
            }
            catch (Exception fault) when (fault is not OperationCanceledException)
            {
                log.LogWarning("Sessions could not be compared, next try in {Interval}: {Reason}", options.Value.ReconcileInterval, fault.Message);
            }
        }
    }

    void Tell(FollowedSnapshot found)
    {
        foreach (var session in found.Sessions)
            lock (_byUser)
                if (_byUser.TryGetValue(session.UserId, out var feeds))
                    foreach (var feed in feeds)
                        feed.Tell(session);
    }

    public override void Dispose()
    {
        _work.Dispose();
        base.Dispose();
    }
}
