using Streaming.Estimation;
using Xunit;

namespace Streaming.Tests.Estimation;

/// <summary>What earlier estimates correct in later ones.</summary>
public sealed class CalibrationTests
{
    [Fact]
    public void Without_outcomes_nothing_is_changed()
    {
        Assert.Equal(0.37, Calibration.None.Reliability(0.37));
        Assert.Equal(0.9, Calibration.None.Level90, 6);
    }

    [Fact]
    public void What_was_stated_too_high_is_lowered()
    {
        // Stated 0.85, held in half of the cases; the p90 in eight of ten.
        var calibration = new Calibration(Outcome(runs: 300, bin: 8, held: 0.5, covered: level => level - 0.1));

        Assert.InRange(calibration.Reliability(0.85), 0.45, 0.6);
        Assert.InRange(calibration.Level90, 0.95, 0.99);
    }

    [Fact]
    public void A_few_runs_correct_a_little_and_many_all_of_it()
    {
        double After(int runs) => new Calibration(Outcome(runs, bin: 8, held: 0.5, covered: level => level)).Reliability(0.85);

        Assert.True(After(1) > After(10));
        Assert.True(After(10) > After(300));
        Assert.InRange(After(1), 0.55, 0.85);
    }

    [Fact]
    public void A_higher_statement_is_never_corrected_to_less_than_a_lower_one_and_stays_in_0_to_1()
    {
        for (var seed = 1; seed <= 100; seed++)
        {
            var random = new Random(seed);
            var counts = new int[EstimateOutcome.Length];
            (counts[0], counts[1]) = (random.Next(1, 300), 0);
            for (var bin = 0; bin < EstimateOutcome.Bins; bin++)
            {
                counts[2 + bin] = random.Next(1000);
                counts[1] += counts[2 + bin];
                counts[2 + EstimateOutcome.Bins + bin] = random.Next(counts[2 + bin] + 1);
            }

            var calibration = new Calibration(new EstimateOutcome(counts));
            var corrected = Enumerable.Range(0, 101).Select(percent => calibration.Reliability(percent / 100.0)).ToList();
            Assert.All(corrected, value => Assert.InRange(value, 0, 1));
            Assert.All(corrected.Zip(corrected.Skip(1)), pair => Assert.True(pair.Second >= pair.First - 1e-12, $"seed {seed}"));
        }
    }

    [Fact]
    public void Counts_of_another_shape_are_refused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new EstimateOutcome([1, 2, 3]));
        Assert.Throws<ArgumentOutOfRangeException>(() => new EstimateOutcome([.. Enumerable.Repeat(-1, EstimateOutcome.Length)]));
    }

    static EstimateOutcome Outcome(int runs, int bin, double held, Func<double, double> covered)
    {
        var counts = new int[EstimateOutcome.Length];
        (counts[0], counts[1]) = (runs, 100 * runs);
        counts[2 + bin] = 100 * runs;
        counts[2 + EstimateOutcome.Bins + bin] = (int)(held * 100 * runs);
        for (var level = 0; level < EstimateOutcome.Levels.Count; level++)
            counts[2 + 2 * EstimateOutcome.Bins + level] = (int)(covered(EstimateOutcome.Levels[level]) * 100 * runs);
        return new EstimateOutcome(counts);
    }
}
