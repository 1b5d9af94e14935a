using System.Globalization;
using Streaming.Configuration;
using Streaming.Estimation;
using Streaming.Sessions;

namespace Streaming.Pipelines.Analysis;

/// <summary>A strategy, and why it is that one.</summary>
/// <param name="Strategy">Chosen.</param>
/// <param name="Why">For a person.</param>
/// <param name="Predicted">Median of how long it takes.</param>
/// <param name="PredictedP90">Nine of ten are over within it.</param>
/// <param name="Probability">That it is over within what is left, 0-1.</param>
public sealed record StrategyChoice(AnalysisStrategy Strategy, string Why, TimeSpan Predicted, TimeSpan PredictedP90, double Probability);

/// <summary>
/// Chooses the most thorough strategy that is over in time: by what is left of the budget, the load, and how long analyses took
/// of late. Pure.
/// </summary>
/// <remarks>
/// Durations are lognormal. A strategy's median is its prior, times how much slower than their priors all strategies were (the
/// provider's pace), times what is left of its own difference; each with pseudo-observations, so that one run decides nothing.
/// </remarks>
public static class StrategyChooser
{
    // As in the time estimates: see docs/estimation.md, "The method".
    const double PriorDeviation = 0.45;
    const double PriorDeviationRuns = 4;
    const double CommonRuns = 1;
    const double OwnRuns = 2;
    const double LoadSlopeRuns = 2;

    // A single run of ten times the usual length moves no median by more than this.
    const double ResidualMax = 1.6;

    // So many runs in time are taken for granted: one miss alone does not rule a strategy out.
    const double HitsAssumed = 4;

    const double P90 = 0.1;

    /// <param name="left">Of the budget.</param>
    /// <param name="load">Analyses running and queued, this one included, as a share of the places.</param>
    /// <param name="history">Of the same model.</param>
    /// <param name="options">What must be kept.</param>
    public static StrategyChoice Choose(TimeSpan left, double load, IReadOnlyList<PastAnalysis> history, AnalysisOptions options)
    {
        var model = new Durations(history, load, options.HistoryAge / 6);
        StrategyChoice? choice = null;
        var refused = "";
        foreach (var strategy in AnalysisStrategy.All.Reverse())
        {
            var forecast = model.Of(strategy, left);
            var reason = Refusal(strategy, forecast);
            // The quickest is what there is, whatever it takes.
            if (reason is not null && strategy.Rank > 0)
            {
                refused = reason;
                continue;
            }

            choice = new StrategyChoice(strategy, Why(strategy, forecast, reason, refused), forecast.Median, forecast.P90, forecast.Probability);
            break;
        }

        return choice!;

        string? Refusal(AnalysisStrategy strategy, Forecast forecast) =>
            load > strategy.LoadMax ? Inv($"{strategy.Name} is for a load of {strategy.LoadMax:0.0#} at most")
            : forecast.Probability < options.WithinBudgetMin ? Inv($"{strategy.Name} would be over in time with {forecast.Probability:P0} only")
            : forecast.MissShare > options.MissesMax ? Inv($"{strategy.Name} would take longer than that too often: {forecast.MissShare:P0} of late have")
            : null;

        string Why(AnalysisStrategy strategy, Forecast forecast, string? reason, string refusedBefore)
        {
            var expected = Inv($"{strategy.Name} takes {Seconds(forecast.Median)}, nine of ten within {Seconds(forecast.P90)} ({(history.Count == 0 ? "no history yet" : forecast.Runs == 0 ? "by those of the others" : $"{forecast.Runs} of {history.Count} recent analyses")}); {Seconds(left)} are left, at a load of {load:0.0#}.");
            return reason is not null ? $"The quickest there is: {expected}"
                : refusedBefore.Length > 0 ? $"{expected} {char.ToUpperInvariant(refusedBefore[0])}{refusedBefore[1..]}."
                : expected;
        }
    }

    static string Seconds(TimeSpan time) => Inv($"{Math.Max(0, time.TotalSeconds):0.0} s");

    static string Inv(FormattableString text) => text.ToString(Format);

    static readonly CultureInfo Format = Plain();

