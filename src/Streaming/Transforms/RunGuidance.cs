namespace Streaming.Transforms;

/// <summary>What a user has said to guide a generation, in the order of <paramref name="Position"/>.</summary>
/// <param name="Position">Its place in the session.</param>
/// <param name="Id">Its id, as in the messages.</param>
/// <param name="Text">What was said.</param>
/// <param name="Applied">An earlier attempt of the same transform went by it, and has said so.</param>
public sealed record StoredGuidance(int Position, Guid Id, string Text, bool Applied);

/// <summary>
/// What the user has said to one run: <see cref="GuidanceReader"/> offers what it has found, the run takes it in when it
/// next asks the model. Safe for both at once.
/// </summary>
/// <remarks>
/// <code>
///   stored ──Offer──> waiting ──Take──> taken
///                       └─ Arrival is cancelled, until the next Take
/// </code>
/// </remarks>
public sealed class RunGuidance(Guid transformId) : IDisposable
{
    readonly Lock _lock = new();
    readonly List<StoredGuidance> _taken = [];
    readonly List<StoredGuidance> _waiting = [];
    CancellationTokenSource _arrival = new();
    int _lastPosition = -1;
    bool _isDisposed;

    public Guid TransformId { get; } = transformId;

    /// <summary>Position of the last one known; -1: none.</summary>
    public int LastPosition
    {
        get
        {
            lock (_lock)
                return _lastPosition;
        }
    }

    /// <summary>Cancelled as soon as something waits to be taken: whoever asks the model breaks off, and asks anew.</summary>
    public CancellationToken Arrival
    {
        get
        {
            lock (_lock)
                return _arrival.Token;
        }
    }

    /// <summary>What was taken so far, in order. Only the run may ask.</summary>
    public IReadOnlyList<StoredGuidance> Taken => _taken;

    /// <summary>Adds what is not known yet; offers come in the order of their position.</summary>
    public void Offer(StoredGuidance guidance)
    {
        lock (_lock)
        {
            if (guidance.Position <= _lastPosition || _isDisposed)
                return;
            _lastPosition = guidance.Position;
            _waiting.Add(guidance);
            // On the pool: what hangs on the token is the run's own code.
            _ = _arrival.CancelAsync();
        }
    }

    /// <summary>Takes what waits, and returns those of it that no message has told of yet.</summary>
    public IReadOnlyList<StoredGuidance> Take()
    {
        lock (_lock)
        {
            if (_waiting.Count == 0)
                return [];
            List<StoredGuidance> news = [.. _waiting.Where(guidance => !guidance.Applied)];
            _taken.AddRange(_waiting);
            _waiting.Clear();
            _arrival = new CancellationTokenSource();
            return news;
        }
    }

    public void Dispose()
    {
        lock (_lock)
        {
            _isDisposed = true;
            _arrival.Dispose();
        }
    }
}
