namespace Streaming.IntegrationTests.Models;

/// <summary>Time that stands still until a test moves it.</summary>
public sealed class ManualClock : TimeProvider
{
    readonly Lock _lock = new();
    readonly List<ManualTimer> _armed = [];
    DateTimeOffset _now = new(2030, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>Whether whoever waits gets what it waits for at once, the clock moved on by as much.</summary>
    public bool SkipsWaits { get; init; }

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override DateTimeOffset GetUtcNow()
    {
        lock (_lock) return _now;
    }

    public override long GetTimestamp() => GetUtcNow().Ticks;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new ManualTimer(this, () => callback(state));
        timer.Change(dueTime, period);
        return timer;
    }

    public void Advance(TimeSpan span)
    {
        List<ManualTimer> due;
        lock (_lock)
        {
            _now += span;
            due = [.. _armed.Where(timer => timer.Due <= _now)];
            _armed.RemoveAll(due.Contains);
        }
        foreach (var timer in due) timer.Fire();
    }

    void Arm(ManualTimer timer, TimeSpan dueTime)
    {
        lock (_lock)
        {
            _armed.Remove(timer);
            if (dueTime == Timeout.InfiniteTimeSpan) return;
            timer.Due = _now + dueTime;
            _armed.Add(timer);
        }
        if (SkipsWaits) ThreadPool.QueueUserWorkItem(_ => Advance(dueTime));
    }

    void Disarm(ManualTimer timer)
    {
        lock (_lock) _armed.Remove(timer);
    }

    sealed class ManualTimer(ManualClock clock, Action fire) : ITimer
    {
        public DateTimeOffset Due { get; set; }

        public void Fire() => fire();

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            if (period != Timeout.InfiniteTimeSpan) throw new NotSupportedException("Nothing here waits in periods.");
            clock.Arm(this, dueTime);
            return true;
        }

        public void Dispose() => clock.Disarm(this);

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
