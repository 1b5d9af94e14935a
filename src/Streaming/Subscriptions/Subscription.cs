namespace Streaming.Subscriptions;

/// <summary>A transform that a subscriber follows, and how far it has come.</summary>
/// <param name="target">The transform.</param>
/// <param name="next">Index of the first message to send.</param>
/// <param name="place">Place of its session among those of the connection, from 0.</param>
public sealed class Subscription(StreamTarget target, int next, int place = 0)
{
    public StreamTarget Target => target;

    public int Place => place;

    /// <summary>Index of the next message that was not sent.</summary>
    public int Next { get; set; } = next;

    /// <summary>Whether it has been sent everything there was, so that what follows is sent as it comes.</summary>
    public bool IsLive { get; set; }

    /// <summary>How it came to its end; null while it goes on.</summary>
    public StreamOutcome? Outcome { get; set; }
}
