namespace Streaming.Subscriptions;

/// <summary>One connected reader and its cursor.</summary>
public sealed class Subscriber(LiveReader reader, int next, TimeProvider clock)
{
    long _writtenAt = clock.GetTimestamp();

    public LiveReader Reader { get; } = reader;

    /// <summary>Set when there is something for this reader to do: messages, a heartbeat, the end of the service.</summary>
    public WakeSignal Wake { get; } = new();

    /// <summary>Index of the next message that it has not been sent.</summary>
    public int Next { get; set; } = next;

    /// <summary>Since when nothing was written.</summary>
    public TimeSpan Silence => clock.GetElapsedTime(Volatile.Read(ref _writtenAt));

    public void Written() => Volatile.Write(ref _writtenAt, clock.GetTimestamp());
}
