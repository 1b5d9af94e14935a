using System.Globalization;

namespace Streaming.Models.Offline;

/// <summary>
/// Cuts text into pieces of the size that models produce: a short word with the space before it, or a part of a long one.
/// </summary>
internal static class TokenSplitter
{
    private const int WordElementsMax = 6;
    private const int PartElements = 4;

    /// <returns>Pieces that joined are <paramref name="text"/> again; none parts a text element, so no emoji.</returns>
    public static IEnumerable<string> Split(string text)
    {
        var at = 0;
        while (at < text.Length)
        {
            var end = at;
            while (end < text.Length && char.IsWhiteSpace(text[end]))
                end++;
            end = end < text.Length && char.IsLetterOrDigit(text[end])
                ? EndOfWord(text, end)
                : end == text.Length ? end : end + StringInfo.GetNextTextElementLength(text, end);
            yield return text[at..end];
            at = end;
        }
    }

    private static int EndOfWord(string text, int start)
    {
        var (end, elements, part) = (start, 0, start);
        while (end < text.Length && char.IsLetterOrDigit(text[end]) && elements <= WordElementsMax)
        {
            end += StringInfo.GetNextTextElementLength(text, end);
            if (++elements == PartElements)
                part = end;
        }

        return elements > WordElementsMax ? part : end;
    }
}
