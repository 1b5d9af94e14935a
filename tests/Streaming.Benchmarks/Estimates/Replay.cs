using Streaming.Estimation;

namespace Streaming.Benchmarks.Estimates;

/// <summary>What was known at one moment of a run, and what was said.</summary>
/// <param name="Elapsed">Seconds since the run began.</param>
/// <param name="Progress">Share of the whole that the run reported, 0-1, each stage counting the same.</param>
/// <param name="Forecast50">Seconds left, not smoothed: median.</param>
/// <param name="Forecast90">Seconds left that nine of ten should stay within, calibrated.</param>
/// <param name="Stated">Probability that elapsed and median together hold within 20 %, not calibrated.</param>
/// <param name="AtLevels">Seconds left at each of <see cref="EstimateOutcome.Levels"/>.</param>
/// <param name="Ewma">Seconds left by the smoothed speed of the reports, as progress bars have it; null before the first report.</param>
/// <param name="Shown">What the estimator said.</param>
sealed record Moment(double Elapsed, double Progress, double Forecast50, double Forecast90, double Stated, IReadOnlyList<double> AtLevels, double? Ewma,
    Estimate Shown)
{
    /// <summary>Seconds left if the rest goes like the part before; null before the first report.</summary>
    public double? Naive => Progress > 0 ? Elapsed * (1 - Progress) / Progress : null;
}

/// <summary>Runs the estimator over a run whose end is known, exactly as the service does, with a look at fixed moments.</summary>
static class Replay
{
    /// <summary>What was said at these moments, in seconds from the beginning, in order; those after the end are left out.</summary>
    public static (List<Moment> Moments, EstimateOutcome Outcome) Run(
        DurationModel model, TrueRun run, Calibration calibration, IEnumerable<double> looks)
    {
        var stages = run.Stages.Select(stage => stage.Stage).ToList();
        var estimator = new RunEstimator(model, stages, calibration);
        var forecaster = new RunForecaster(model, stages);
        var moments = new List<Moment>();
        using var look = looks.GetEnumerator();
        var isLooking = look.MoveNext();
        double beganAt = 0;
        var speed = new SmoothedSpeed();
        for (var i = 0; i < run.Stages.Count; i++)
        {
            var stage = run.Stages[i];
            estimator.Begin(stage.Stage, beganAt);
            forecaster.Begin(stage.Stage, beganAt);
            var fraction = 0.0;
            foreach (var (seconds, next) in stage.Reports.Append((stage.Seconds, 1)))
            {
                for (; isLooking && look.Current < beganAt + seconds; isLooking = look.MoveNext())
                {
                    var now = look.Current;
                    var forecast = forecaster.At(now);
                    var median = forecast.Remaining(0.5);
                    var stated = forecast.Within(0.8 * (now + median) - now, 1.2 * (now + median) - now);
                    moments.Add(new Moment(
                        now, (i + fraction) / run.Stages.Count, median,
                        forecast.Remaining(calibration.Level90), stated,
                        [.. EstimateOutcome.Levels.Select(forecast.Remaining)], speed.Remaining,
                        estimator.At(now)));
                }

                fraction = next;
                speed.Report(beganAt + seconds, (i + fraction) / run.Stages.Count);
                if (next < 1)
                {
                    estimator.Report(next, beganAt + seconds);
                    forecaster.Report(next, beganAt + seconds);
                }
            }

            beganAt += stage.Seconds;
            estimator.Complete(beganAt);
            forecaster.Complete(beganAt);
        }

        return (moments, estimator.Outcome(beganAt));
    }

    /// <summary>Seconds for the whole by an exponentially weighted mean over the reports, corrected for its start (alpha 0.3, as in tqdm).</summary>
    sealed class SmoothedSpeed
    {
        const double Alpha = 0.3;

        double _mean;
        double _missing = 1;
        double _at;
        double _progress;

        public double? Remaining => _missing < 1 ? (1 - _progress) * _mean / (1 - _missing) : null;

        public void Report(double at, double progress)
        {
            if (progress <= _progress)
                return;
            _mean += Alpha * ((at - _at) / (progress - _progress) - _mean);
            _missing *= 1 - Alpha;
            (_at, _progress) = (at, progress);
        }
    }
}
