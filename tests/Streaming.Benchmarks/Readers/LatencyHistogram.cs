namespace Streaming.Benchmarks.Readers;

/// <summary>Times in milliseconds, counted in classes that are 2 % wide, from 1 µs to 100 s. Adding one allocates nothing.</summary>
sealed class LatencyHistogram
{
    const double Lowest = 0.001, Width = 0.02;
    static readonly int Classes = (int)(Math.Log(100_000 / Lowest) / Width) + 1;

    // Of ten thousand readers, most measure nothing.
    int[]? _counts;

    public double Max { get; private set; }

    public void Add(double milliseconds)
    {
        _counts ??= new int[Classes];
        _counts[Math.Clamp((int)(Math.Log(milliseconds / Lowest) / Width), 0, Classes - 1)]++;
        Max = Math.Max(Max, milliseconds);
    }

    public void Add(LatencyHistogram other)
    {
        _counts ??= new int[Classes];
        for (var i = 0; i < Classes && other._counts is { } counts; i++)
            _counts[i] += counts[i];
        Max = Math.Max(Max, other.Max);
    }

    /// <summary>The middle of the class that holds it; NaN when nothing was counted.</summary>
    public double Percentile(double share)
    {
        var counts = _counts ?? [];
        var rest = (long)(counts.Sum(count => (long)count) * share);
        for (var i = 0; i < counts.Length; i++)
            if (counts[i] > 0 && (rest -= counts[i]) < 0)
                return Lowest * Math.Exp((i + 0.5) * Width);
        return double.NaN;
    }
}
