using System.Globalization;
using System.Text.RegularExpressions;

namespace Streaming.Models.Offline;

/// <summary>A piece of the user's own words, ready to stand where a sentence wants a noun.</summary>
/// <param name="Text">At most five words; quoted unless it is a name or came with an article or a possessive.</param>
/// <param name="Head">Its last word, capitalised for a title.</param>
internal sealed record KeyPhrase(string Text, string Head);

/// <summary>Picks from the user's input what a story can be hung on. Linear in the input.</summary>
internal static partial class KeyPhrases
{
    private const int WordsReadMax = 2000;
    private const int WordsMax = 4;
    private const int PhrasesMax = 12;
    private const int CharactersMax = 28;
    private const int LettersOfScriptsWithoutSpaces = 10;

    private static readonly HashSet<string> Determiners = new(
        "a an the two three four his her their its our every".Split(' '), StringComparer.OrdinalIgnoreCase);

    private static readonly HashSet<string> Passed = new(
        """
        a an the and or but nor so if then than that this these those there here of in on at to from by for with without
        into onto over under between about against after before during until while as is are was were be been being am
        do does did have has had having will would can could should may might must shall not no yes it its he him his she
        her hers they them their theirs we us our you your i me my mine myself who whom whose which what when where why how
        all any both each every few more most other some such only own same too very just also again once ever never
        write story stories idea ideas give make create generate please want need like love wants finds falls gets goes
        tells tell show something thing things someone anyone everyone called named set where one two three four up out
        fight fights fighting meet meets met hear hears run runs running try tries trying save saves kill kills steal steals
        open opens build builds fall leave leaves left live lives lived work works take takes hide hides help helps become
        fell discover find keep keeps turn learn feel feels know knows say says see sees come comes back
        off down because though although still yet discovers must becomes turns inherits meets learns realizes realises
        """.Split((char[])[' ', '\n', '\r'], StringSplitOptions.RemoveEmptyEntries),
        StringComparer.OrdinalIgnoreCase);

    [GeneratedRegex(@"[\p{L}\p{N}\p{M}]+(?:['’-][\p{L}\p{N}\p{M}]+)*")]
    private static partial Regex Word { get; }

    /// <returns>1 to 12 phrases, the most telling first. Input without words is quoted as it is.</returns>
    public static IReadOnlyList<KeyPhrase> Of(string input)
    {
        var found = new List<(KeyPhrase Phrase, bool Telling)>();
        var seen = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        var words = new List<string>();
        var determiner = "";
        var before = "";
        var ofPending = false;
        var end = 0;
        foreach (var match in Word.EnumerateMatches(input.AsSpan()).ToList(WordsReadMax))
        {
            var word = input.Substring(match.Index, match.Length);
            var joined = input.AsSpan(end, match.Index - end) is " ";
            end = match.Index + match.Length;
            if (joined && word == "of" && words.Count > 0 && determiner.Length > 0 && words.Count <= WordsMax - 2)
            {
                ofPending = true;
                continue;
            }

            if (words.Count > 0 && (!joined || Passed.Contains(word) || words.Count == WordsMax || IsVerb(word, determiner)))
                Take();
            if (ofPending && words.Count > 0)
                words.Add("of");
            ofPending = false;
            if (words.Count == 0)
                determiner = joined && Determiners.Contains(before) ? before.ToLowerInvariant() : "";
            before = word;
            if (!Passed.Contains(word) && !(words.Count == 0 && determiner.Length == 0 && word.Length < 3 && (char.IsAsciiLetterLower(word[0]) || char.IsAsciiDigit(word[0]))))
                words.Add(word);
        }

        Take();
        if (found.Count == 0)
            return [Whole(input)];
        return [.. found.OrderByDescending(entry => entry.Telling).Take(PhrasesMax).Select(entry => entry.Phrase)];

        void Take()
        {
            if (words.Count > 0)
            {
                var text = Cut(string.Join(' ', words));
                if (seen.Add(text))
                {
                    var isName = words.Count > 1 && words.TrueForAll(word => char.IsUpper(word[0]));
                    var phrase = determiner.Length > 0 ? $"{determiner} {text}" : isName ? text : $"“{text}”";
                    found.Add((new KeyPhrase(phrase, Capitalised(Cut(words[^1]))), determiner.Length > 0 || words.Count > 1));
                }
            }

            words.Clear();
            determiner = "";
        }
    }

    // After "a" or "an" the noun is singular: a word in -s behind it starts the predicate ("a baker opens …").
    private static bool IsVerb(string word, string determiner)
        => (determiner is "a" or "an" && word.EndsWith('s') && !word.EndsWith("ss", StringComparison.Ordinal) && !word.Contains('\''))
            || (determiner.Length > 0 && word.Length > 5
                && (word.EndsWith("ed", StringComparison.Ordinal) || word.EndsWith("ing", StringComparison.Ordinal)));

    private static KeyPhrase Whole(string input)
    {
        var text = Cut(string.Concat(input.Where(c => !char.IsControl(c) && !char.IsWhiteSpace(c) && c is not ('“' or '”'))));
        return text.Length == 0 ? new KeyPhrase("a page left blank", "Blank Page") : new KeyPhrase($"“{text}”", text);
    }

    // Whole text elements only: an emoji family or an accented letter is not taken apart.
    private static string Cut(string text)
    {
        var max = text.Any(c => c >= '\u2e80') ? LettersOfScriptsWithoutSpaces : CharactersMax;
        if (text.Length <= max)
            return text;
        var cut = 0;
        while (StringInfo.GetNextTextElementLength(text, cut) is var length && cut + length <= max)
            cut += length;

        var space = text.LastIndexOf(' ', Math.Max(cut - 1, 0));
        return space > 0 ? text[..space] : text[..cut] + "…";
    }

    private static string Capitalised(string word) => char.ToUpperInvariant(word[0]) + word[1..];

    private static List<(int Index, int Length)> ToList(this Regex.ValueMatchEnumerator matches, int max)
    {
        var list = new List<(int, int)>();
        while (list.Count < max && matches.MoveNext())
            list.Add((matches.Current.Index, matches.Current.Length));
        return list;
    }
}
