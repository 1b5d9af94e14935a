using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Streaming.Sse;

/// <summary>
/// Place of a message in a session's streams: <c>&lt;ordinal&gt;-&lt;index&gt;</c>. As a cursor it is the last message that a
/// reader has.
/// </summary>
/// <param name="Ordinal">Ordinal of the transform within the session, from 1.</param>
/// <param name="Index">Index of the message within the transform, from 0.</param>
public readonly record struct EventId(int Ordinal, int Index)
{
    /// <summary>Longest text that can be one: two times ten digits and the dash.</summary>
    public const int LengthMax = 21;

    /// <summary>Reads an id; false for anything that <see cref="ToString"/> would not write.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out EventId id)
    {
        id = default;
        if (text is null || text.Length > LengthMax)
            return false;
        var dash = text.IndexOf('-', StringComparison.Ordinal);
        if (dash < 1
            || !int.TryParse(text.AsSpan(0, dash), NumberStyles.None, CultureInfo.InvariantCulture, out var ordinal)
            || !int.TryParse(text.AsSpan(dash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var index))
            return false;
        id = new EventId(ordinal, index);
        return ordinal >= 1 && id.ToString() == text;
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Ordinal}-{Index}");
}
