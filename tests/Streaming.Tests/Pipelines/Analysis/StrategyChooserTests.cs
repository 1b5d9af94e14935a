using Streaming.Configuration;
using Streaming.Pipelines.Analysis;
using Streaming.Sessions;
using Xunit;

namespace Streaming.Tests.Pipelines.Analysis;

/// <summary>Which strategy is chosen, by what is left, the load, and how long analyses took.</summary>
public sealed class StrategyChooserTests
{
    static readonly AnalysisOptions Options = new();

    static StrategyChoice Choose(double secondsLeft, double load = 0.1, IEnumerable<PastAnalysis>? history = null) =>
        StrategyChooser.Choose(TimeSpan.FromSeconds(secondsLeft), load, [.. history ?? []], Options);

    /// <summary>Runs of a strategy, each as long as it says, the newest a minute old.</summary>
    static IEnumerable<PastAnalysis> Runs(string strategy, double load, params double[] seconds) =>
        seconds.Select((length, at) => new PastAnalysis(strategy, length, load, 60 * (at + 1)));

    static double[] Times(int count, double seconds) => [.. Enumerable.Repeat(seconds, count)];

    [Theory]
    [InlineData(30, "comprehensive")]
    [InlineData(12, "standard")]
    [InlineData(8, "fast")]
    [InlineData(6, "fast")]
    [InlineData(4, "ultra_fast")]
    [InlineData(1, "ultra_fast")]
    [InlineData(-2, "ultra_fast")]
    public void Without_history_what_is_left_decides(double secondsLeft, string strategy) => Assert.Equal(strategy, Choose(secondsLeft).Strategy.Name);

    [Theory]
    [InlineData(0.5, "comprehensive")]
    [InlineData(0.51, "standard")]
    [InlineData(1.0, "standard")]
    [InlineData(1.01, "fast")]
    [InlineData(2.0, "fast")]
    [InlineData(2.01, "ultra_fast")]
    [InlineData(50.0, "ultra_fast")]
    public void However_much_time_is_left_the_load_bounds_it(double load, string strategy) => Assert.Equal(strategy, Choose(3600, load).Strategy.Name);

    [Theory]
    // A provider that is quick allows more within the same budget, one that is slow less, whichever strategy that was seen with.
    [InlineData("standard", 1.5, 12, "comprehensive")]
    [InlineData("standard", 1.5, 4, "standard")]
    [InlineData("fast", 0.7, 4, "standard")]
    [InlineData("standard", 11, 12, "fast")]
    [InlineData("fast", 8, 12, "fast")]
    [InlineData("fast", 8, 8, "ultra_fast")]
    [InlineData("ultra_fast", 1.8, 12, "standard")]
    public void History_of_one_strategy_tells_of_the_others(string seen, double seconds, double secondsLeft, string strategy) =>
        Assert.Equal(strategy, Choose(secondsLeft, history: Runs(seen, 0.1, Times(20, seconds))).Strategy.Name);

    [Fact]
    public void Strategy_that_missed_the_budget_too_often_is_not_chosen()
    {
        // Its median fits well, and one in three takes far longer than is left.
        var standard = Runs("standard", 0.1, [.. Enumerable.Range(0, 18).Select(at => at % 3 == 0 ? 14.0 : 2.0)]);
        var choice = Choose(12, history: standard);
        Assert.NotEqual("standard", choice.Strategy.Name);
        Assert.True(choice.Strategy.Rank < AnalysisStrategy.Standard.Rank);
    }

    [Fact]
    public void Misses_of_long_ago_are_forgotten()
    {
        var misses = Runs("standard", 0.1, Times(10, 20)).Select(run => run with { AgeSeconds = 3000 + run.AgeSeconds });
        var since = Runs("standard", 0.1, Times(10, 3));
        Assert.True(Choose(8, history: misses.Select(run => run with { AgeSeconds = run.AgeSeconds - 3000 })).Strategy.Rank < AnalysisStrategy.Standard.Rank);
        Assert.True(Choose(8, history: [.. since, .. misses]).Strategy.Rank >= AnalysisStrategy.Standard.Rank);
    }

