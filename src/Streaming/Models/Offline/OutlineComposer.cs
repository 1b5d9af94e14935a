using System.Buffers;
using System.Globalization;

namespace Streaming.Models.Offline;

/// <summary>The answers of the outline tasks, as their JSON has them.</summary>
internal sealed record OutlineCharacter(string Name, string Role, string Description);

internal sealed record OutlineStage(string Title, string Episodes, string Summary);

/// <summary>
/// Writes the three parts of an outline. Its tasks come one by one, so whatever they share is drawn from the title and
/// the text alone: the same people in the same place, those of the text where the text is an idea of ours. The genres
/// are those that were asked for, the largest first; without any, the one that the text names, or a drawn one. How many
/// characters and stages there are is drawn from title and text too: what is in <c>existing</c> is left out, and the rest
/// fits to it.
/// </summary>
internal sealed class OutlineComposer
{
    private const int NameCharactersMax = 60;
    private const int TextWordsQuoted = 60;

    private const int EpisodesDefault = 12;

    private static readonly SearchValues<char> SentenceEnds = SearchValues.Create(".!?。！？");

    private readonly OfflineRequest _request;
    private readonly SeededChoice _choice;
    private readonly SeededChoice _shared;
    private readonly GuidanceLines _guidance;
    private readonly string _title;
    private readonly string _text;
    private readonly Person _lead;
    private readonly Person _foil;
    private readonly Place _place;
    private readonly GenreFamily _genre;
    private readonly string _genreText;
    private readonly IReadOnlyList<string> _supporting;
    private readonly Dictionary<string, string> _words;

    public OutlineComposer(OfflineRequest request, int seed)
    {
        _request = request;
        _title = request.String("title").Trim();
        _text = request.String("text").Trim();
        var shared = new SeededChoice(seed, _title + "\n" + _text);
        _lead = NamedIn(StoryPhrases.Leads, lead => lead.Name) ?? Protagonist.In(_text, shared.From(StoryPhrases.Leads));
        _foil = NamedIn(StoryPhrases.Foils, foil => foil.Name) ?? shared.From(StoryPhrases.Foils);
        _place = NamedIn(StoryPhrases.Places, place => place.Short) ?? shared.From(StoryPhrases.Places);
        var family = NamedIn(GenrePhrases.All, family => family.Name) ?? shared.From(GenrePhrases.All);
        var asked = GenreShare.Read(request).OrderByDescending(share => share.Share).ToArray();
        _genre = asked.Length > 0 ? asked[0].Family : family;
        var genre = asked.Length > 0 ? asked[0].Name : family.Name.ToLowerInvariant();
        var others = asked.Length > 1 ? "with " + string.Join(" and ", asked.Skip(1).Select(other => other.Name)) : "";
        _genreText = IdeaComposer.Capitalised(genre) + (others.Length > 0 ? $", {others}" : "");
        var names = shared.Deck(OutlinePhrases.SupportingNames);
        _supporting = [.. OutlinePhrases.SupportingRoles.Select(_ => names.Next())];

        _shared = shared;
        _choice = new SeededChoice(seed, request.Text);
        _guidance = new GuidanceLines(request, _choice);
        _words = Words.Of(_lead, _foil, _place);
        _words["name"] = ShortNameOf(_lead.Name);
        _words["ally"] = FirstNameOf(_supporting[0]);
        _words["third"] = FirstNameOf(_supporting[1]);
        _words["episodes"] = EpisodeCount == 1 ? "acts" : $"{EpisodeCount.ToString(CultureInfo.InvariantCulture)} episodes";
        _words["genre"] = $"{genre} {others}".TrimEnd();
    }

    private int EpisodeCount => _request.PositiveInteger("totalEpisodes") ?? EpisodesDefault;

    /// <summary>Texts by name, in their order.</summary>
    public IReadOnlyDictionary<string, string> Premise()
    {
        var phrases = KeyPhrases.Of(_text.Length > 0 ? _text : _title);
        _words["X"] = phrases[0].Text;
        var points = _choice.Deck(OutlinePhrases.SellingPoints);
        var start = Beginning();
        var namesLead = start.Contains(_lead.Name, StringComparison.Ordinal);
        string[] synopsis =
        [
            start.Length > 0 ? start : Fill(_choice.From(OutlinePhrases.Synopses)),
            namesLead ? "" : Fill(_choice.From(OutlinePhrases.Synopses)),
            NotYetTold(_genre.Pressures), NotYetTold(_genre.Twists), Fill(_choice.From(OutlinePhrases.Endings)),
        ];
        var premise = new Dictionary<string, string>
        {
            ["title"] = _title.Length > 0 ? _title : Fill("The " + _choice.From(_genre.Nouns) + " of {town}"),
            ["genre"] = _genreText,
            ["sellingPoints"] = $"1. {Fill(points.Next())}\n2. {Fill(points.Next())}\n3. {Fill(points.Next())}",
            ["setting"] = $"{IdeaComposer.Capitalised(_place.Phrase)}. {_place.Rule} {Length()}",
            ["synopsis"] = string.Join(' ', synopsis.Where(sentence => sentence.Length > 0).Distinct()) + _guidance.Next(),
        };
        foreach (var existing in _request.Names("existing"))
            premise.Remove(existing);
        return premise;
    }

