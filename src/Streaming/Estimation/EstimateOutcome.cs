namespace Streaming.Estimation;

/// <summary>
/// How the estimates of ended runs turned out, in counts that add up: what <see cref="Calibration"/> corrects the next ones by.
/// </summary>
public sealed class EstimateOutcome
{
    /// <summary>Bins of the stated reliability, 0-1, of equal width.</summary>
    public const int Bins = 10;

    /// <summary>Levels at which the time left is noted, so that the one that holds in nine of ten cases can be found.</summary>
    public static readonly IReadOnlyList<double> Levels = [0.7, 0.8, 0.85, 0.9, 0.93, 0.95, 0.97, 0.98, 0.99];

    /// <summary>Length of <see cref="ToArray"/>.</summary>
    public static int Length => 2 + 2 * Bins + Levels.Count;

    readonly int[] _counts;

    public EstimateOutcome() => _counts = new int[Length];

    /// <param name="counts">As <see cref="ToArray"/> gave them, or the sums of several.</param>
    public EstimateOutcome(IReadOnlyList<int> counts)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(counts.Count, Length, nameof(counts));
        if (counts.Any(count => count < 0))
            throw new ArgumentOutOfRangeException(nameof(counts), "A count is negative.");
        _counts = [.. counts];
    }

    /// <summary>Runs that ended.</summary>
    public int Runs => _counts[0];

    /// <summary>Estimates that were looked at, of all runs.</summary>
    public int Estimates => _counts[1];

    /// <summary>Estimates whose reliability was stated in this bin.</summary>
    public int Stated(int bin) => _counts[2 + bin];

    /// <summary>Those of them whose total was within 20 % in the end.</summary>
    public int Held(int bin) => _counts[2 + Bins + bin];

    /// <summary>Estimates whose time left at the level was not exceeded.</summary>
    public int Covered(int level) => _counts[2 + 2 * Bins + level];

    /// <summary>The counts, for storage.</summary>
    public int[] ToArray() => [.. _counts];

    public void Add(EstimateOutcome other)
    {
        for (var i = 0; i < _counts.Length; i++)
            _counts[i] += other._counts[i];
    }

    internal void EndRun() => _counts[0]++;

    internal void Count(int weight, double stated, bool held, ReadOnlySpan<double> atLevels, double remaining)
    {
        var bin = Bin(stated);
        _counts[1] += weight;
        _counts[2 + bin] += weight;
        if (held)
            _counts[2 + Bins + bin] += weight;
        for (var level = 0; level < atLevels.Length; level++)
            if (remaining <= atLevels[level])
                _counts[2 + 2 * Bins + level] += weight;
    }

    internal static int Bin(double stated) => Math.Min(Bins - 1, (int)(stated * Bins));
}
