using System.Text.RegularExpressions;

namespace Streaming.Models.Offline;

/// <summary>
/// Summarises a text by its own sentences: those whose words the text uses most, in their order. Nothing is invented. Linear in the text,
/// but for the sorting of its sentences.
/// </summary>
internal static partial class SummaryComposer
{
    private const int CharactersDefault = 600;

    // Shorter ones are exclamations, longer ones whole paragraphs without a full stop.
    private const int SentenceWordsMin = 4;
    private const int SentenceCharactersMax = 400;
    private const int WordCharactersMin = 4;
    private const double RepeatedShareMax = 0.6;

    [GeneratedRegex(@"[^.!?。！？…\n]+(?:[.!?…]+[""'”’»)\]]*|[。！？]+|(?=\n)|$)")]
    private static partial Regex Sentence { get; }

    // Scripts without spaces have a word in nearly every sign.
    [GeneratedRegex(@"[⺀-鿿가-힯]|[\p{L}\p{N}\p{M}]+(?:['’-][\p{L}\p{N}\p{M}]+)*")]
    private static partial Regex Word { get; }

    private readonly record struct Ranked(int Place, string Text, double Score);

    public static string Compose(OfflineRequest request)
    {
        var text = Regex.Replace(request.String("text"), @"(?<![\n])\r?\n(?![\r\n])", " ");
        var charactersMax = request.PositiveInteger("charactersMax") ?? CharactersDefault;
        var sentences = Sentence.Matches(text).Select(match => match.Value.Trim(' ', '\t', '\r', '\n', '#', '*', '_', '>', '-')).Where(sentence => sentence.Length > 0).ToList();
        var counts = new Dictionary<string, int>(StringComparer.OrdinalIgnoreCase);
        foreach (var sentence in sentences)
            foreach (var word in WordsOf(sentence))
                counts[word] = counts.GetValueOrDefault(word) + 1;

        var ranked = sentences.Select((sentence, place) => new Ranked(place, sentence, Score(sentence, counts)))
            .Where(one => one.Text.Length <= Math.Min(SentenceCharactersMax, charactersMax) && one.Score > 0)
            .OrderByDescending(one => one.Score).ThenBy(one => one.Place);
        var (chosen, told, length) = (new List<Ranked>(), new List<HashSet<string>>(), 0);
        foreach (var one in ranked)
            if (length + one.Text.Length + 1 <= charactersMax && !Repeats(one.Text, told))
            {
                chosen.Add(one);
                told.Add([.. WordsOf(one.Text)]);
                length += one.Text.Length + 1;
                if (length > charactersMax * 3 / 4)
                    break;
            }

        // Nothing is a sentence: its first words are the text's own, too.
        return chosen.Count > 0
            ? string.Join(' ', chosen.OrderBy(one => one.Place).Select(one => one.Text))
            : Beginning(text.Trim(), Math.Min(SentenceCharactersMax, charactersMax));
    }

    // Most of its words stand together in a sentence that was taken.
    private static bool Repeats(string sentence, List<HashSet<string>> told)
    {
        HashSet<string> words = [.. WordsOf(sentence)];
        return told.Exists(known => words.Count(known.Contains) > RepeatedShareMax * words.Count);
    }

    // The mean weight of its words: a long sentence is not better for being long.
    private static double Score(string sentence, Dictionary<string, int> counts)
    {
        var (sum, words) = (0.0, 0);
        foreach (var word in WordsOf(sentence))
        {
            sum += Math.Log(1 + counts[word]);
            words++;
        }

        return words < SentenceWordsMin ? 0 : sum / (words + SentenceWordsMin);
    }

    private static IEnumerable<string> WordsOf(string sentence) =>
        Word.Matches(sentence).Select(match => match.Value).Where(word => word.Length >= WordCharactersMin || word[0] >= '⺀');

    private static string Beginning(string text, int charactersMax)
    {
        if (text.Length <= charactersMax)
            return text;
        var end = char.IsHighSurrogate(text[charactersMax - 1]) ? charactersMax - 1 : charactersMax;
        return text[..end];
    }
}
