using System.Globalization;

namespace Streaming.Models.Offline;

/// <summary>One idea as the answer's JSON has it.</summary>
internal sealed record Idea(string Title, string Body);

/// <summary>Writes the ideas of the task <c>ideas</c>: each about another person, in another place, led by one genre.</summary>
internal static class IdeaComposer
{
    /// <summary>A request for more gets this many.</summary>
    public const int CountMax = 200;

    private const int CountDefault = 5;
    private const int WordsMax = 115;
    private const int TitleTriesMax = 48;

    public static IReadOnlyList<Idea> Compose(OfflineRequest request, int seed)
    {
        var choice = new SeededChoice(seed, request.Text);
        var decks = new Decks(choice, KeyPhrases.Of(request.String("userInput")));
        var genres = GenreShare.Read(request);
        var platform = FormatNotes.NameOf(request.String("selectedPlatform"));
        var notes = choice.Deck(FormatNotes.For(platform).Notes);
        var guidance = new GuidanceLines(request, choice);
        var taken = new HashSet<string>(
            request.Array("existing").Select(title => OfflineRequest.StringOf(title).Trim()), StringComparer.OrdinalIgnoreCase);

        var ideas = new List<Idea>();
        foreach (var lead in Leads(genres, CountOf(request)))
        {
            var family = lead?.Family ?? choice.From(GenrePhrases.All);
            var words = decks.Deal();
            words["platform"] = platform;
            var title = TitleOf(words, family, decks, choice, taken);
            var note = $"{Mix(lead, genres, family, choice)}; {notes.Next()}.";
            ideas.Add(new Idea(title, Body(words, decks, decks.Of(family), note, choice) + guidance.Next()));
        }

        return ideas;
    }

    private static int CountOf(OfflineRequest request)
    {
        var asked = request.Number("count") ?? CountDefault;
        return (int)Math.Clamp(asked, 0, CountMax);
    }

    // Smooth weighted round robin: at every point of the list each genre has led as often as its share says, within one.
    private static IEnumerable<GenreShare?> Leads(IReadOnlyList<GenreShare> genres, int count)
    {
        var credit = new double[genres.Count];
        for (var i = 0; i < count; i++)
        {
            if (genres.Count == 0)
            {
                yield return null;
                continue;
            }

            for (var g = 0; g < credit.Length; g++)
                credit[g] += genres[g].Share;
            var lead = Array.IndexOf(credit, credit.Max());
            credit[lead] -= 1;
            yield return genres[lead];
        }
    }

    private static string Body(
        Dictionary<string, string> words, Decks decks, FamilyDeck family, string note, SeededChoice choice)
    {
        var opening = "";
        var thread = decks.Threads.Next();
        switch (words.ContainsKey("Y") ? choice.Below(3) : -1)
        {
            case 0:
                opening = Fill(decks.Openings.Next(), words);
                thread = decks.DoubleThreads.Next();
                break;
            case > 0:
                opening = Fill(decks.PhraseOpenings.Next(), words);
                words["X"] = words["Y"];
                break;
            default:
                opening = Fill(decks.Openings.Next(), words);
                break;
        }

        var hook = Fill(family.Hooks.Next(), words);
        var pull = Fill(thread, words);
        var end = Fill(note, words);
        var length = WordsIn(opening) + WordsIn(hook) + WordsIn(pull) + WordsIn(end);

        var pressure = Optional(family.Pressures.Next());
        var twist = Optional(family.Twists.Next());
        IEnumerable<string> middle = choice.Below(2) == 0 ? [pull, pressure] : [pressure, pull];
        return string.Join(' ', new[] { opening, hook }.Concat(middle).Append(twist).Append(end).Where(s => s.Length > 0));

        string Optional(string template)
        {
            var sentence = Fill(template, words);
            if (length + WordsIn(sentence) > WordsMax)
                return "";
            length += WordsIn(sentence);
            return sentence;
        }
    }

    private static string Mix(GenreShare? lead, IReadOnlyList<GenreShare> genres, GenreFamily family, SeededChoice choice)
    {
        if (lead is null)
            return $"The tone leans towards {family.Name.ToLowerInvariant()} and leaves the door open";
        if (genres.Count == 1)
        {
            return choice.Below(2) == 0
                ? $"It is {lead.Name} from first scene to last"
                : $"Played as {lead.Name}, without apology";
        }

        var other = genres.Where(genre => genre != lead).MaxBy(genre => genre.Share)!;
        if (other.Share > lead.Share)
        {
            return $"This one lets {lead.Name} lead, "
                + $"though {other.Name} stays the larger part at about {Percent(other)} percent";
        }

        return choice.Below(2) == 0
            ? $"About {Percent(lead)} percent {lead.Name} and {Percent(other)} percent {other.Name}"
            : $"{Capitalised(lead.Name)} carries some {Percent(lead)} percent of it, with {other.Name} underneath";
    }

