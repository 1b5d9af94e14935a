namespace Streaming.Http.Limits;

/// <summary>
/// Lets one caller go on so many times a second at most, and as many as come in <see cref="Burst"/> without a wait: the
/// generic cell rate algorithm (ITU-T I.371), as a virtual schedule.
/// </summary>
/// <param name="perSecond">More than 0.</param>
/// <param name="clock">The time.</param>
public sealed class Pace(double perSecond, TimeProvider clock)
{
    // A timer's wait is 1 ms at least: what it takes too long is made up for, up to so much.
    public static readonly TimeSpan Burst = TimeSpan.FromMilliseconds(5);

    readonly TimeSpan _interval = TimeSpan.FromSeconds(1 / perSecond);
    readonly long _began = clock.GetTimestamp();
    TimeSpan _due = -Burst;

    /// <summary>One call at a time.</summary>
    public Task WaitAsync()
    {
        var now = clock.GetElapsedTime(_began);
        if (_due < now - Burst)
            _due = now - Burst;
        var wait = _due - now;
        _due += _interval;
        return wait > TimeSpan.Zero ? Task.Delay(wait, clock) : Task.CompletedTask;
    }
}
