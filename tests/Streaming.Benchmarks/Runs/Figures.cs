using System.Collections;
using System.Globalization;

namespace Streaming.Benchmarks.Runs;

/// <summary>What one run gave, or the medians of several: figures by name, the unit in it, in the order in which they are told.</summary>
sealed class Figures : IEnumerable<KeyValuePair<string, double>>
{
    readonly OrderedDictionary<string, double> _values = [];

    public double this[string name] => _values[name];

    public void Add(string name, double value) => _values.Add(name, value);

    /// <summary>The median of each figure by itself.</summary>
    public static Figures Medians(IReadOnlyList<Figures> runs)
    {
        var medians = new Figures();
        foreach (var (name, _) in runs[0])
            medians.Add(name, runs.Select(run => run[name]).Order().ElementAt(runs.Count / 2));
        return medians;
    }

    /// <summary>Every figure, on one line.</summary>
    public override string ToString() => string.Join("; ", _values.Select(figure => $"{figure.Key} {Text(figure.Value)}"));

    /// <summary>Three digits that count.</summary>
    public static string Text(double value) => value.ToString(
        Math.Abs(value) switch { >= 100 => "#,0", >= 10 => "0.0", _ => "0.00" }, CultureInfo.InvariantCulture);

    public IEnumerator<KeyValuePair<string, double>> GetEnumerator() => _values.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
