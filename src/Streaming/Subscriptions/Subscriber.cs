namespace Streaming.Subscriptions;

/// <summary>One connected reader. It has a <see cref="Subscription"/> for each transform that it follows.</summary>
/// <param name="clock">The time.</param>
/// <param name="wake">What wakes its reader; by default one of its own.</param>
public sealed class Subscriber(TimeProvider clock, WakeSignal? wake = null)
{
    long _writtenAt = clock.GetTimestamp();
    volatile bool _isLeaving;

    /// <summary>Whether it is its turn to go: the service is stopping.</summary>
    public bool IsLeaving => _isLeaving;

    /// <summary>Bytes written since the last flush.</summary>
    public int UnflushedBytes { get; private set; }

    /// <summary>Messages written since the last flush.</summary>
    public int UnflushedMessages { get; private set; }

    /// <summary>Time of the oldest of them that came live, Unix ms; null if none did.</summary>
    public long? OldestLiveTime { get; private set; }

    /// <summary>Messages flushed.</summary>
    public long Messages { get; private set; }

    /// <summary>Pages read for them.</summary>
    public long CatchUpReads { get; set; }

    /// <summary>Set when there is something for this reader to do: messages, a heartbeat, the end of the service.</summary>
    public WakeSignal Wake { get; } = wake ?? new();

    /// <summary>Since when nothing was written.</summary>
    public TimeSpan Silence => clock.GetElapsedTime(Volatile.Read(ref _writtenAt));

    /// <summary>It is its turn to go. Any thread.</summary>
    public void Leave()
    {
        _isLeaving = true;
        Wake.Set();
    }

    /// <summary>A frame waits for the flush.</summary>
    /// <param name="bytes">Its bytes.</param>
    /// <param name="messages">Messages that it stands for.</param>
    /// <param name="liveTime">Time of its message, Unix ms; null if it did not come live.</param>
    public void Add(int bytes, int messages, long? liveTime)
    {
        UnflushedBytes += bytes;
        UnflushedMessages += messages;
        OldestLiveTime ??= liveTime;
    }

    /// <summary>A flush begins.</summary>
    public void Written() => Volatile.Write(ref _writtenAt, clock.GetTimestamp());

    /// <summary>The flush has ended.</summary>
    public void Flushed()
    {
        Messages += UnflushedMessages;
        (UnflushedBytes, UnflushedMessages, OldestLiveTime) = (0, 0, null);
    }
}
