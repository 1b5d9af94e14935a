namespace Streaming.Configuration;

/// <summary>Section <c>Transforms</c>: the queue and the runs of this process.</summary>
public sealed class TransformOptions
{
    /// <summary>Transforms run at once by this process; default 64. Further ones stay queued in the database.</summary>
    public int Concurrency { get; set; } = 64;

    /// <summary>
    /// Length of a lease in seconds; default 30. It is renewed at a third of it; a worker that dies is replaced after it.
    /// </summary>
    public double LeaseSeconds { get; set; } = 30;

    /// <summary>Attempts before a transform whose workers were lost fails with <c>worker_lost</c>; default 3.</summary>
    public int AttemptsMax { get; set; } = 3;

    /// <summary>How often the queue is looked at without a notification, which may be lost; default 5 s.</summary>
    public TimeSpan PollInterval { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// What has waited for so long is taken before what is more urgent, one at a time of each queue; default 30 s. So nothing waits forever, and
    /// what is urgent keeps all places but one.
    /// </summary>
    public TimeSpan AgedAfter { get; set; } = TimeSpan.FromSeconds(30);

    public TimeSpan Lease => TimeSpan.FromSeconds(LeaseSeconds);
}
