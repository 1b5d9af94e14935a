namespace Streaming.Estimation;

/// <summary>
/// Distribution of the time that is left of a run: a fixed number of weighted particles, each one way in which the run may
/// go on. <see cref="RunForecaster"/> fills it; it holds until the next is made.
/// </summary>
public sealed class Forecast
{
    /// <summary>Particles of every forecast, whatever the number of stages and of past runs: the bound on its cost.</summary>
    public const int Particles = 2 * RunForecaster.Draws;

    readonly double[] _seconds = new double[Particles];
    readonly double[] _weights = new double[Particles];
    int _count;
    double _total;

    /// <summary>Standard deviation of the run factor, as ln, as far as it is known by now.</summary>
    public double Spread { get; internal set; }

    /// <summary>Seconds left that the run stays within with probability <paramref name="level"/>, 0-1; never negative.</summary>
    public double Remaining(double level)
    {
        var (wanted, below) = (level * _total, 0.0);
        for (var i = 0; i < _count; i++)
        {
            var next = below + _weights[i];
            if (next >= wanted)
            {
                // Between the particle before and this one, so that the figure moves smoothly with time.
                var from = i == 0 ? _seconds[0] : _seconds[i - 1];
                return from + (_seconds[i] - from) * (_weights[i] > 0 ? (wanted - below) / _weights[i] : 1);
            }

            below = next;
        }

        return _seconds[_count - 1];
    }

    /// <summary>Probability, 0-1, that the time left is between two bounds.</summary>
    public double Within(double from, double to)
    {
        var share = 0.0;
        for (var i = 0; i < _count; i++)
            if (_seconds[i] >= from && _seconds[i] <= to)
                share += _weights[i];
        return Math.Min(1, share / _total);
    }

    internal void Clear() => (_count, _total) = (0, 0);

    internal void Add(double seconds, double weight)
    {
        _seconds[_count] = seconds;
        _weights[_count++] = weight;
        _total += weight;
    }

    internal void Sort() => Array.Sort(_seconds, _weights, 0, _count);
}
