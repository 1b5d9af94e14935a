using Streaming.Estimation;
using Streaming.Protocol;

namespace Streaming.Transforms;

/// <summary>What a run says of its time: hears of its stages, and tells the clients' shape of the estimate. One caller at a time.</summary>
/// <param name="estimator">Of this run alone.</param>
/// <param name="clock">Its own time is seconds since this object was made, whatever the wall clock does.</param>
public sealed class RunTimes(RunEstimator estimator, TimeProvider clock)
{
    /// <summary>
    /// An estimate costs a tenth of a millisecond of the processor, and a message of progress may come every few: until then the last one
    /// is told again, with the time at which it was made.
    /// </summary>
    static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    readonly long _began = clock.GetTimestamp();
    TimeEstimate? _told;
    double _toldAt;

    double Now => clock.GetElapsedTime(_began).TotalSeconds;

    /// <inheritdoc cref="RunEstimator.Skip"/>
    public void Skip(string stage) => estimator.Skip(stage);

    public void Begin(string stage) => Changed(() => estimator.Begin(stage, Now));

    /// <summary>The running stage begins anew.</summary>
    public void Restart() => Changed(() => estimator.Restart(Now));

    /// <summary>How far the running stage is, 0-1.</summary>
    public void Report(double fraction) => estimator.Report(fraction, Now);

    /// <summary>The running stage is complete; returns how many seconds the first half of it took, null if that is not known.</summary>
    public double? Complete()
    {
        var half = estimator.HalfSeconds;
        Changed(() => estimator.Complete(Now));
        return half;
    }

    /// <summary>What to tell now. To be sent: a rise of the countdown is explained once.</summary>
    public TimeEstimate Tell()
    {
        var now = Now;
        if (_told is not null && now - _toldAt < Interval.TotalSeconds)
            return _told = _told with { Raised = null };
        var estimate = estimator.At(now);
        _toldAt = now;
        return _told = new TimeEstimate(
            clock.GetUtcNow().ToUnixTimeMilliseconds(), Milliseconds(estimate.Elapsed)!.Value, Milliseconds(estimate.Remaining),
            Milliseconds(estimate.RemainingP90), estimate.Reliability is { } reliability ? Math.Round(reliability, 2) : null,
            estimate.Reason, estimate.Raised);
    }

    /// <inheritdoc cref="RunEstimator.Outcome"/>
    public EstimateOutcome Outcome() => estimator.Outcome(Now);

    /// <inheritdoc cref="RunEstimator.HalfTimeError"/>
    public double? HalfTimeError() => estimator.HalfTimeError(Now);

    /// <summary>After it the next estimate is a new one.</summary>
    void Changed(Action change)
    {
        change();
        _toldAt = double.NegativeInfinity;
    }

    static long? Milliseconds(double? seconds) => seconds is { } known ? (long)Math.Round(1000 * known) : null;
}
