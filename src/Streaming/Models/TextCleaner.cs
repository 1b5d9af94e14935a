using System.Text;

namespace Streaming.Models;

/// <summary>Makes the text of one answer storable: without NUL (PostgreSQL) and in well-formed UTF-16 (JSON, UTF-8).
/// Fed delta by delta; the cuts do not show in the result.</summary>
public sealed class TextCleaner
{
    const char Replacement = '\uFFFD';

    // A high surrogate whose other half may be in the next delta; '\0' when there is none.
    char _high;

    /// <summary>The clean text of what is certain so far; may be empty. A high surrogate at the end is held back until
    /// the next call.</summary>
    public string Clean(string delta)
    {
        if (_high == '\0' && IsClean(delta)) return delta;

        var clean = new StringBuilder(delta.Length + 1);
        foreach (var c in delta)
        {
            if (c == '\0') continue;
            if (char.IsLowSurrogate(c))
            {
                if (_high == '\0') clean.Append(Replacement);
                else clean.Append(_high).Append(c);
                _high = '\0';
                continue;
            }
            if (_high != '\0') clean.Append(Replacement);
            _high = '\0';
            if (char.IsHighSurrogate(c)) _high = c;
            else clean.Append(c);
        }
        return clean.ToString();
    }

    /// <summary>What is left when the answer has ended: U+FFFD for a half that never met its other, else
    /// nothing.</summary>
    public string Finish()
    {
        var rest = _high == '\0' ? "" : Replacement.ToString();
        _high = '\0';
        return rest;
    }

    static bool IsClean(ReadOnlySpan<char> text) =>
        !text.Contains('\0') && text.IndexOfAnyInRange('\uD800', '\uDFFF') < 0;
}
