namespace Streaming.Configuration;

/// <summary>Section <c>Messages</c>: the write path.</summary>
public sealed class MessageOptions
{
    /// <summary>
    /// Messages waiting for their commit at most, and as many requests to relays; default 4,096. A full queue slows the stages and
    /// lets requests wait, nothing is dropped.
    /// </summary>
    public int QueueMax { get; set; } = 4096;

    /// <summary>Messages of one commit at most; default 2,048.</summary>
    public int BatchMessagesMax { get; set; } = 2048;

    /// <summary>How long a batch is tried again while the database is away; default 2 min. Then its runs are given up.</summary>
    public TimeSpan RetryPatience { get; set; } = TimeSpan.FromMinutes(2);

    /// <summary>
    /// How long a commit waits for a row that somebody else has locked; default 1 s. Then the runs in it are written one by
    /// one beside the others until the lock is free, or <see cref="RetryPatience"/> is over.
    /// </summary>
    public TimeSpan LockPatience { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>Bytes of one message's data at most, 1,024 or more; default 256 KiB. What SQL inserts is not measured.</summary>
    public int DataBytesMax { get; set; } = 256 * 1024;

    /// <summary>Shortest time between two <c>progress</c> messages of a run unless a percent has passed; default 250 ms.</summary>
    public TimeSpan ProgressInterval { get; set; } = TimeSpan.FromMilliseconds(250);
}