    [Fact]
    public void One_miss_alone_rules_nothing_out() =>
        Assert.Equal("standard", Choose(12, history: [.. Runs("standard", 0.1, 13), .. Runs("standard", 0.1, Times(8, 4)).Skip(1)]).Strategy.Name);

    [Fact]
    public void Load_that_slowed_analyses_down_is_reckoned_with()
    {
        var history = Enumerable.Range(0, 40).Select(at => new PastAnalysis("fast", at % 2 == 0 ? 1.5 : 6, at % 2 == 0 ? 0.1 : 1.9, 60)).ToList();
        Assert.Equal(["fast", "fast"], ((double[])[1.1, 1.9]).Select(load => Choose(60, load, history).Strategy.Name));
        Assert.True(Choose(60, 1.9, history).Predicted > 1.5 * Choose(60, 1.1, history).Predicted);
        Assert.Equal("ultra_fast", Choose(5, 1.9, history).Strategy.Name);
    }

    [Fact]
    public void Why_names_the_figures_and_what_was_in_the_way_of_more()
    {
        var choice = Choose(8);
        Assert.Equal("fast takes 2.9 s, nine of ten within 5.2 s (no history yet); 8.0 s are left, at a load of 0.1. Standard would be over in time with 80 % only.", choice.Why);
        Assert.Contains("is for a load of 1.0 at most", Choose(60, 1.5).Why, StringComparison.Ordinal);
        Assert.StartsWith("The quickest there is: ultra_fast takes", Choose(0.5).Why, StringComparison.Ordinal);
        Assert.Contains("would take longer than that too often", Choose(12, history: Runs("standard", 0.1, [.. Enumerable.Range(0, 30).Select(at => at % 3 == 0 ? 13.0 : 0.5)])).Why, StringComparison.Ordinal);
    }

    [Fact]
    public void Prediction_is_the_median_of_what_was_seen_and_nine_of_ten_are_within_the_second()
    {
        var times = Enumerable.Range(1, 100).Select(at => 3 * Math.Exp(0.3 * Math.Sin(at))).ToArray();
        var choice = Choose(6, history: Runs("standard", 0.1, times).Select(run => run with { AgeSeconds = 1 }));
        Assert.Equal("standard", choice.Strategy.Name);
        Assert.InRange(choice.Predicted.TotalSeconds, 2.8, 3.4);
        Assert.InRange(times.Count(time => time <= choice.PredictedP90.TotalSeconds), 85, 100);
        Assert.InRange(choice.Probability, 0.9, 1);
    }

    [Fact]
    public void Whatever_is_in_the_history_something_is_chosen()
    {
        var random = new Random(7);
        for (var round = 0; round < 500; round++)
        {
            var history = Enumerable.Range(0, random.Next(60)).Select(_ => new PastAnalysis(
                random.Next(5) == 0 ? "gone" : AnalysisStrategy.All[random.Next(4)].Name, Math.Exp(6 * random.NextDouble() - 3) * (random.Next(20) == 0 ? 0 : 1), 3 * random.NextDouble(), 4000 * random.NextDouble()));
            var choice = Choose(14 * random.NextDouble() - 1, 3 * random.NextDouble(), history);
            Assert.InRange(choice.Probability, 0, 1);
            Assert.True(choice.PredictedP90 >= choice.Predicted && choice.Predicted > TimeSpan.Zero, $"round {round}: {choice}");
        }
    }

    [Fact]
    public void Each_strategy_does_more_than_the_one_before()
    {
        foreach (var (less, more) in AnalysisStrategy.All.Zip(AnalysisStrategy.All.Skip(1)))
        {
            Assert.Equal(less.Rank + 1, more.Rank);
            Assert.True(less.EdgePixels < more.EdgePixels && less.Suggestions < more.Suggestions && less.OutputTokensMax < more.OutputTokensMax && less.Prior < more.Prior && less.LoadMax > more.LoadMax);
        }
    }
}
