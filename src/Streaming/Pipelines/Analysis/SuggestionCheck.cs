using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace Streaming.Pipelines.Analysis;

/// <summary>What is wrong with a suggestion, as far as that can be told without understanding it. Pure.</summary>
public static partial class SuggestionCheck
{
    public const string Empty = "empty";
    public const string TooLong = "too_long";
    public const string Duplicate = "duplicate";
    public const string Unsafe = "unsafe";
    public const string Language = "language";

    // Two that share so many of their words say the same.
    const double SimilarityMax = 0.8;

    // Less tells nothing of the language.
    const int LettersMin = 4;

    /// <summary>One of the codes; null: nothing.</summary>
    /// <param name="text">The suggestion.</param>
    /// <param name="accepted">Those that stand before it.</param>
    /// <param name="context">What the user has said: what is in it is not held against a suggestion.</param>
    /// <param name="language">That was asked for; null: that of the context.</param>
    /// <param name="charactersMax">Of a suggestion.</param>
    public static string? Fault(string text, IReadOnlyList<string> accepted, string context, string? language, int charactersMax)
    {
        if (!text.Any(char.IsLetterOrDigit))
            return Empty;
        if (text.Length > charactersMax)
            return TooLong;
        if (IsUnsafe(text, context))
            return Unsafe;
        if (Script(text) is { } script && Expected(context, language) is { } expected && script != expected)
            return Language;
        var words = Words(text);
        return accepted.Any(other => Similarity(words, Words(other)) >= SimilarityMax) ? Duplicate : null;
    }

    /// <summary>Markup, addresses that the user did not name, characters that hide or turn text around, and models that speak of themselves.</summary>
    static bool IsUnsafe(string text, string context) =>
        text.Any(c => (char.IsControl(c) && c is not ('\n' or '\t')) || c is (>= '\u202A' and <= '\u202E') or (>= '\u2066' and <= '\u2069') or '\u200E' or '\u200F')
        || Markup().IsMatch(text)
        || Address().Matches(text).Any(match => !context.Contains(match.Value, StringComparison.OrdinalIgnoreCase))
        || OfItself().IsMatch(text);

    /// <summary>Of the letters, most are of this script; null: too few letters.</summary>
    static string? Script(string text)
    {
        var scripts = text.EnumerateRunes().Where(Rune.IsLetter).Select(ScriptOf).ToList();
        return scripts.Count < LettersMin ? null : scripts.GroupBy(script => script).MaxBy(group => group.Count())!.Key;
    }

    static string? Expected(string context, string? language) => language?.Split('-')[0].ToLowerInvariant() switch
    {
        null => Script(context),
        "ru" or "uk" or "bg" or "be" or "mk" => "cyrillic",
        "el" => "greek",
        "ar" or "fa" or "ur" => "arabic",
        "he" or "yi" => "hebrew",
        "zh" or "ja" => "han",
        "ko" => "hangul",
        "th" => "thai",
        "hi" or "mr" or "ne" => "devanagari",
        "en" or "de" or "fr" or "es" or "it" or "pt" or "nl" or "pl" or "cs" or "sv" or "da" or "nb" or "no" or "fi" or "tr" or "vi" or "id" or "ro" or "hu" => "latin",
        // Of others it is not known here.
        _ => null,
    };

    static string ScriptOf(Rune rune) => rune.Value switch
    {
        < 0x0250 or (>= 0x1E00 and < 0x1F00) => "latin",
        >= 0x0370 and < 0x0400 => "greek",
        >= 0x0400 and < 0x0530 => "cyrillic",
        >= 0x0590 and < 0x0600 => "hebrew",
        (>= 0x0600 and < 0x0780) or (>= 0xFB50 and < 0xFE00) => "arabic",
        >= 0x0900 and < 0x0980 => "devanagari",
        >= 0x0E00 and < 0x0E80 => "thai",
        (>= 0x3040 and < 0x3100) or (>= 0x3400 and < 0xA000) or (>= 0x20000 and < 0x30000) => "han",
        (>= 0x1100 and < 0x1200) or (>= 0xAC00 and < 0xD7B0) => "hangul",
        _ => "other",
    };

    /// <summary>Words, without case, accents and signs; of scripts that do not part them, pairs of characters.</summary>
    static HashSet<string> Words(string text)
    {
        var plain = new string([.. text.Normalize(NormalizationForm.FormD).Where(c => CharUnicodeInfo.GetUnicodeCategory(c) != UnicodeCategory.NonSpacingMark)
            .Select(c => char.IsLetterOrDigit(c) ? char.ToLowerInvariant(c) : ' ')]);
        var words = plain.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return Script(text) is "han" or "thai"
            ? [.. words.SelectMany(word => Enumerable.Range(0, Math.Max(1, word.Length - 1)).Select(at => word.Substring(at, Math.Min(2, word.Length - at))))]
            : [.. words];
    }

    static double Similarity(HashSet<string> one, HashSet<string> other)
    {
        var shared = one.Count(other.Contains);
        return one.Count + other.Count == 0 ? 1 : (double)shared / (one.Count + other.Count - shared);
    }

    [GeneratedRegex(@"<\s*/?\s*[a-zA-Z!][^>]*>|javascript:|data:text", RegexOptions.IgnoreCase)]
    private static partial Regex Markup();

    [GeneratedRegex(@"\b(?:https?://|www\.)\S+", RegexOptions.IgnoreCase)]
    private static partial Regex Address();

    [GeneratedRegex(@"\bas an ai\b|\bi(?:'m| am) (?:an ai|a language model)|\bi can(?:'t|not) (?:help|assist) with", RegexOptions.IgnoreCase)]
    private static partial Regex OfItself();
}
