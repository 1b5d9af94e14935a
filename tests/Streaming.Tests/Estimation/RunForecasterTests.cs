using Streaming.Estimation;
using Xunit;

namespace Streaming.Tests.Estimation;

/// <summary>What is left of a run, drawn from what is known.</summary>
public sealed class RunForecasterTests
{
    [Fact]
    public void Before_a_run_of_alike_ones_the_median_is_their_total()
    {
        var forecast = History.Forecaster(History.Alike(40, 10, 30, 20), 3).At(0);

        Assert.InRange(forecast.Remaining(0.5), 57, 63);
        Assert.InRange(forecast.Remaining(0.9), 63, 100);
    }

    [Fact]
    public void Stages_that_took_twice_as_long_make_the_rest_longer()
    {
        var history = History.Lognormal(new Random(1), 40);
        var (usual, slow) = (History.Forecaster(history, 3), History.Forecaster(history, 3));
        Run(usual, 10);
        Run(slow, 30);

        Assert.True(slow.At(100).Remaining(0.5) > 1.2 * usual.At(100).Remaining(0.5));
        Assert.True(slow.RunMean > usual.RunMean);
        Assert.True(slow.RunSd < DurationModel.Fit(history, "m", History.Planned(3)).RunSd);

        static void Run(RunForecaster run, double seconds)
        {
            run.Begin("s0", 0);
            run.Complete(seconds);
        }
    }

    [Fact]
    public void A_stage_at_its_half_has_as_long_to_go_as_it_has_run()
    {
        var run = History.Forecaster(History.Alike(40, 100), 1);
        run.Begin("s0", 0);
        for (var percent = 1; percent <= 50; percent++)
            run.Report(percent / 100.0, 3 * percent);

        // Thrice as slow as ever: the straight line says 150 s, the history 0.
        Assert.InRange(run.At(150).Remaining(0.5), 100, 160);
    }

    [Fact]
    public void A_fraction_that_stands_still_is_not_taken_for_speed()
    {
        var run = History.Forecaster(History.Lognormal(new Random(2), 20), 1);
        run.Begin("s0", 0);
        run.Report(0.96, 10);

        // Elapsed × what is left ÷ what is done would say 0.6 s now, and 4 s after a minute and a half at 96 %.
        Assert.InRange(run.At(10.5).Remaining(0.5), 0, 2);
        Assert.True(run.At(100).Remaining(0.9) > 4);
    }

    [Fact]
    public void What_is_left_of_a_late_stage_grows_instead_of_staying_at_a_second()
    {
        var run = History.Forecaster(History.Lognormal(new Random(3), 30), 1);
        run.Begin("s0", 0);

        var medians = new[] { 40.0, 80, 160, 320, 640 }.Select(now => run.At(now).Remaining(0.5)).ToList();

        Assert.Equal(medians.Order(), medians);
        Assert.True(medians[^1] > 20);
    }

    [Fact]
    public void A_stage_that_begins_anew_has_all_of_its_time_before_it()
    {
        var run = History.Forecaster(History.Alike(40, 20), 1);
        run.Begin("s0", 0);
        run.Report(0.9, 18);
        var before = run.At(18).Remaining(0.5);
        run.Restart(18);

        Assert.True(before < 5);
        Assert.InRange(run.At(18).Remaining(0.5), 17, 23);
    }

    [Fact]
    public void The_half_of_a_stage_is_noted_once_for_each_try()
    {
        var run = History.Forecaster(History.Alike(3, 10), 1);
        run.Begin("s0", 100);
        run.Report(0.4, 103);
        Assert.Null(run.HalfSeconds);
        run.Report(0.6, 106);
        run.Report(0.9, 109);
        Assert.Equal(6.0, run.HalfSeconds);
        run.Restart(110);
        Assert.Null(run.HalfSeconds);
        run.Report(0.5, 114);
        run.Complete(120);
        Assert.Equal(4.0, run.HalfSeconds);
    }

    [Fact]
    public void The_wait_in_the_queue_is_estimated_like_a_stage()
    {
        var history = Enumerable.Range(0, 30)
            .Select(_ => new PastRun("m", [new PastStage(DurationModel.QueueStage, 1, 8), new PastStage("s0", 1, 10)])).ToList();
        PlannedStage[] planned = [new(DurationModel.QueueStage, 1, 1), new("s0", 1, 1)];
        var run = new RunForecaster(DurationModel.Fit(history, "m", planned), planned.Select(stage => stage.Stage));

        run.Begin(DurationModel.QueueStage, 0);
        Assert.InRange(run.At(0).Remaining(0.5), 17, 20);
        var before = (run.RunMean, run.RunSd);
        run.Complete(300);

        Assert.Equal(before, (run.RunMean, run.RunSd));
        Assert.InRange(run.At(300).Remaining(0.5), 9, 11);
    }

