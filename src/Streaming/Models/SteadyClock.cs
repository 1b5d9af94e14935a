namespace Streaming.Models;

/// <summary>
/// A wall clock that nobody can set: it starts with the machine's, and then counts time that has passed. For the circuit
/// breaker, which would otherwise stay open for an hour longer when the machine's is set back by one.
/// </summary>
sealed class SteadyClock(TimeProvider clock) : TimeProvider
{
    readonly DateTimeOffset _began = clock.GetUtcNow();
    readonly long _since = clock.GetTimestamp();

    public override long TimestampFrequency => clock.TimestampFrequency;

    public override DateTimeOffset GetUtcNow() => _began + clock.GetElapsedTime(_since);

    public override long GetTimestamp() => clock.GetTimestamp();

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
        clock.CreateTimer(callback, state, dueTime, period);
}
