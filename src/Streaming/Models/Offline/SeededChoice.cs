namespace Streaming.Models.Offline;

/// <summary>
/// The offline generator's dice: the same numbers for the same seed and text, on every machine and version
/// (<see cref="Random"/> promises that for no future version). SplitMix64.
/// </summary>
internal sealed class SeededChoice
{
    private ulong _state;

    public SeededChoice(int seed, string text)
    {
        // FNV-1a over the UTF-16 units: string.GetHashCode differs from process to process.
        var hash = 14695981039346656037UL;
        foreach (var c in text)
            hash = (hash ^ c) * 1099511628211UL;
        _state = hash ^ ((ulong)(uint)seed * 0x9E3779B97F4A7C15UL);
    }

    /// <summary>0 to <paramref name="bound"/> - 1; the bound is at least 1.</summary>
    public int Below(int bound)
    {
        _state += 0x9E3779B97F4A7C15UL;
        var z = (_state ^ (_state >> 30)) * 0xBF58476D1CE4E5B9UL;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBUL;
        return (int)((z ^ (z >> 31)) % (ulong)bound);
    }

    public T From<T>(IReadOnlyList<T> items) => items[Below(items.Count)];

    /// <summary>The items in a random order, over and over: none comes twice before all have come once.</summary>
    public Deck<T> Deck<T>(IReadOnlyList<T> items)
    {
        var shuffled = items.ToArray();
        for (var i = shuffled.Length - 1; i > 0; i--)
        {
            var j = Below(i + 1);
            (shuffled[i], shuffled[j]) = (shuffled[j], shuffled[i]);
        }

        return new Deck<T>(shuffled);
    }
}

/// <summary>Items dealt in turn by <see cref="SeededChoice.Deck"/>, without end.</summary>
internal sealed class Deck<T>(T[] items)
{
    private int _dealt;

    public T Next() => items[_dealt++ % items.Length];
}