    [Fact]
    public void The_same_calls_give_the_same_figures()
    {
        double[] Figures()
        {
            var run = History.Forecaster(History.Lognormal(new Random(4), 20), 3);
            run.Begin("s0", 0);
            run.Report(0.3, 4);
            var first = run.At(5).Remaining(0.9);
            run.Complete(12);
            run.Begin("s1", 12);
            return [first, run.At(15).Remaining(0.5), run.At(15).Remaining(0.99), run.At(20).Within(10, 50)];
        }

        Assert.Equal(Figures(), Figures());
    }

    [Fact]
    public void Quantiles_are_in_order_and_never_negative_whatever_happens()
    {
        for (var seed = 1; seed <= 200; seed++)
        {
            var random = new Random(seed);
            var history = History.Lognormal(random, random.Next(0, 30));
            var run = History.Forecaster(history, 3, random.Next(3) == 0 ? "other" : "m");
            var now = 0.0;
            for (var stage = 0; stage < 3; stage++)
            {
                run.Begin(History.Name(stage), now);
                for (var report = 0; report < 8; report++)
                {
                    now += Math.Exp(3 * History.Normal(random));
                    run.Report(random.NextDouble(), now);
                    if (random.Next(10) == 0)
                        run.Restart(now);
                    var forecast = run.At(now);
                    double[] quantiles = [.. new[] { 0, 0.01, 0.5, 0.9, 0.99, 1 }.Select(forecast.Remaining)];
                    Assert.True(quantiles.All(quantile => quantile >= 0 && double.IsFinite(quantile)), $"seed {seed}: {string.Join(' ', quantiles)}");
                    Assert.Equal(quantiles.Order(), quantiles);
                    Assert.InRange(forecast.Within(0, quantiles[2]), 0, 1);
                }

                run.Complete(now);
            }

            Assert.Equal(0, run.At(now).Remaining(0.9));
        }
    }

    [Fact]
    public void A_stage_that_took_no_time_and_one_that_takes_for_ever_have_a_forecast()
    {
        var run = History.Forecaster(History.Alike(10, 0, 0), 2);
        run.Begin("s0", 0);
        Assert.InRange(run.At(0).Remaining(0.5), 0, 1);
        run.Complete(0);
        run.Begin("s1", 0);

        Assert.True(double.IsFinite(run.At(1e9).Remaining(0.99)));
    }

    [Fact]
    public void A_forecast_makes_the_same_work_and_no_garbage_however_long_the_history_is()
    {
        foreach (var runs in new[] { 3, 50 })
        {
            var run = History.Forecaster(History.Lognormal(new Random(5), runs), 3);
            run.Begin("s0", 0);
            run.Report(0.3, 3);
            run.At(4).Remaining(0.5);
            var before = GC.GetAllocatedBytesForCurrentThread();
            for (var i = 0; i < 100; i++)
                run.At(4 + i).Remaining(0.9);

            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 100 * 256);
        }

        // Each is two tails of the normal distribution and an exponential: a few tens of microseconds together.
        Assert.InRange(Forecast.Particles, 64, 256);
    }

    [Fact]
    public void What_makes_no_sense_is_refused()
    {
        var run = History.Forecaster(History.Alike(3, 10), 1);
        Assert.Throws<ArgumentException>(() => run.Begin("unknown", 0));
        Assert.Throws<InvalidOperationException>(() => run.Complete(0));
        run.Begin("s0", 5);
        Assert.Throws<ArgumentOutOfRangeException>(() => run.At(4));
        Assert.Throws<ArgumentOutOfRangeException>(() => run.At(double.NaN));
        Assert.Throws<ArgumentOutOfRangeException>(() => run.Report(double.NaN, 6));
        Assert.Throws<ArgumentOutOfRangeException>(() => run.Report(1.01, 6));
        Assert.Throws<ArgumentOutOfRangeException>(() => run.Report(-0.1, 6));
        Assert.Throws<ArgumentException>(() => new RunForecaster(DurationModel.Fit([], "m", History.Planned(1)), ["s0", "s1"]));
    }
}
