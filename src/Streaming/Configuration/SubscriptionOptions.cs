namespace Streaming.Configuration;

/// <summary>Section <c>Subscriptions</c>: the read path.</summary>
public sealed class SubscriptionOptions
{
    /// <summary>Silence after which a stream sends a heartbeat; default 10 s.</summary>
    public TimeSpan HeartbeatInterval { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// Shortest time between two flushes of one stream; default 5 ms. The first message after a pause leaves at once. Of a transform
    /// with more than 250 readers it is longer: 20 µs for each, up to 50 ms.
    /// </summary>
    public TimeSpan FlushInterval { get; set; } = TimeSpan.FromMilliseconds(5);

    // A flush is some 10 µs of a processor, so at 5 ms the 1,000 readers of a fast transform would take two of them. They take half of one.
    static readonly TimeSpan FlushIntervalPerReader = TimeSpan.FromMicroseconds(20);
    static readonly TimeSpan FlushIntervalMax = TimeSpan.FromMilliseconds(50);

    /// <summary><see cref="FlushInterval"/> of a transform with so many readers.</summary>
    public TimeSpan FlushIntervalOf(int readers)
    {
        var shared = FlushIntervalPerReader * readers;
        shared = shared < FlushIntervalMax ? shared : FlushIntervalMax;
        return shared > FlushInterval ? shared : FlushInterval;
    }

    /// <summary>Messages that a live reader holds for those who are about to send them; default 1,024.</summary>
    public int WindowMessagesMax { get; set; } = 1024;

    /// <summary>Bytes of those messages at most; default 1 MiB. A reader further behind reads pages from the database.</summary>
    public int WindowBytesMax { get; set; } = 1024 * 1024;

    /// <summary>Messages of one page of a catch-up; default 1,000.</summary>
    public int PageMessagesMax { get; set; } = 1000;

    /// <summary>Bytes of data at which a page ends, with the message that reaches them; default 1 MiB.</summary>
    public int PageBytesMax { get; set; } = 1024 * 1024;

    /// <summary>Bytes of text that a catch-up merges into one frame at most; default 32 KiB.</summary>
    public int MergedBytesMax { get; set; } = 32 * 1024;

    /// <summary>How often heads are compared with the database, because a notification may be lost; default 2 s.</summary>
    public TimeSpan ReconcileInterval { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>First <c>retry:</c> of a stream, jittered between the two; defaults 1 s and 3 s.</summary>
    public TimeSpan RetryMin { get; set; } = TimeSpan.FromSeconds(1);

    /// <inheritdoc cref="RetryMin"/>
    public TimeSpan RetryMax { get; set; } = TimeSpan.FromSeconds(3);

    /// <summary>
    /// How long a service that is told to stop goes on answering, not ready any more, while its streams are told to reconnect,
    /// each at a moment of its own; default 2 s.
    /// </summary>
    public TimeSpan DrainTime { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>Longest <c>Prefer: wait</c> honoured; default 30 s.</summary>
    public TimeSpan WaitMax { get; set; } = TimeSpan.FromSeconds(30);
}
