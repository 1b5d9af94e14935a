using System.Threading.Tasks.Sources;

namespace Streaming.Subscriptions;

/// <summary>
/// Wakes one waiting loop; allocates nothing. Sets that come while nobody waits are remembered, as one. The loop goes on
/// on the thread pool, never on the thread that calls <see cref="Set"/>.
/// </summary>
public sealed class WakeSignal : IValueTaskSource
{
    readonly Lock _gate = new();
    ManualResetValueTaskSourceCore<bool> _core = new() { RunContinuationsAsynchronously = true };
    bool _isSet;
    bool _isWaiting;

    /// <summary>Wakes the loop, or lets its next wait return at once. Any thread.</summary>
    public void Set()
    {
        lock (_gate)
        {
            _isSet = true;
            if (!_isWaiting)
                return;
            _isWaiting = false;
        }

        _core.SetResult(true);
    }

    /// <summary>Waits for the next <see cref="Set"/>. One caller at a time.</summary>
    public ValueTask WaitAsync()
    {
        lock (_gate)
        {
            if (_isSet)
            {
                _isSet = false;
                return ValueTask.CompletedTask;
            }

            _core.Reset();
            _isWaiting = true;
            return new ValueTask(this, _core.Version);
        }
    }

    void IValueTaskSource.GetResult(short token)
    {
        _core.GetResult(token);
        lock (_gate)
            _isSet = false;
    }

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => _core.GetStatus(token);

    void IValueTaskSource.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _core.OnCompleted(continuation, state, token, flags);
}