    public IReadOnlyList<OutlineCharacter> Characters()
    {
        var characters = new List<OutlineCharacter>
        {
            new(_lead.Name, "Protagonist", Fill(_choice.From(OutlinePhrases.LeadDescriptions))),
            new(_foil.Name, "Antagonist", Describe(_foil.Name, OutlinePhrases.FoilDescriptions)),
        };
        var count = 2 + _shared.Below(OutlinePhrases.SupportingRoles.Length - 1);
        foreach (var (role, name) in OutlinePhrases.SupportingRoles.Zip(_supporting).Take(count))
            characters.Add(new OutlineCharacter(name, role.Role, Describe(name, role.Descriptions)));
        var existing = _request.Array("existing").Select(OfflineRequest.StringOf).ToHashSet();
        return [.. characters.Where(one => !existing.Contains(one.Name)).Select(one => one with { Description = one.Description + _guidance.Next() })];
    }

    public IReadOnlyList<OutlineStage> Stages()
    {
        // The characters may have been written by another model, or edited by the user: they outrank our own cast.
        string[] places = ["name", "rival", "ally", "third"];
        var given = _request.Array("characters")
            .Select(character => ShortNameOf(OfflineRequest.StringOf(character, "name")))
            .Where(name => name.Length > 0);
        foreach (var (place, name) in places.Zip(given))
            _words[place] = name;

        // The first two steps and the last are always told; shorter outlines leave out some in between.
        var count = 4 + _shared.Below(OutlinePhrases.Steps.Length - 3);
        var steps = OutlinePhrases.Steps.ToList();
        while (steps.Count > count)
            steps.RemoveAt(2 + _shared.Below(steps.Count - 3));

        return [.. steps.Select((step, i) => new OutlineStage(
                Fill(_choice.From(step.Titles)), Episodes(i, steps.Count), Fill(_choice.From(step.Summaries)) + _guidance.Next()))
            .Skip(_request.Array("existing").Count())];
    }

    // Every episode is in a stage; with fewer episodes than stages, neighbours share one.
    private string Episodes(int stage, int stages)
    {
        var first = ((long)EpisodeCount * stage / stages) + 1;
        var last = Math.Max(first, (long)EpisodeCount * (stage + 1) / stages);
        return first == last
            ? first.ToString(CultureInfo.InvariantCulture)
            : string.Create(CultureInfo.InvariantCulture, $"{first}-{last}");
    }

    private string Length()
    {
        var episodes = EpisodeCount == 1 ? "It fits into a single episode" : Fill("It unfolds over {episodes}");
        var platform = FormatNotes.NameOf(_request.String("selectedPlatform"));
        var end = platform.Length > 0 ? $", made for {platform}." : ".";
        if (_request.PositiveInteger("episodeDuration") is not { } minutes)
            return episodes + end;
        var unit = minutes == 1 ? "minute" : "minutes";
        var each = EpisodeCount == 1 ? "" : " each";
        return string.Create(CultureInfo.InvariantCulture, $"{episodes} of {minutes} {unit}{each}{end}");
    }

    // Whole sentences from the start of the text, or its first words where the first sentence does not end.
    private string Beginning()
    {
        var words = _text.Split((char[]?)null, TextWordsQuoted + 1, StringSplitOptions.RemoveEmptyEntries)
            .Take(TextWordsQuoted)
            .Select(word => word.Length > NameCharactersMax ? word[..Whole(word, NameCharactersMax)] + "…" : word);
        var text = string.Join(' ', words);
        var end = text.AsSpan().LastIndexOfAny(SentenceEnds);
        if (text.Length == 0 || end >= 0)
            return end < 0 ? "" : text[..(end + 1)];
        return text.TrimEnd(',', ';', ':', '-') + ".";
    }

    private string Fill(string template) => IdeaComposer.Fill(template, _words);

    private string NotYetTold(IEnumerable<string> templates)
    {
        var left = templates.Select(Fill).Where(sentence => !_text.Contains(sentence, StringComparison.Ordinal)).ToArray();
        return left.Length > 0 ? _choice.From(left) : "";
    }

    private string Describe(string name, IReadOnlyList<string> descriptions)
    {
        _words["self"] = FirstNameOf(name);
        return Fill(_choice.From(descriptions));
    }

    private T? NamedIn<T>(IEnumerable<T> items, Func<T, string> name) where T : class
        => items
            .Select(item => (Item: item, At: _text.IndexOf(name(item), StringComparison.OrdinalIgnoreCase)))
            .Where(found => found.At >= 0)
            .OrderBy(found => found.At)
            .FirstOrDefault().Item;

    private static string FirstNameOf(string name) => name.Split(' ')[0];

    // One of our own names is told by its first half; a stranger's is kept whole, it may be "Dr. Wu".
    private static string ShortNameOf(string name)
    {
        var known = OutlinePhrases.SupportingNames.Contains(name)
            || StoryPhrases.Leads.Concat(StoryPhrases.Foils).Any(person => person.Name == name);
        var text = string.Join(' ', name.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        return known ? FirstNameOf(text) : text[..Whole(text, NameCharactersMax)];
    }

    // The most characters up to the bound that do not part a surrogate pair.
    private static int Whole(string text, int max)
        => text.Length <= max ? text.Length : char.IsHighSurrogate(text[max - 1]) ? max - 1 : max;
}
