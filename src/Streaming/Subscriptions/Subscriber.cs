namespace Streaming.Subscriptions;

/// <summary>One connected reader. It has a <see cref="Subscription"/> for each transform that it follows.</summary>
public sealed class Subscriber(TimeProvider clock)
{
    long _writtenAt = clock.GetTimestamp();

    /// <summary>Set when there is something for this reader to do: messages, a heartbeat, the end of the service.</summary>
    public WakeSignal Wake { get; } = new();

    /// <summary>Since when nothing was written.</summary>
    public TimeSpan Silence => clock.GetElapsedTime(Volatile.Read(ref _writtenAt));

    public void Written() => Volatile.Write(ref _writtenAt, clock.GetTimestamp());
}
