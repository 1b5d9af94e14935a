using System.Globalization;
using System.Net;

namespace Streaming.Models.Offline;

/// <summary>The answers of the logo tasks, as their JSON has them.</summary>
internal sealed record LogoConceptAnswer(string Title, string Idea, string[] Palette, string[] Elements);

internal sealed record LogoVariation(string Name, string[] Elements);

internal sealed record LogoSection(string Heading, string Text);

/// <summary>
/// Draws a logo from geometry: three concepts of different families, seeded by the name, the description and the style
/// alone, so that every task draws the same mark. Colours are those that were asked for, or named in guidance; else a
/// palette is drawn. The canvas is 512 by 512.
/// </summary>
internal sealed class LogoComposer
{
    private const int KeywordsMax = 5;
    private const double TextWidthMax = 440;

    private static readonly Dictionary<string, string> ColorNames = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase)
    {
        ["red"] = "#c8322f", ["orange"] = "#e8772e", ["yellow"] = "#e9b82c", ["gold"] = "#c79a2b", ["green"] = "#2f8f5b", ["teal"] = "#1f8a8a",
        ["blue"] = "#2b5fc7", ["navy"] = "#1d2f5f", ["purple"] = "#6b3fa0", ["violet"] = "#7d4fc4", ["pink"] = "#d6538f", ["brown"] = "#7a5230",
        ["black"] = "#17171c", ["grey"] = "#6d7078", ["gray"] = "#6d7078", ["white"] = "#f7f7f4",
    };

    private static readonly string[][] Palettes =
    [
        ["#1d3557", "#e63946", "#f4a261"], ["#264653", "#2a9d8f", "#e9c46a"], ["#2d1e2f", "#c1440e", "#f2a65a"], ["#0b3c49", "#13a89e", "#f2d0a4"],
        ["#3a2e6b", "#7f5af0", "#ffb86b"], ["#1b4332", "#52b788", "#d8a657"], ["#4a1942", "#c74375", "#f3b391"], ["#14213d", "#fca311", "#8ecae6"],
        ["#2b2d42", "#d90429", "#8d99ae"], ["#283618", "#bc6c25", "#dda15e"], ["#03256c", "#1768ac", "#06bee1"], ["#3d2b1f", "#a63d40", "#e9b872"],
    ];

    private static readonly (string Name, string Idea)[] Families =
    [
        ("Orbit", "rings around one still point: everything {B} does turns about the people it is for"),
        ("Bloom", "petals from a common centre, for {B} as something that grows"),
        ("Ridge", "peaks one behind the other, for what {B} sets out to reach"),
        ("Monogram", "the initials in a shape of their own, so that {B} is known by two letters"),
        ("Mosaic", "a grid that is unlike any other, the way {B} is put together"),
        ("Tide", "waves in step, for the calm with which {B} moves"),
        ("Prism", "facets around a core: {B} seen from every side"),
        ("Rays", "light from one side, for the first moment that one meets {B}"),
    ];

    private readonly string _brand;
    private readonly string _seedText;
    private readonly int _seed;
    private readonly OfflineRequest _request;
    private readonly int[] _families;
    private readonly string[][] _palettes;

    public LogoComposer(OfflineRequest request, int seed)
    {
        (_request, _seed) = (request, seed);
        _brand = request.String("brandName").Trim() is { Length: > 0 } name ? name : "Untitled";
        _seedText = $"{_brand}\n{request.String("description").Trim()}\n{request.String("style").Trim()}";
        var choice = new SeededChoice(seed, _seedText);
        var families = choice.Deck(Enumerable.Range(0, Families.Length).ToArray());
        var palettes = choice.Deck(Palettes);
        _families = [families.Next(), families.Next(), families.Next()];
        var asked = AskedColors();
        _palettes = [.. _families.Select(_ => palettes.Next()).Select(palette => asked.Concat(palette).Take(3).ToArray())];
    }

    public object Brief() => new
    {
        essence = $"{_brand} has to be recognised at a glance, and remembered for one thing: {Sentence(_request.String("description"))} (Composed offline, not by a language model.)",
        audience = "Whoever meets it for the first time: on a sign, on a screen, in a list of others.",
        keywords = Keywords(),
    };

    public IEnumerable<LogoConceptAnswer> Concepts()
    {
        var existing = _request.Array("existing").Select(OfflineRequest.StringOf).ToHashSet();
        return Enumerable.Range(0, _families.Length).Where(concept => !existing.Contains(Families[_families[concept]].Name)).Select(concept =>
        {
            var (title, idea) = Families[_families[concept]];
            return new LogoConceptAnswer(title, Capitalised(idea.Replace("{B}", _brand, StringComparison.Ordinal)) + ".", _palettes[concept],
                [.. Mark(concept, _palettes[concept])]);
        });
    }

    public object Choice()
    {
        var concept = new SeededChoice(_seed, _seedText + "\nchoice").Below(_families.Length);
        return new { concept = concept + 1, reason = $"{Families[_families[concept]].Name} keeps its shape when it is small, and says what the brief asks for." };
    }

    public string[] Drawing() => [.. Placed(Mark(Concept, Palette), 0, -56, 0.92), Wordmark(Palette[0], 600)];

    public string[] Refinement() =>
    [
        .. Placed(Mark(Concept, Palette), 0, -64, 0.86),
        $"""<rect x="226" y="452" width="60" height="6" rx="3" fill="{Palette[1]}"/>""",
        Wordmark(Palette[0], 700),
    ];

    public IEnumerable<LogoVariation> Variations()
    {
        var existing = _request.Array("existing").Select(OfflineRequest.StringOf).ToHashSet();
        string[] black = ["#111111", "#111111", "#111111"];
        string[] light = ["#ffffff", Palette[2], Palette[1]];
        LogoVariation[] all =
        [
            new("monochrome", [.. Placed(Mark(Concept, black), 0, -64, 0.86), Wordmark(black[0], 700)]),
            new("reversed", [$"""<rect width="512" height="512" fill="{Palette[0]}"/>""", .. Placed(Mark(Concept, light), 0, -64, 0.86), Wordmark(light[0], 700)]),
            new("icon", [$"""<rect x="16" y="16" width="480" height="480" rx="104" fill="{Palette[0]}"/>""", .. Placed(Mark(Concept, light), 0, 0, 1.05)]),
        ];
        return all.Where(variation => !existing.Contains(variation.Name));
    }

    public IEnumerable<LogoSection> Guidelines()
    {
        var guidance = _request.Array("guidance").Select(OfflineRequest.StringOf).Where(text => text.Trim().Length > 0).ToList();
        yield return new("What it stands for", Capitalised(Families[_families[Concept]].Idea.Replace("{B}", _brand, StringComparison.Ordinal)) + ".");
        yield return new("Clear space", "Leave a quarter of the mark's width free on every side. The logo is not smaller than 24 mm or 96 pixels; below that, use the icon.");
        yield return new("Colours", $"{string.Join(", ", Palette)}. The first is for text and dark grounds, the others are accents.");
        yield return new("On dark grounds", "Use the reversed logo. In one colour, use the monochrome one.");
        yield return new("What not to do", "Do not stretch, outline, turn or shade it, and put nothing between mark and name.");
        if (guidance.Count > 0)
            yield return new("As it was asked", string.Join(" ", guidance));
        yield return new("How it was made", "By the offline generator: composed from geometry and tables, without a language model.");
    }

    private int Concept => _request.Body.TryGetProperty("choice", out var choice) && choice.TryGetProperty("concept", out var number)
        && number.TryGetInt32(out var concept) && concept >= 1 && concept <= _families.Length ? concept - 1 : 0;

    private string[] Palette => _palettes[Concept];

    /// <summary>The elements of a mark, centred on 256,256, about 300 wide.</summary>
    private IEnumerable<string> Mark(int concept, string[] colors)
    {
        var choice = new SeededChoice(_seed, $"{_seedText}\nconcept {concept}");
        var (a, b, c) = (colors[0], colors[1], colors[2]);
        return Families[_families[concept]].Name switch
        {
            "Orbit" => Orbit(choice, a, b, c),
            "Bloom" => Bloom(choice, a, b, c),
            "Ridge" => Ridge(choice, a, b, c),
            "Monogram" => Monogram(choice, a, b, c),
            "Mosaic" => Mosaic(choice, a, b, c),
            "Tide" => Tide(choice, a, b, c),
            "Prism" => Prism(choice, a, b, c),
            _ => Rays(choice, a, b, c),
        };
    }

    private static IEnumerable<string> Orbit(SeededChoice choice, string a, string b, string c)
    {
        var rings = 2 + choice.Below(3);
        for (var ring = 0; ring < rings; ring++)
        {
            var radius = 60 + ring * (92.0 / (rings - 1));
            var gap = 0.2 + choice.Below(30) / 100.0;
            var length = 2 * Math.PI * radius;
            yield return $"""<circle cx="256" cy="256" r="{N(radius)}" fill="none" stroke="{(ring % 2 == 0 ? a : b)}" stroke-width="{N(34.0 - 5 * rings)}" stroke-linecap="round" stroke-dasharray="{N(length * (1 - gap))} {N(length * gap)}" transform="rotate({choice.Below(360)} 256 256)"/>""";
        }

        yield return $"""<circle cx="256" cy="256" r="{26 + choice.Below(12)}" fill="{c}"/>""";
        var angle = choice.Below(360) * Math.PI / 180;
        yield return $"""<circle cx="{N(256 + 152 * Math.Cos(angle))}" cy="{N(256 + 152 * Math.Sin(angle))}" r="20" fill="{b}"/>""";
    }

    private static IEnumerable<string> Bloom(SeededChoice choice, string a, string b, string c)
    {
        var petals = 5 + choice.Below(5);
        var (wide, turn) = (24 + choice.Below(26), choice.Below(60));
        for (var petal = 0; petal < petals; petal++)
            yield return $"""<ellipse cx="256" cy="{N(256 - 92.0)}" rx="{wide}" ry="72" fill="{(petal % 2 == 0 ? a : b)}" fill-opacity="0.88" transform="rotate({N(turn + 360.0 * petal / petals)} 256 256)"/>""";
        yield return $"""<circle cx="256" cy="256" r="{28 + choice.Below(16)}" fill="{c}"/>""";
    }

    private static IEnumerable<string> Ridge(SeededChoice choice, string a, string b, string c)
    {
        yield return $"""<circle cx="{200 + choice.Below(120)}" cy="{148 + choice.Below(30)}" r="{30 + choice.Below(18)}" fill="{c}"/>""";
        string[] fills = [b, a, b];
        var count = 2 + choice.Below(2);
        for (var peak = 0; peak < count; peak++)
        {
            var x = 150 + peak * (212 / (count - 1)) + choice.Below(20) - 10;
            yield return $"""<polygon points="{x - 96},380 {x},{150 + 34 * (peak % 2) + choice.Below(50)} {x + 96},380" fill="{fills[peak]}" fill-opacity="{N(1 - 0.12 * peak)}"/>""";
        }

        yield return $"""<rect x="84" y="380" width="344" height="16" rx="8" fill="{a}"/>""";
    }

    private IEnumerable<string> Monogram(SeededChoice choice, string a, string b, string c)
    {
        yield return choice.Below(3) switch
        {
            0 => $"""<circle cx="256" cy="256" r="150" fill="{a}"/>""",
            1 => $"""<rect x="112" y="112" width="288" height="288" rx="{20 + choice.Below(70)}" fill="{a}"/>""",
            _ => $"""<polygon points="{Polygon(6, 160, choice.Below(30))}" fill="{a}"/>""",
        };
        yield return $"""<path d="M 120 {N(330 + choice.Below(30))} Q 256 {N(270 + choice.Below(60))} 392 {N(330 + choice.Below(30))}" fill="none" stroke="{c}" stroke-width="12" stroke-linecap="round"/>""";
        var initials = Initials();
        var fill = a == b ? "#ffffff" : a is "#ffffff" ? b : "#ffffff";
        yield return $"""<text x="256" y="{N(256 + 46.0)}" text-anchor="middle" font-family="Georgia, serif" font-weight="700" font-size="{(initials.Length > 1 ? 132 : 168)}" fill="{fill}">{WebUtility.HtmlEncode(initials)}</text>""";
    }

    private static IEnumerable<string> Mosaic(SeededChoice choice, string a, string b, string c)
    {
        string[] fills = [a, b, a, c];
        var round = choice.Below(2) == 0;
        for (var row = 0; row < 5; row++)
            for (var column = 0; column < 3; column++)
            {
                if (choice.Below(3) == 0 && (row, column) is not (2, 2))
                    continue;
                var fill = choice.From(fills);
                foreach (var place in column == 2 ? (int[])[2] : [column, 4 - column])
                    yield return round
                        ? $"""<circle cx="{136 + 60 * place}" cy="{136 + 60 * row}" r="27" fill="{fill}"/>"""
                        : $"""<rect x="{110 + 60 * place}" y="{110 + 60 * row}" width="52" height="52" rx="8" fill="{fill}"/>""";
            }
    }

    private static IEnumerable<string> Tide(SeededChoice choice, string a, string b, string c)
    {
        var (height, waves) = (24 + choice.Below(34), 3 + choice.Below(3));
        yield return $"""<circle cx="{206 + choice.Below(100)}" cy="160" r="{34 + choice.Below(20)}" fill="{c}"/>""";
        for (var wave = 0; wave < waves; wave++)
        {
            var y = 400 - 176.0 * wave / waves;
            yield return $"""<path d="M 106 {N(y)} q 50 {-height} 100 0 t 100 0 t 100 0" fill="none" stroke="{(wave % 2 == 0 ? a : b)}" stroke-width="{N(96.0 / waves)}" stroke-linecap="round"/>""";
        }
    }

    private static IEnumerable<string> Prism(SeededChoice choice, string a, string b, string c)
    {
        var (sides, turn) = (3 + choice.Below(5), choice.Below(90));
        var outer = Corners(sides, 158, turn);
        var inner = Corners(sides, 50 + choice.Below(40), turn + choice.Below(50));
        string[] fills = [a, b, c];
        for (var side = 0; side < sides; side++)
        {
            var next = (side + 1) % sides;
            yield return $"""<polygon points="{outer[side]} {outer[next]} {inner[next]} {inner[side]}" fill="{fills[side % 3]}" fill-opacity="{N(0.8 + 0.2 * (side % 2))}"/>""";
        }
    }

    private static IEnumerable<string> Rays(SeededChoice choice, string a, string b, string c)
    {
        var (rays, x) = (7 + choice.Below(7), 216 + choice.Below(80));
        for (var ray = 0; ray < rays; ray++)
            yield return $"""<rect x="{x - 7}" y="{N(110 + choice.Below(24))}" width="14" height="86" rx="7" fill="{(ray % 3 == 1 ? b : a)}" transform="rotate({N(-84 + 168.0 * ray / (rays - 1))} {x} 336)"/>""";
        yield return $"""<path d="M {x - 88} 348 a 88 88 0 0 1 176 0 z" fill="{c}"/>""";
        yield return $"""<rect x="106" y="366" width="300" height="14" rx="7" fill="{a}"/>""";
    }

    private string Wordmark(string fill, int weight)
    {
        // About 0.6 of the font size a character; textLength keeps a name that is wider on the canvas.
        var size = Math.Min(58, TextWidthMax / (0.6 * Math.Max(1, new StringInfo(_brand).LengthInTextElements)));
        var fitted = size < 20 ? $" textLength=\"{N(TextWidthMax)}\" lengthAdjust=\"spacingAndGlyphs\"" : "";
        return $"""<text x="256" y="432" text-anchor="middle" font-family="Helvetica, Arial, sans-serif" font-weight="{weight}" font-size="{N(size)}"{fitted} fill="{fill}">{WebUtility.HtmlEncode(Printable(_brand))}</text>""";
    }

    private static IEnumerable<string> Placed(IEnumerable<string> elements, double dx, double dy, double scale) => elements.Select(element =>
        $"""<g transform="translate({N(256 + dx)} {N(256 + dy)}) scale({N(scale)}) translate(-256 -256)">{element}</g>""");

    private static string Polygon(int sides, double radius, double turn) => string.Join(' ', Corners(sides, radius, turn));

    private static string[] Corners(int sides, double radius, double turn) =>
    [
        .. Enumerable.Range(0, sides).Select(side => (turn + 360.0 * side / sides) * Math.PI / 180)
            .Select(angle => $"{N(256 + radius * Math.Cos(angle))},{N(256 + radius * Math.Sin(angle))}"),
    ];

    private string Initials()
    {
        var words = _brand.Split([' ', '-', '_', '&', '.'], StringSplitOptions.RemoveEmptyEntries)
            .Select(word => StringInfo.GetNextTextElement(word)).Where(first => char.IsLetterOrDigit(first, 0)).Take(2).ToArray();
        return words.Length == 0 ? "•" : string.Concat(words).ToUpperInvariant();
    }

    private IEnumerable<string> AskedColors()
    {
        var guidance = _request.Array("guidance").Select(OfflineRequest.StringOf).Reverse()
            .SelectMany(text => text.Split([' ', ',', '.', ';', ':', '!', '?', '\n'], StringSplitOptions.RemoveEmptyEntries)).Where(IsColor);
        return guidance.Concat(_request.Array("colors").Select(OfflineRequest.StringOf).Where(IsColor))
            .Select(color => ColorNames.TryGetValue(color, out var known) ? known : color.ToLowerInvariant()).Distinct();

        static bool IsColor(string text) => ColorNames.ContainsKey(text) || (text is ['#', ..] && text.Length is 4 or 7 && text.Skip(1).All(char.IsAsciiHexDigit));
    }

    private string[] Keywords()
    {
        var words = _request.String("description").Split([' ', ',', '.', ';', ':', '!', '?', '\n'], StringSplitOptions.RemoveEmptyEntries)
            .Where(word => word.Length > 4).Select(word => word.ToLowerInvariant()).Distinct().Take(KeywordsMax).ToArray();
        return words.Length > 0 ? words : ["clear", "plain", "lasting"];
    }

    private static string Sentence(string text)
    {
        var plain = text.Trim().ReplaceLineEndings(" ");
        var end = plain.IndexOfAny(['.', '!', '?', '。']);
        return (end > 0 ? plain[..end] : plain) + ".";
    }

    // XML has no control characters, not even escaped ones.
    private static string Printable(string text) => string.Concat(text.Where(c => !char.IsControl(c) && c is not ('\uFFFE' or '\uFFFF')));

    private static string Capitalised(string text) => IdeaComposer.Capitalised(text);

    private static string N(double number) => Math.Round(number, 1).ToString(CultureInfo.InvariantCulture);
}
