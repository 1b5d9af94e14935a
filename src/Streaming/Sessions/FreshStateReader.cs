using Streaming.Database;

namespace Streaming.Sessions;

/// <summary>
/// Reads the unified state from the replica, if there is one and as far as it goes, else from the primary. What comes out is
/// never older than the version that the primary has told, nor newer than what the primary shows by then.
/// </summary>
public sealed class FreshStateReader(SessionReader primary, Replica replica, TimeProvider clock)
{
    static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(5);

    /// <summary>Whether a state is held against what the primary says: not where it comes from there.</summary>
    public bool NeedsVersion => replica.IsConfigured;

    /// <summary>The state; null if the session has been deleted meanwhile.</summary>
    /// <param name="kind">Name of the kind.</param>
    /// <param name="sessionId">The session.</param>
    /// <param name="userId">Whose it must be.</param>
    /// <param name="after">Leaves out the chunks up to this one; of another transform: leaves out none.</param>
    /// <param name="version">What the primary has just said: the state is at least as far.</param>
    /// <param name="cancellation">Ends the read.</param>
    /// <exception cref="DatabaseUnavailableException"/>
    public async Task<StoredState?> ReadAsync(
        string kind, Guid sessionId, string userId, EventId? after, SessionVersion version, CancellationToken cancellation)
    {
        if (replica.IsConfigured)
        {
            var (outcome, state) = await ReadReplicaAsync();
            replica.Count("state", outcome);
            if (state is not null)
                return state;
        }

        return await primary.ReadStateAsync(kind, sessionId, userId, after, cancellation);

        async Task<(string Outcome, StoredState? State)> ReadReplicaAsync()
        {
            var began = clock.GetTimestamp();
            // Usually it is up to date, so the first look is at the state itself; not while it lags, because the state is heavy.
            var looksAtVersion = replica.IsLagging;
            while (true)
            {
                var (answered, isThere) = looksAtVersion ? await LookAsync() : (true, true);
                if (!answered)
                    return ("away", null);
                if (isThere)
                {
                    (answered, var state) = await replica.TryAsync(
                        (connection, token) => SessionReader.ReadStateAsync(connection, kind, sessionId, userId, after, token), cancellation);
                    if (!answered)
                        return ("away", null);
                    if (state is not null && state.Version.IsAtLeast(version))
                        return await IsShownAsync(state.Version) ? ("replica", state) : ("lags", null);
                }

                if (clock.GetElapsedTime(began) >= replica.Patience)
                    replica.Lags();
                if (replica.IsLagging)
                    return ("lags", null);
                looksAtVersion = true;
                await Task.Delay(LookInterval, clock, cancellation);
            }
        }

        async Task<(bool Answered, bool IsThere)> LookAsync()
        {
            var (answered, found) = await replica.TryAsync(
                (connection, token) => SessionReader.ReadVersionAsync(connection, kind, sessionId, userId, token), cancellation);
            return (answered, found is not null && found.IsAtLeast(version));
        }

        // A commit can be seen on a replica before it can be on the primary: with synchronous replication for as long as
        // another standby takes. Told of it too early, a client would see a step back when next the primary answers.
        async Task<bool> IsShownAsync(SessionVersion told) =>
            told == version || (await primary.ReadVersionAsync(kind, sessionId, userId, cancellation))?.IsAtLeast(told) == true;
    }
}
