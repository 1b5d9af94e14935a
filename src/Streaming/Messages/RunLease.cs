namespace Streaming.Messages;

/// <summary>
/// The right of this process to write one transform's messages, as attempt number <see cref="Attempt"/>. It is lost, once
/// and for all, when the database says so or when the appender gives up.
/// </summary>
public sealed class RunLease(Guid transformId, Guid sessionId, int ordinal, int attempt, int nextIndex) : IDisposable
{
    readonly CancellationTokenSource _lost = new();

    public Guid TransformId { get; } = transformId;
    public Guid SessionId { get; } = sessionId;
    public int Ordinal { get; } = ordinal;
    public int Attempt { get; } = attempt;

    /// <summary>Index of the next message. Only the appender's loop reads and sets it, so it has no gaps and no race.</summary>
    public int NextIndex { get; set; } = nextIndex;

    /// <summary>Cancelled when the lease is lost: the run must stop, and can write nothing any more.</summary>
    public CancellationToken Lost => _lost.Token;

    /// <summary>Why it was lost; null while it stands.</summary>
    public string? LostReason { get; private set; }

    /// <summary>
    /// The database refused one of the run's messages for what it holds. The transform itself still stands, and whoever
    /// runs it ends it.
    /// </summary>
    public bool IsUnstorable { get; private set; }

    /// <summary>Marks the lease as lost; later calls change nothing.</summary>
    public void Lose(string reason, bool isUnstorable = false)
    {
        lock (_lost)
        {
            if (LostReason is not null)
                return;
            (LostReason, IsUnstorable) = (reason, isUnstorable);
        }

        // On the pool: what hangs on the token is the run's own code, and the caller is the loop of all runs.
        _ = _lost.CancelAsync();
    }

    public void Dispose() => _lost.Dispose();
}

/// <summary>Thrown to a run that writes without its lease.</summary>
public sealed class LeaseLostException(RunLease lease, Exception? inner = null)
    : Exception($"Attempt {lease.Attempt} of transform {lease.TransformId} has lost its lease: {lease.LostReason}.", inner);
