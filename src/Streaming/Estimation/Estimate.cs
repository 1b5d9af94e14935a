namespace Streaming.Estimation;

/// <summary>What is said of the time at one moment. All times in seconds.</summary>
/// <param name="Elapsed">Since the run began; the wait for a worker does not count.</param>
/// <param name="Remaining">Time left as the countdown shows it: about as often too short as too long. Null: not known.</param>
/// <param name="RemainingP90">Time left that nine of ten runs stay within; never below <see cref="Remaining"/>.</param>
/// <param name="Reliability">Probability, 0-1, that the whole takes within 20 % of <see cref="Total"/>; null: not known.</param>
/// <param name="Reason">Why something is null: one of <see cref="EstimateReasons"/>.</param>
/// <param name="Raised">Why <see cref="Remaining"/> is more than it was: one of <see cref="RaiseReasons"/>; null as long as it is not.</param>
public sealed record Estimate(
    double Elapsed, double? Remaining, double? RemainingP90, double? Reliability, string? Reason = null, string? Raised = null)
{
    /// <summary>The whole, from the beginning of the run to its end.</summary>
    public double? Total => Elapsed + Remaining;

    /// <summary>The whole that nine of ten runs stay within.</summary>
    public double? TotalP90 => Elapsed + RemainingP90;
}

/// <summary>Why an estimate, or its reliability, is not known. Stable codes.</summary>
public static class EstimateReasons
{
    /// <summary>No run of this kind has completed yet, and this one has not come far enough to tell by itself.</summary>
    public const string NoHistory = "no_history";

    /// <summary>Too few runs of this kind have completed for a reliability.</summary>
    public const string TooLittleHistory = "too_little_history";

    /// <summary>A stage to come, or the running one, was never seen before.</summary>
    public const string NewStage = "new_stage";

    /// <summary>The model is new; the runs before were of another.</summary>
    public const string ModelChanged = "model_changed";

    /// <summary>The running stage has been silent for longer than ninety-nine of a hundred take.</summary>
    public const string LongerThanUsual = "longer_than_usual";

    /// <summary>The time that was estimated is over, and the run is not: it may end at any moment.</summary>
    public const string Finishing = "finishing";
}

/// <summary>Why the countdown has risen. Stable codes.</summary>
public static class RaiseReasons
{
    /// <summary>The stages so far took longer than usual, so the later ones are expected to.</summary>
    public const string SlowerThanUsual = "slower_than_usual";

    /// <summary>The running stage takes longer than most.</summary>
    public const string StageLate = "stage_late";

    /// <summary>The running stage began anew.</summary>
    public const string StageRetried = "stage_retried";
}
