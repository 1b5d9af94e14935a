namespace Streaming.Files;

/// <summary>Where a text that is too long for one passage is cut. Pure.</summary>
public static class PassageCut
{
    /// <summary>
    /// The characters to take: up to the last blank line in the second half, else the end of a sentence, of a line, of a word; where
    /// there is none, all. Never between the halves of a surrogate pair.
    /// </summary>
    public static int At(ReadOnlySpan<char> text)
    {
        var min = text.Length / 2;
        return BehindBlankLine(text, min) ?? BehindSentence(text, min) ?? Behind(text, min, c => c == '\n') ?? Behind(text, min, char.IsWhiteSpace)
            ?? (text.Length > 1 && char.IsHighSurrogate(text[^1]) ? text.Length - 1 : text.Length);
    }

    /// <summary>The text cut to so many characters, at the end of a sentence or a word if there is one in its second half.</summary>
    public static string Shorten(string text, int charactersMax)
    {
        if (text.Length <= charactersMax)
            return text;
        var window = text.AsSpan(0, charactersMax);
        var cut = BehindSentence(window, charactersMax / 2) ?? Behind(window, charactersMax / 2, char.IsWhiteSpace) ?? charactersMax;
        if (char.IsHighSurrogate(text[cut - 1]))
            cut--;
        return text[..cut].TrimEnd();
    }

    static int? BehindBlankLine(ReadOnlySpan<char> text, int min)
    {
        for (var end = text.Length - 1; end >= min;)
        {
            end = text[..(end + 1)].LastIndexOf('\n');
            if (end < min)
                return null;
            var before = text[..end].LastIndexOfAnyExcept(" \t\r");
            if (before >= 0 && text[before] == '\n')
                return end + 1;
            end = before;
        }

        return null;
    }

    static int? BehindSentence(ReadOnlySpan<char> text, int min)
    {
        for (var i = text.Length - 1; i >= min; i--)
        {
            if (text[i] is '。' or '！' or '？')
                return i + 1;
            if (!char.IsWhiteSpace(text[i]) || i == 0)
                continue;
            // A quotation mark or a bracket may close behind the full stop.
            var last = text[i - 1] is '"' or '\'' or '”' or '’' or '»' or ')' or ']' && i > 1 ? text[i - 2] : text[i - 1];
            if (last is '.' or '!' or '?' or '…')
                return i + 1;
        }

        return null;
    }

    static int? Behind(ReadOnlySpan<char> text, int min, Func<char, bool> isEnd)
    {
        for (var i = text.Length - 1; i >= min; i--)
            if (isEnd(text[i]))
                return i + 1;
        return null;
    }
}
