namespace Streaming.Configuration;

/// <summary>Section <c>Retention</c>: how long messages are kept. Artifacts stay until their session is deleted.</summary>
public sealed class RetentionOptions
{
    /// <summary>How long the messages of a transform are kept after its end; default 7 days. Its stream is then <c>result</c>, <c>end</c>.</summary>
    public TimeSpan GracePeriod { get; set; } = TimeSpan.FromDays(7);

    /// <summary>How often messages whose time has come are looked for; default 1 min.</summary>
    public TimeSpan Interval { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>Messages that one statement removes at most; default 5,000. There is a pause between two statements.</summary>
    public int BatchMessagesMax { get; set; } = 5000;
}
