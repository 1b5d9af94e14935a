using Streaming.Estimation;
using Xunit;

namespace Streaming.Tests.Estimation;

/// <summary>What is said of the time, and when nothing is said.</summary>
public sealed class RunEstimatorTests
{
    [Fact]
    public void A_usual_run_has_a_total_that_is_nearly_certain()
    {
        var run = History.Estimator(History.Alike(40, 10, 30, 20), 3);
        run.Begin("s0", 100);

        var estimate = run.At(105);

        Assert.Equal(5, estimate.Elapsed);
        Assert.InRange(estimate.Total!.Value, 57, 63);
        Assert.True(estimate.RemainingP90 >= estimate.Remaining);
        Assert.InRange(estimate.Reliability!.Value, 0.6, 1);
        Assert.Null(estimate.Reason);
        Assert.Null(estimate.Raised);
    }

    [Fact]
    public void Error_at_half_time_is_that_of_the_total_that_was_told_then()
    {
        var run = History.Estimator(History.Alike(40, 10, 30, 20), 3);
        run.Begin("s0", 0);
        run.At(1);
        run.Complete(20);
        run.Begin("s1", 20);
        var told = run.At(50).Total!.Value;
        run.Complete(80);
        run.Begin("s2", 80);
        run.At(100);
        run.Complete(120);

        Assert.Equal(Math.Abs(told - 120) / 120, run.HalfTimeError(120)!.Value, 6);
        Assert.Null(History.Estimator([], 1).HalfTimeError(0));
    }

    [Fact]
    public void Without_history_nothing_is_said_until_the_run_speaks_for_itself()
    {
        var run = History.Estimator([], 2);
        run.Begin("s0", 0);

        var before = run.At(5);
        Assert.Equal(new Estimate(5, null, null, null, EstimateReasons.NoHistory), before);

        run.Report(0.25, 10);
        run.Report(0.5, 20);
        var after = run.At(20);
        Assert.InRange(after.Remaining!.Value, 40, 90);
        Assert.Equal((null, EstimateReasons.TooLittleHistory), (after.Reliability, after.Reason));
    }

    [Theory]
    [InlineData(1, EstimateReasons.TooLittleHistory)]
    [InlineData(2, EstimateReasons.TooLittleHistory)]
    [InlineData(4, EstimateReasons.TooLittleHistory)]
    [InlineData(5, null)]
    public void A_reliability_needs_a_few_runs(int runs, string? reason)
    {
        var run = History.Estimator(History.Alike(runs, 10), 1);
        run.Begin("s0", 0);

        Assert.Equal(reason, run.At(1).Reason);
        Assert.Equal(reason is null, run.At(1).Reliability is not null);
        Assert.NotNull(run.At(1).Remaining);
    }

    [Fact]
    public void A_stage_that_was_never_seen_and_a_new_model_are_said()
    {
        var newStage = History.Estimator(History.Alike(20, 10), 2);
        newStage.Begin("s0", 0);
        Assert.Equal((null, EstimateReasons.NewStage), (newStage.At(1).Reliability, newStage.At(1).Reason));
        // As long for its weight as the stage that is known.
        Assert.InRange(newStage.At(1).Remaining!.Value, 15, 25);

        var newModel = History.Estimator(History.Alike(20, 10), 1, model: "other");
        newModel.Begin("s0", 0);
        Assert.Equal((null, EstimateReasons.ModelChanged), (newModel.At(1).Reliability, newModel.At(1).Reason));
        Assert.True(newModel.At(1).RemainingP90 > 15);
    }

    [Fact]
    public void A_run_past_its_time_says_that_it_may_end_at_any_moment_and_then_that_it_is_late()
    {
        var run = History.Estimator(History.Alike(40, 10), 1);
        run.Begin("s0", 0);
        var estimates = Enumerable.Range(0, 4000).Select(tenth => run.At(tenth / 10.0)).ToList();

        Assert.DoesNotContain(estimates, estimate => estimate.Remaining < 0.5);
        Assert.Contains(estimates, estimate => estimate.Reason == EstimateReasons.LongerThanUsual);
        var raised = estimates.Where(estimate => estimate.Raised is not null).ToList();
        Assert.NotEmpty(raised);
        Assert.All(raised, estimate => Assert.Equal(RaiseReasons.StageLate, estimate.Raised));
    }

