namespace Streaming.Status;

/// <summary>How values of the last minute are distributed: counted in buckets that grow by 12 % each, so that a quantile is 6 % off at most.</summary>
/// <param name="lowest">Upper bound of the first bucket; whatever is smaller is in it.</param>
/// <param name="decades">Powers of ten that the buckets reach over; whatever is larger is in the last one.</param>
/// <param name="clock">What a minute is.</param>
public sealed class RecentDistribution(double lowest, int decades, TimeProvider clock)
{
    const int BucketsPerDecade = 20;

    readonly RecentCounts _counts = new(decades * BucketsPerDecade + 1, clock);

    public void Add(double value) => _counts.Add(BucketOf(value), 1);

    /// <summary>How many there were, and each of these quantiles; null if there was none.</summary>
    /// <param name="quantiles">0-1.</param>
    public (long Count, double?[] Values) Read(params ReadOnlySpan<double> quantiles)
    {
        var buckets = _counts.Sums();
        var count = buckets.Sum();
        var values = new double?[quantiles.Length];
        for (var i = 0; count > 0 && i < quantiles.Length; i++)
            values[i] = ValueOf(buckets, Math.Clamp((long)Math.Ceiling(quantiles[i] * count), 1, count));
        return (count, values);
    }

    int BucketOf(double value) =>
        value <= lowest ? 0 : Math.Min(decades * BucketsPerDecade, (int)Math.Ceiling(Math.Log10(value / lowest) * BucketsPerDecade - 1e-9));

    /// <summary>The middle of the bucket of the value that has this rank, from 1.</summary>
    double ValueOf(long[] buckets, long rank)
    {
        var bucket = 0;
        for (var seen = buckets[0]; seen < rank; seen += buckets[bucket])
            bucket++;
        return lowest * Math.Pow(10, (bucket - 0.5) / BucketsPerDecade);
    }
}
