using Microsoft.Extensions.Options;
using Streaming.Configuration;
using Streaming.Notifications;
using Streaming.Subscriptions;

namespace Streaming.Sessions;

/// <summary>Holds long-polls (<c>Prefer: wait</c>) until something changes.</summary>
public sealed class StateWaiter(SessionReader reader, Drain drain, IOptions<SubscriptionOptions> options, TimeProvider clock) : IChangeObserver
{
    // By id of the transform, whose messages are announced, and of the session, whose artifacts are. Gone with the last waiter.
    readonly Dictionary<Guid, Watch> _watches = [];

    sealed class Watch
    {
        public TaskCompletionSource Changed { get; set; } = New();
        public int Waiters { get; set; }

        public static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    /// <summary>Sessions and transforms that somebody waits for.</summary>
    public int WatchedCount
    {
        get
        {
            lock (_watches)
                return _watches.Count;
        }
    }

    /// <summary>
    /// Returns the version as soon as <paramref name="isKnown"/> no longer holds for it, or the latest one when
    /// <paramref name="wait"/> is over, or the service stops; null if the session is gone.
    /// </summary>
    public async Task<SessionVersion?> WaitAsync(
        string kind, Guid sessionId, string userId, SessionVersion? version, Func<SessionVersion, bool> isKnown, TimeSpan wait,
        CancellationToken cancellation)
    {
        var began = clock.GetTimestamp();
        using var turn = drain.Take(cancellation);
        while (version is not null && isKnown(version) && !turn.Token.IsCancellationRequested
               && wait - clock.GetElapsedTime(began) is var rest && rest > TimeSpan.Zero)
        {
            Guid[] ids = [version.TransformId, sessionId];
            // Watch first, then read: a change between the two wakes the wait.
            var changed = Task.WhenAny(ids.Select(Enter));
            try
            {
                var read = await reader.ReadVersionAsync(kind, sessionId, userId, cancellation);
                if (read == version)
                {
                    // A notification may be lost: look again after the reconciliation interval at the latest.
                    var pause = rest < options.Value.ReconcileInterval ? rest : options.Value.ReconcileInterval;
                    await Task.WhenAny(changed, Task.Delay(pause, clock, turn.Token));
                    cancellation.ThrowIfCancellationRequested();
                    read = await reader.ReadVersionAsync(kind, sessionId, userId, cancellation);
                }

                version = read;
            }
            finally
            {
                foreach (var id in ids)
                    Leave(id);
            }
        }

        return version;
    }

    Task Enter(Guid id)
    {
        lock (_watches)
        {
            if (!_watches.TryGetValue(id, out var watch))
                _watches.Add(id, watch = new Watch());
            watch.Waiters++;
            return watch.Changed.Task;
        }
    }

    void Leave(Guid id)
    {
        lock (_watches)
            if (--_watches[id].Waiters == 0)
                _watches.Remove(id);
    }

    /// <inheritdoc/>
    public void MessagesAppended(Guid transformId, int head) => Wake(transformId);

    /// <inheritdoc/>
    public void StatusChanged(Guid transformId, Guid sessionId, string status) => Wake(sessionId);

    /// <inheritdoc/>
    public void ArtifactsCreated(Guid sessionId) => Wake(sessionId);

    void Wake(Guid id)
    {
        lock (_watches)
            if (_watches.TryGetValue(id, out var watch))
            {
                watch.Changed.SetResult();
                watch.Changed = Watch.New();
            }
    }
}
