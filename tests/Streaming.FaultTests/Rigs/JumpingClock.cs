namespace Streaming.FaultTests.Rigs;

/// <summary>A machine whose wall clock is set while a service runs. What is measured and waited for goes on steadily, as it does under Linux.</summary>
public sealed class JumpingClock : TimeProvider
{
    long _offset;

    /// <summary>How far the wall clock is off.</summary>
    public TimeSpan Offset
    {
        get => new(Interlocked.Read(ref _offset));
        set => Interlocked.Exchange(ref _offset, value.Ticks);
    }

    public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + Offset;
}
