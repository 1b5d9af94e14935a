using Streaming.Estimation;
using Streaming.Protocol;

namespace Streaming.Transforms;

/// <summary>What a run says of its time: hears of its stages, and tells the clients' shape of the estimate. One caller at a time.</summary>
/// <param name="estimator">Of this run alone.</param>
/// <param name="clock">Its own time is seconds since this object was made, whatever the wall clock does.</param>
public sealed class RunTimes(RunEstimator estimator, TimeProvider clock)
{
    /// <summary>
    /// An estimate costs a tenth of a millisecond of the processor, a message of progress may come every few; between two estimates
    /// the last one is counted down.
    /// </summary>
    static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    readonly long _began = clock.GetTimestamp();
    Estimate? _last;
    double _lastAt = double.NegativeInfinity;

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
        var raised = (string?)null;
        if (now - _lastAt >= Interval.TotalSeconds)
        {
            (_last, _lastAt) = (estimator.At(now), now);
            raised = _last.Raised;
        }

        var passed = now - _lastAt;
        return new TimeEstimate(
            clock.GetUtcNow().ToUnixTimeMilliseconds(), Milliseconds(_last!.Elapsed + passed)!.Value, Milliseconds(_last.Remaining - passed),
            Milliseconds(_last.RemainingP90 - passed), _last.Reliability is { } reliability ? Math.Round(reliability, 2) : null, _last.Reason, raised);
    }

    /// <inheritdoc cref="RunEstimator.Outcome"/>
    public EstimateOutcome Outcome() => estimator.Outcome(Now);

    /// <summary>After it the next estimate is a new one.</summary>
    void Changed(Action change)
    {
        change();
        _lastAt = double.NegativeInfinity;
    }

    static long? Milliseconds(double? seconds) => seconds is { } known ? (long)Math.Round(1000 * Math.Max(0, known)) : null;
}
