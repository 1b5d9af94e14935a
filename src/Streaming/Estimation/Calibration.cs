namespace Streaming.Estimation;

/// <summary>
/// Corrects stated probabilities by how often earlier ones held. Without outcomes it changes nothing; each ended run moves it
/// a little, and after a few hundred it is the observed frequencies.
/// </summary>
/// <remarks>
/// A correction of the level, not of the method: adaptive conformal inference (Gibbs and Candès 2021) for the p90, a reliability
/// table made monotone for the probability.
/// </remarks>
public sealed class Calibration
{
    /// <summary>Outcomes that are looked at, newest first.</summary>
    public const int RunsMax = 300;

    // As many runs as the belief counts that the method is right as it is.
    const double PriorRuns = 20;
    const double Nominal = 0.9;

    readonly double[] _frequencies = new double[EstimateOutcome.Bins];

    /// <summary>Changes nothing.</summary>
    public static Calibration None { get; } = new(new EstimateOutcome());

    public Calibration(EstimateOutcome outcomes)
    {
        Runs = outcomes.Runs;
        // Estimates of one run hold or fail together: belief is counted in runs.
        var belief = PriorRuns * (outcomes.Runs > 0 ? (double)outcomes.Estimates / outcomes.Runs : 1);
        var weights = new double[_frequencies.Length];
        for (var bin = 0; bin < _frequencies.Length; bin++)
        {
            weights[bin] = outcomes.Stated(bin) + belief / _frequencies.Length;
            _frequencies[bin] = (outcomes.Held(bin) + belief / _frequencies.Length * Centre(bin)) / weights[bin];
        }

        MakeMonotone(_frequencies, weights);
        Level90 = LevelThatHolds(outcomes, belief);
    }

    /// <summary>Ended runs that it was learnt from.</summary>
    public int Runs { get; }

    /// <summary>The level at which the time left has held in nine of ten estimates, 0-1.</summary>
    public double Level90 { get; }

    /// <summary>How often a stated probability, 0-1, has held.</summary>
    public double Reliability(double stated)
    {
        if (Runs == 0)
            return stated;
        // Between the centres of the bins, and on to 0 and 1 at the ends with the slope of one.
        var place = stated * EstimateOutcome.Bins - 0.5;
        var below = (int)Math.Clamp(Math.Floor(place), 0, EstimateOutcome.Bins - 2);
        var share = Math.Clamp(place - below, -0.5, 1.5);
        return Math.Clamp(_frequencies[below] + share * (_frequencies[below + 1] - _frequencies[below]), 0, 1);
    }

    static double LevelThatHolds(EstimateOutcome outcomes, double belief)
    {
        var (levelBefore, coveredBefore) = (0.0, 0.0);
        for (var i = 0; i < EstimateOutcome.Levels.Count; i++)
        {
            var level = EstimateOutcome.Levels[i];
            var covered = (outcomes.Covered(i) + belief * level) / (outcomes.Estimates + belief);
            if (covered >= Nominal)
                return levelBefore + (level - levelBefore) * (Nominal - coveredBefore) / (covered - coveredBefore);
            (levelBefore, coveredBefore) = (level, covered);
        }

        return EstimateOutcome.Levels[^1];
    }

    /// <summary>Pool adjacent violators: neighbours that fall are replaced by their mean.</summary>
    static void MakeMonotone(double[] values, double[] weights)
    {
        for (var end = 1; end < values.Length; end++)
        {
            var (sum, weight) = (values[end] * weights[end], weights[end]);
            var start = end;
            while (start > 0 && values[start - 1] > sum / weight)
            {
                start--;
                sum += values[start] * weights[start];
                weight += weights[start];
            }

            if (start < end)
                Array.Fill(values, sum / weight, start, end - start + 1);
        }
    }

    static double Centre(int bin) => (bin + 0.5) / EstimateOutcome.Bins;
}