    static CultureInfo Plain()
    {
        var culture = (CultureInfo)CultureInfo.InvariantCulture.Clone();
        culture.NumberFormat.PercentPositivePattern = 0;
        return culture;
    }

    readonly record struct Forecast(TimeSpan Median, TimeSpan P90, double Probability, double MissShare, int Runs);

    /// <summary>How long each strategy takes, as far as history tells.</summary>
    sealed class Durations
    {
        readonly List<(AnalysisStrategy Strategy, double Residual, double Weight, double Seconds)> _runs;
        readonly double _common;
        readonly double _loadEffect;

        public Durations(IReadOnlyList<PastAnalysis> history, double load, TimeSpan halfLife)
        {
            var known = history.Where(run => run.Seconds > 0 && AnalysisStrategy.All.Any(strategy => strategy.Name == run.Strategy)).ToList();
            var weighted = known.Select(run => (Run: run, Strategy: AnalysisStrategy.Named(run.Strategy), Weight: Math.Pow(0.5, run.AgeSeconds / halfLife.TotalSeconds))).ToList();
            // What more load costs, from runs at several loads; never that it saves time.
            var total = weighted.Sum(run => run.Weight);
            var meanLoad = total == 0 ? 0 : weighted.Sum(run => run.Weight * run.Run.Load) / total;
            var meanResidual = total == 0 ? 0 : weighted.Sum(run => run.Weight * Residual(run.Strategy, run.Run.Seconds)) / total;
            var sxx = weighted.Sum(run => run.Weight * Square(run.Run.Load - meanLoad));
            var sxy = weighted.Sum(run => run.Weight * (run.Run.Load - meanLoad) * (Residual(run.Strategy, run.Run.Seconds) - meanResidual));
            var slope = Math.Max(0, sxy / (sxx + LoadSlopeRuns));
            _loadEffect = slope * (load - meanLoad);
            _runs = [.. weighted.Select(run => (run.Strategy, Residual(run.Strategy, run.Run.Seconds) - slope * (run.Run.Load - meanLoad), run.Weight, run.Run.Seconds))];
            _common = _runs.Sum(run => run.Weight * run.Residual) / (total + CommonRuns);
        }

        public Forecast Of(AnalysisStrategy strategy, TimeSpan left)
        {
            var own = _runs.Where(run => run.Strategy == strategy).ToList();
            var weight = own.Sum(run => run.Weight);
            var offset = own.Sum(run => run.Weight * (run.Residual - _common)) / (weight + OwnRuns);
            var median = Math.Log(strategy.Prior.TotalSeconds) + _common + offset + (_runs.Count == 0 ? 0 : _loadEffect);
            var squares = own.Sum(run => run.Weight * Square(run.Residual - _common - offset));
            var deviation = Math.Sqrt((PriorDeviationRuns * Square(PriorDeviation) + squares) / (PriorDeviationRuns + Math.Max(0, weight - 1)));
            // What a quicker one has missed, this one would have too.
            var misses = AnalysisStrategy.All.Where(other => other.Rank <= strategy.Rank).Max(other => MissesOf(other, left));
            return new Forecast(
                Time(median), Time(median + Normal.FromUpperTail(P90) * deviation),
                left <= TimeSpan.Zero ? 0 : 1 - Normal.UpperTail((Math.Log(left.TotalSeconds) - median) / deviation), misses, own.Count);
        }

        double MissesOf(AnalysisStrategy strategy, TimeSpan left)
        {
            var own = _runs.Where(run => run.Strategy == strategy).ToList();
            return own.Sum(run => run.Seconds > left.TotalSeconds ? run.Weight : 0) / (own.Sum(run => run.Weight) + HitsAssumed);
        }

        static double Residual(AnalysisStrategy strategy, double seconds) => Math.Clamp(Math.Log(seconds / strategy.Prior.TotalSeconds), -ResidualMax, ResidualMax);

        static double Square(double value) => value * value;

        // A day is more than any budget.
        static TimeSpan Time(double logSeconds) => TimeSpan.FromSeconds(Math.Min(Math.Exp(Math.Min(logSeconds, 20)), 86_400));
    }
}
