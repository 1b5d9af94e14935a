namespace Streaming.Models.Offline;

/// <summary>
/// What the user has said while the answer was being written (<c>guidance</c> in the request), as a sentence for each
/// further text: the newest words are in every one of them, so that a person sees that they are heeded.
/// </summary>
internal sealed class GuidanceLines
{
    private const int GuidancesMax = 3;
    private const int QuotedCharactersMax = 80;

    // To make something of what is to be left out would be the opposite of what was asked: such words are quoted.
    private static readonly HashSet<string> Negations = new(
        ["no", "not", "don't", "don’t", "do", "without", "never", "avoid", "less", "fewer", "remove", "drop", "stop", "skip"], StringComparer.OrdinalIgnoreCase);

    private static readonly string[] Templates =
    [
        "As you asked, {G} is part of it.",
        "And because you asked for it, {G} changes everything.",
        "This is also where {G} comes in, as you wished.",
        "In the end it all turns on {G}, just as you said.",
    ];

    private readonly IReadOnlyList<IReadOnlyList<string>> _guidances;
    private readonly Deck<string>? _templates;
    private int _told;

    public GuidanceLines(OfflineRequest request, SeededChoice choice)
    {
        _guidances = [.. request.Array("guidance").Select(OfflineRequest.StringOf).Where(text => text.Trim().Length > 0)
            .TakeLast(GuidancesMax).Select(PhrasesOf)];
        if (_guidances.Count > 0)
            _templates = choice.Deck(Templates);
    }

    /// <summary>The next sentence, with a space before it; empty when nothing was said.</summary>
    public string Next()
    {
        if (_templates is null)
            return "";
        var phrases = _guidances.Select(guidance => guidance[_told % guidance.Count]).Distinct().ToArray();
        _told++;
        var joined = phrases.Length == 1 ? phrases[0] : $"{string.Join(", ", phrases[..^1])} and {phrases[^1]}";
        return " " + _templates.Next().Replace("{G}", joined, StringComparison.Ordinal);
    }

    private static IReadOnlyList<string> PhrasesOf(string text)
    {
        if (Negations.Contains(text.Split((char[]?)null, 2, StringSplitOptions.RemoveEmptyEntries)[0]))
            return [$"the wish “{Quoted(text.Trim())}”"];
        var phrases = KeyPhrases.Of(text).Select(phrase => phrase.Text).ToArray();
        // Single words are in quotes; beside "a dragon" the word “Add” says nothing.
        var telling = phrases.Where(phrase => !phrase.StartsWith('“')).ToArray();
        return telling.Length > 0 ? telling : phrases;
    }

    private static string Quoted(string text)
        => text.Length <= QuotedCharactersMax ? text
            : text[..(char.IsHighSurrogate(text[QuotedCharactersMax - 1]) ? QuotedCharactersMax - 1 : QuotedCharactersMax)] + "…";
}