    private static string TitleOf(
        Dictionary<string, string> words, GenreFamily family, Decks decks, SeededChoice choice, HashSet<string> taken)
    {
        var title = "";
        for (var tries = 0; tries < TitleTriesMax; tries++)
        {
            words["noun"] = choice.From(family.Nouns);
            title = Fill(decks.Titles.Next(), words);
            if (taken.Add(title))
                return title;
        }

        var part = 2;
        while (!taken.Add($"{title}, Part {part}"))
            part++;
        return $"{title}, Part {part}";
    }

    /// <summary>Puts the words in place of <c>{their names}</c>; a capital in the name asks for one in the word.</summary>
    public static string Fill(string template, Dictionary<string, string> words)
    {
        var filled = new System.Text.StringBuilder(template.Length + 64);
        var at = 0;
        while (template.IndexOf('{', at) is var open and >= 0)
        {
            var close = template.IndexOf('}', open);
            var name = template[(open + 1)..close];
            filled.Append(template, at, open - at);
            filled.Append(words.TryGetValue(name, out var word) ? word : Capitalised(words[name.ToLowerInvariant()]));
            at = close + 1;
        }

        return filled.Append(template, at, template.Length - at).ToString();
    }

    public static string Capitalised(string text) => text.Length == 0 ? text : char.ToUpperInvariant(text[0]) + text[1..];

    private static int WordsIn(string sentence) => sentence.Count(c => c == ' ') + 1;

    private static string Percent(GenreShare genre) => Math.Round(genre.Share * 100).ToString(CultureInfo.InvariantCulture);

    private sealed record FamilyDeck(Deck<string> Hooks, Deck<string> Pressures, Deck<string> Twists);

    private sealed class Decks(SeededChoice choice, IReadOnlyList<KeyPhrase> phrases)
    {
        private readonly Deck<Person> _leads = choice.Deck(StoryPhrases.Leads);
        private readonly Deck<Person> _foils = choice.Deck(StoryPhrases.Foils);
        private readonly Deck<Place> _places = choice.Deck(StoryPhrases.Places);
        private readonly Dictionary<GenreFamily, FamilyDeck> _families = [];
        private int _dealt;

        public Deck<string> Openings { get; } = choice.Deck(StoryPhrases.Openings);
        public Deck<string> PhraseOpenings { get; } = choice.Deck(StoryPhrases.PhraseOpenings);
        public Deck<string> Threads { get; } = choice.Deck(StoryPhrases.Threads);
        public Deck<string> DoubleThreads { get; } = choice.Deck(StoryPhrases.DoubleThreads);
        public Deck<string> Titles { get; } = choice.Deck(StoryPhrases.TitlePatterns);

        public FamilyDeck Of(GenreFamily family)
        {
            if (!_families.TryGetValue(family, out var deck))
            {
                deck = new FamilyDeck(choice.Deck(family.Hooks), choice.Deck(family.Pressures), choice.Deck(family.Twists));
                _families.Add(family, deck);
            }

            return deck;
        }

        public Dictionary<string, string> Deal()
        {
            var words = Words.Of(_leads.Next(), _foils.Next(), _places.Next());
            var phrase = phrases[_dealt % phrases.Count];
            words["X"] = phrase.Text;
            words["word"] = phrase.Head;
            if (phrases.Count > 1)
                words["Y"] = phrases[(_dealt + 1) % phrases.Count].Text;
            _dealt++;
            return words;
        }
    }
}

/// <summary>The placeholders that every template may use.</summary>
internal static class Words
{
    public static Dictionary<string, string> Of(Person lead, Person foil, Place place)
    {
        var pronouns = lead.Pronouns.Split(' ');
        return new Dictionary<string, string>
        {
            ["full"] = lead.Name,
            ["desc"] = lead.Description,
            ["name"] = lead.FirstName,
            ["he"] = pronouns[0],
            ["him"] = pronouns[1],
            ["his"] = pronouns[2],
            ["foil"] = $"{foil.Description} {foil.Name}",
            ["rival"] = foil.FirstName,
            ["place"] = place.Phrase,
            ["town"] = place.Short,
        };
    }
}
