namespace Streaming.Estimation;

/// <summary>
/// The time left as it is shown: a countdown that people can follow. It runs at a walking pace towards what is estimated,
/// stands still when that has moved away, and jumps up only when it has been far wrong for a while, which the caller is told.
/// </summary>
/// <remarks>
/// <code>
///   counting ──estimate earlier──> hurrying (up to four times as fast)
///      │ └──estimate later──> standing still ──far off for max(3 s, 3 % of the total)──> jumps up, with a reason
///      └──within 5 %: just counts
/// </code>
/// </remarks>
public sealed class Countdown
{
    const double Tolerance = 0.05;
    const double HurryMax = 4;
    const double FarOff = 0.75;
    const double PatienceSecondsMin = 3, PatienceShare = 0.05;
    const double SmoothingSecondsMin = 3, SmoothingShare = 0.02;

    double? _arrival;
    double _shown;
    double _now;
    double? _farOffSince;

    /// <summary>Seconds left to show at <paramref name="now"/>, 0 or more, and whether that is more than before.</summary>
    /// <param name="remaining">Seconds left as estimated.</param>
    /// <param name="total">Seconds of the whole as estimated: how long smoothing may take.</param>
    /// <param name="now">Seconds, of a clock that does not go backwards.</param>
    public (double Remaining, bool HasRisen) Show(double remaining, double total, double now)
    {
        var step = now - _now;
        _now = now;
        if (_arrival is not { } arrival)
        {
            _arrival = now + remaining;
            return (_shown = remaining, false);
        }

        var gap = now + remaining - arrival;
        if (gap > FarOff * Math.Max(0, arrival - now))
            _farOffSince ??= now;
        else
            _farOffSince = null;

        var before = _shown;
        if (_farOffSince is { } since && now - since >= Math.Max(PatienceSecondsMin, PatienceShare * total))
        {
            (_arrival, _farOffSince) = (now + remaining, null);
            return (_shown = remaining, remaining > before);
        }

        if (gap > Tolerance * remaining)
            arrival += Math.Min(gap, step);
        else if (gap < -Tolerance * remaining)
        {
            var smoothing = Math.Max(SmoothingSecondsMin, SmoothingShare * total);
            arrival += Math.Max(gap * (1 - Math.Exp(-step / smoothing)), -(HurryMax - 1) * step);
        }

        _arrival = Math.Max(arrival, now);
        // Standing still, a sum of doubles may come out a hair above.
        return (_shown = Math.Clamp(_arrival.Value - now, 0, before), false);
    }
}
