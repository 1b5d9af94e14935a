namespace Streaming.Database;

/// <summary>
/// Group reads, the counterpart of the group commit: one statement reads what many have asked for. An idle service reads what
/// it is asked for at once, alone; while as many reads as may are under way the others wait, and the next takes all of
/// them. So ten thousand that come back together are a few hundred statements, and leave the processors to those who are live.
/// </summary>
/// <remarks>
/// <code>
///   asked ──fewer than readsMax under way──> read alone ──> answered ──somebody waits──> the next group is read
///     └──────────otherwise──────────> waiting ──────────────────────────────────────────────┘
///                                        └──cancelled──> left out
/// </code>
/// A read begins after it was asked for, so it sees whatever was committed before. It answers nothing that is asked later: no cache.
/// What waits is bounded by who may ask: open streams and requests.
/// </remarks>
/// <param name="read">Reads what is asked for, each key once; what it leaves out is answered with the default.</param>
/// <param name="readsMax">Statements under way at most.</param>
/// <param name="groupMax">Keys of one statement at most.</param>
/// <param name="timeMax">After which a statement of a group is broken off: a database that does not answer must not keep the place.</param>
/// <param name="clock">The time.</param>
public sealed class GroupedReads<TKey, TResult>(
    Func<IReadOnlyCollection<TKey>, CancellationToken, Task<IReadOnlyDictionary<TKey, TResult>>> read,
    int readsMax, int groupMax, TimeSpan timeMax, TimeProvider clock)
    where TKey : notnull
{
    readonly Lock _gate = new();
    readonly Queue<Asked> _waiting = new();
    int _underWay;

    sealed class Asked(TKey key, CancellationToken cancellation) : TaskCompletionSource<TResult?>(TaskCreationOptions.RunContinuationsAsynchronously)
    {
        public TKey Key => key;

        public bool IsCancelled => cancellation.IsCancellationRequested;
    }

    /// <summary>What stands for <paramref name="key"/> at some moment after this call.</summary>
    /// <exception cref="OperationCanceledException"><paramref name="cancellation"/> was cancelled; the read itself may go on.</exception>
    public async Task<TResult?> ReadAsync(TKey key, CancellationToken cancellation)
    {
        Asked? asked = null;
        lock (_gate)
            if (_underWay < readsMax)
                _underWay++;
            else
                _waiting.Enqueue(asked = new Asked(key, cancellation));
        if (asked is not null)
            return await asked.Task.WaitAsync(cancellation);
        try
        {
            // Alone, and on the caller's own thread: each change of threads would cost as much as the statement.
            return (await read([key], cancellation)).GetValueOrDefault(key);
        }
        finally
        {
            _ = ReadWaitingAsync();
        }
    }

    /// <summary>Reads what waits, in groups, and gives the place back.</summary>
    async Task ReadWaitingAsync()
    {
        while (Next() is { Count: > 0 } group)
            await ReadAsync(group);
    }

    List<Asked> Next()
    {
        var group = new List<Asked>();
        lock (_gate)
        {
            while (group.Count < groupMax && _waiting.TryDequeue(out var asked))
                if (!asked.IsCancelled)
                    group.Add(asked);
            if (group.Count == 0)
                _underWay--;
        }

        return group;
    }

    async Task ReadAsync(List<Asked> group)
    {
        using var time = new CancellationTokenSource(timeMax, clock);
        try
        {
            var found = await read(group.Select(asked => asked.Key).ToHashSet(), time.Token);
            foreach (var asked in group)
                asked.TrySetResult(found.GetValueOrDefault(asked.Key));
        }
        catch (OperationCanceledException fault)
        {
            Fail(group, new TimeoutException("The database did not answer.", fault));
        }
        // One bad key must not fail the others.
        catch (Exception fault) when (group.Count > 1 && !Postgres.IsTransient(fault))
        {
            foreach (var asked in group)
                await ReadAsync([asked]);
        }
        catch (Exception fault)
        {
            Fail(group, fault);
        }
    }

    static void Fail(List<Asked> group, Exception fault)
    {
        foreach (var asked in group)
        {
            asked.TrySetException(fault);
            // Whoever asked may have gone.
            _ = asked.Task.Exception;
        }
    }
}