    [Fact]
    public void A_stage_that_begins_anew_raises_the_countdown_with_its_reason()
    {
        var run = History.Estimator(History.Alike(40, 60), 1);
        run.Begin("s0", 0);
        run.At(0);
        run.Report(0.9, 54);
        run.At(54);
        run.Restart(55);

        var estimates = Enumerable.Range(56, 20).Select(now => run.At(now)).ToList();

        Assert.Equal(RaiseReasons.StageRetried, Assert.Single(estimates, estimate => estimate.Raised is not null).Raised);
    }

    [Fact]
    public void Whatever_happens_the_figures_are_in_bounds_and_the_countdown_rises_only_with_a_reason()
    {
        for (var seed = 1; seed <= 200; seed++)
        {
            var random = new Random(seed);
            var run = History.Estimator(History.Lognormal(random, random.Next(0, 30)), 3);
            var now = 0.0;
            double? before = null;
            for (var stage = 0; stage < 3; stage++)
            {
                run.Begin(History.Name(stage), now);
                for (var report = 0; report < 20; report++)
                {
                    now += 2 * Math.Exp(History.Normal(random));
                    if (random.Next(20) == 0)
                        run.Restart(now);
                    run.Report(Math.Min(1, report / 20.0 * Math.Exp(0.3 * History.Normal(random))), now);
                    var estimate = run.At(now);
                    Assert.True(estimate.Remaining is null or >= 0 && estimate.Reliability is null or (>= 0 and <= 1), $"seed {seed}: {estimate}");
                    Assert.True(estimate.Remaining is null || estimate.RemainingP90 >= estimate.Remaining, $"seed {seed}: {estimate}");
                    Assert.True(estimate.Reliability is not null || estimate.Reason is not null, $"seed {seed}: {estimate}");
                    Assert.True(before is null || estimate.Remaining is null || estimate.Remaining <= before || estimate.Raised is not null,
                        $"seed {seed}: rose from {before} to {estimate}");
                    before = estimate.Remaining ?? before;
                }

                run.Complete(now);
            }
        }
    }

    [Fact]
    public void Stated_reliability_and_p90_hold_as_often_as_they_say()
    {
        var random = new Random(11);
        var (sum, p90, reliability, held, estimates) = (new EstimateOutcome(), 0.0, 0.0, 0.0, 0);
        for (var kind = 0; kind < 400; kind++)
        {
            var run = History.Estimator(History.Lognormal(random, 20), 3);
            var stages = History.Lognormal(random, 1)[0].Stages;
            var (total, now) = (stages.Sum(stage => stage.Seconds), 0.0);
            foreach (var stage in stages)
            {
                run.Begin(stage.Stage, now);
                // A fixed clock: moments chosen by how far the run is would know its end.
                for (var tick = Math.Ceiling(now / 3) * 3; tick < now + stage.Seconds; tick += 3)
                {
                    var estimate = run.At(tick);
                    if (estimate is not { Total: { } said, Reliability: { } stated, TotalP90: { } high })
                        continue;
                    estimates++;
                    p90 += total <= high ? 1 : 0;
                    reliability += stated;
                    held += Math.Abs(total - said) <= RunEstimator.Tolerance * said ? 1 : 0;
                }

                run.Complete(now += stage.Seconds);
            }

            sum.Add(run.Outcome(now));
        }

        Assert.InRange(p90 / estimates, 0.85, 0.95);
        Assert.InRange((reliability - held) / estimates, -0.06, 0.06);
        Assert.Equal(400, sum.Runs);
        Assert.InRange((double)sum.Covered(3) / sum.Estimates, 0.84, 0.96);
    }

    [Fact]
    public void The_outcome_of_a_run_however_long_counts_each_statement_once_per_time_it_stood_for()
    {
        var run = History.Estimator(History.Alike(20, 10), 1);
        run.Begin("s0", 0);
        for (var now = 0.0; now < 1000; now += 0.25)
            run.At(now);
        run.Complete(1000);

        var outcome = run.Outcome(1000);

        Assert.Equal(1, outcome.Runs);
        // A look every 32nd of ten seconds, however they were thinned.
        Assert.InRange(outcome.Estimates, 1000 / (10 / 32.0) / 2, 1000 / (10 / 32.0) * 1.5);
        Assert.True(outcome.Covered(3) < outcome.Estimates / 2);
        Assert.Equal(0, History.Estimator([], 1).Outcome(0).Runs);
    }
}
