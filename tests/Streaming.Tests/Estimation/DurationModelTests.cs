using Streaming.Estimation;
using Xunit;

namespace Streaming.Tests.Estimation;

/// <summary>What is learnt from past runs.</summary>
public sealed class DurationModelTests
{
    [Fact]
    public void Alike_runs_give_their_duration_and_the_prior_spread_shrinks()
    {
        var few = DurationModel.Fit(History.Alike(2, 10, 40), "m", History.Planned(2));
        var many = DurationModel.Fit(History.Alike(40, 10, 40), "m", History.Planned(2));

        Assert.Equal(Math.Log(10), many.Stages["s0"].Mean, 6);
        Assert.Equal(Math.Log(40), many.Stages["s1"].Mean, 6);
        Assert.Equal(0, many.RunMean, 6);
        Assert.True(many.Stages["s0"].WithinSd < few.Stages["s0"].WithinSd);
        // Without the prior, two alike runs would promise certainty.
        Assert.InRange(few.Stages["s0"].WithinSd, 0.3, 0.6);
    }

    [Fact]
    public void A_slope_over_the_size_is_learnt_and_applied_to_the_size_of_this_run()
    {
        var history = Enumerable.Range(0, 40).Select(i => Math.Pow(2, i % 5))
            .Select(size => new PastRun("m", [new PastStage("s0", size, 3 * size)])).ToList();

        var model = DurationModel.Fit(history, "m", History.Planned(1, size: 8));

        // 24 s at eight times the unit; the ridge on the slope holds it back a little.
        Assert.InRange(Math.Exp(model.Stages["s0"].Mean), 22, 25);
    }

    [Fact]
    public void A_huge_outlier_hardly_moves_the_line()
    {
        var history = History.Alike(19, 10);
        history.Insert(5, new PastRun("m", [new PastStage("s0", 1, 100_000)]));

        Assert.InRange(Math.Exp(DurationModel.Fit(history, "m", History.Planned(1)).Stages["s0"].Mean), 9.5, 11.5);
    }

    [Fact]
    public void Recent_runs_that_were_slow_make_the_next_one_slow()
    {
        List<PastRun> history = [.. History.Alike(6, 15, 15), .. History.Alike(20, 10, 10)];

        var model = DurationModel.Fit(history, "m", History.Planned(2));

        Assert.InRange(Math.Exp(model.Stages["s0"].Mean + model.RunMean), 13, 16);
    }

    [Fact]
    public void A_run_factor_is_found_where_stages_are_slow_together_and_not_where_they_are_slow_apart()
    {
        var random = new Random(7);
        List<PastRun> together = [], apart = [];
        for (var i = 0; i < 50; i++)
        {
            var factor = 0.6 * History.Normal(random);
            together.Add(Run(() => factor));
            apart.Add(Run(() => 0.6 * History.Normal(random)));
        }

        var (shared, own) = (DurationModel.Fit(together, "m", History.Planned(4)).RunSd, DurationModel.Fit(apart, "m", History.Planned(4)).RunSd);
        Assert.InRange(shared, 0.4, 0.8);
        Assert.InRange(own, 0.05, 0.3);

        static PastRun Run(Func<double> factor) =>
            new("m", [.. Enumerable.Range(0, 4).Select(i => new PastStage(History.Name(i), 1, 10 * Math.Exp(factor() + 0.05 * i)))]);
    }

    [Fact]
    public void A_new_model_widens_the_spread_and_its_own_runs_narrow_it_again()
    {
        var old = History.Alike(20, 10, 30);
        double Spread(int newRuns) =>
            DurationModel.Fit([.. History.Alike(newRuns, 18, 54).Select(run => run with { Model = "n" }), .. old], "n", History.Planned(2)).RunSd;

        Assert.True(Spread(0) > 0.7);
        Assert.True(Spread(1) < Spread(0));
        Assert.True(Spread(8) < Spread(1));
        Assert.True(DurationModel.Fit(old, "n", History.Planned(2)).ModelChanged);
        Assert.False(DurationModel.Fit(old, "m", History.Planned(2)).ModelChanged);
    }

    [Fact]
    public void The_level_of_a_model_is_its_own_when_models_take_turns()
    {
        var history = Enumerable.Range(0, 30).Select(i => i % 2 == 0
            ? new PastRun("fast", [new PastStage("s0", 1, 10), new PastStage("s1", 1, 20)])
            : new PastRun("slow", [new PastStage("s0", 1, 30), new PastStage("s1", 1, 60)])).ToList();

        double Seconds(string model)
        {
            var fitted = DurationModel.Fit(history, model, History.Planned(2));
            return Math.Exp(fitted.Stages["s0"].Mean + fitted.RunMean);
        }

        Assert.InRange(Seconds("fast"), 9, 11.5);
        Assert.InRange(Seconds("slow"), 26, 33);
    }

    [Fact]
    public void The_wait_for_a_worker_says_nothing_of_the_run()
    {
        var random = new Random(3);
        PastRun Run(double queue) => new("m", [new PastStage(DurationModel.QueueStage, 1, queue), new PastStage("s0", 1, 10)]);
        var model = DurationModel.Fit(
            [.. Enumerable.Range(0, 20).Select(_ => Run(Math.Exp(2 * History.Normal(random))))], "m",
            [new PlannedStage(DurationModel.QueueStage, 1, 1), new PlannedStage("s0", 1, 1)]);

        Assert.Equal(Math.Log(10), model.Stages["s0"].Mean, 6);
        Assert.Equal(0, model.RunMean, 6);
    }

    [Fact]
    public void Only_the_newest_runs_are_looked_at()
    {
        List<PastRun> history = [.. History.Alike(DurationModel.RunsMax, 10), .. History.Alike(1000, 5000)];

        Assert.Equal(DurationModel.RunsMax, DurationModel.Fit(history, "m", History.Planned(1)).Runs);
        Assert.Equal(Math.Log(10), DurationModel.Fit(history, "m", History.Planned(1)).Stages["s0"].Mean, 6);
    }

    [Theory]
    [InlineData(double.NaN, 1)]
    [InlineData(-1, 1)]
    [InlineData(double.PositiveInfinity, 1)]
    [InlineData(1, 0)]
    [InlineData(1, -2)]
    [InlineData(1, double.NaN)]
    public void What_is_no_duration_or_no_size_is_refused(double seconds, double size) => Assert.Throws<ArgumentOutOfRangeException>(
        () => DurationModel.Fit([new PastRun("m", [new PastStage("s0", size, seconds)])], "m", History.Planned(1)));

    [Theory]
    [InlineData(0, 1)]
    [InlineData(1, 0)]
    [InlineData(double.NaN, 1)]
    [InlineData(1, double.PositiveInfinity)]
    public void A_planned_stage_has_a_size_and_a_weight(double size, double weight) => Assert.Throws<ArgumentOutOfRangeException>(
        () => DurationModel.Fit(History.Alike(3, 10), "m", [new PlannedStage("s0", size, weight)]));
}
