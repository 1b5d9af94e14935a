using System.Globalization;
using System.Text.Json;
using Streaming.Images;

namespace Streaming.Models.Offline;

/// <summary>
/// What can be said of a picture from what was measured of it, and suggestions that go by that and by the user's words. It does
/// not know what the picture shows, and says so.
/// </summary>
internal sealed class AnalysisComposer(OfflineRequest request, int seed)
{
    private const double MuchWriting = 0.1;
    private const double SomeWriting = 0.04;
    private const int QuotedCharactersMax = 90;
    private const string Caveat = "Measured offline, not seen.";
    private const int ColorsMax = 3;

    private static readonly Dictionary<string, string[]> Angles = new()
    {
        ["direct"] = ["Say what you want in one sentence: {G}", "Keep it plain: {G}", "Get to the point: {G}"],
        ["question"] = ["Ask back: what matters most about “{G}”?", "What would you like to happen next with “{G}”?", "Which part of “{G}” should come first?"],
        ["warm"] = ["Thank you for showing me this. About “{G}”: I would love to hear more.", "This made me smile. Tell me more about “{G}”?", "I like where this is going: {G}"],
        ["short"] = ["{G}. Yes?", "Sounds good: {G}", "Let us do it: {G}"],
        ["playful"] = ["Plot twist: {G}, and then coffee.", "Ten points for the {C}. And {G}?", "If this {K} could talk, it would say: {G}"],
        ["next"] = ["Next step: note what you need for “{G}”, then send it.", "Mark the part that belongs to “{G}”, and share it.", "Put a date to it: {G}"],
        ["detail"] = ["Mind the {C} in it, it says a lot about “{G}”.", "Look at the {P} first: it decides about “{G}”.", "Compare the {C} with the rest, then answer “{G}”."],
        ["summary"] = ["In short: {S} So: {G}", "To sum it up for somebody who cannot see it: {S}", "{S} That is all one needs for “{G}”."],
    };

    public object Image(ImageFeatures? image)
    {
        if (image is null)
            return new { summary = "A picture came, but nothing of it can be measured.", kind = "unknown", details = (string[])[Caveat], colors = Array.Empty<string>(), visibleText = Array.Empty<string>() };
        string[] named = [.. (image.Colors ?? []).Take(ColorsMax).Select(color => color.Name)];
        if (IsBrief)
            return new { summary = Summary(image), kind = Kind(image), colors = named, details = (string[])[Caveat] };
        var details = new List<string> { Inv($"{image.Width} × {image.Height} pixels, {Shape(image)}.") };
        if (image.Source == ImageFeatures.FromPixels)
        {
            details.Add(Inv($"Brightness {Percent(image.Brightness)}, contrast {Percent(image.Contrast)}, colour {Percent(image.Saturation)}."));
            details.Add(Inv($"Edges on {Percent(image.EdgeDensity)} of it; {Percent(image.TextShare)} of it looks like lines of writing."));
        }

        details.Add(Caveat);
        return new
        {
            summary = Summary(image),
            kind = Kind(image),
            colors = named,
            details,
            visibleText = Array.Empty<string>(),
            features = image,
        };
    }

    public object Situation()
    {
        var context = request.String("context").Trim();
        return new
        {
            situation = context.Length == 0 ? $"Nothing was said with the picture. {SeenSummary}" : $"The user says: “{Quoted(context)}”. {SeenSummary}",
            goal = context.Length == 0 ? "say something fitting about the picture" : Goal(context),
            tone = context.Contains('!', StringComparison.Ordinal) ? "lively" : context.Contains('?', StringComparison.Ordinal) ? "curious" : "calm",
        };
    }

    public object Suggestion()
    {
        var angle = request.String("angle");
        var number = request.PositiveInteger("number") ?? 1;
        var choice = new SeededChoice(seed, $"{request.String("context")}\n{SeenSummary}\n{angle}\n{number}");
        var context = request.String("context").Trim();
        var goal = context.Length > 0 ? Goal(context) : "what the picture shows";
        var templates = Angles.GetValueOrDefault(angle, Angles["direct"]);
        var avoid = request.Array("avoid").Select(OfflineRequest.StringOf).ToHashSet(StringComparer.OrdinalIgnoreCase);
        var guidance = new GuidanceLines(request, choice);
        var deck = choice.Deck(templates);
        var text = deck.Next();
        for (var tries = 1; tries < templates.Length && avoid.Contains(Filled(text)); tries++)
            text = deck.Next();
        var written = Filled(text) + guidance.Next();
        return IsBrief ? new { text = written } : (object)new { text = written, reason = $"{Capital(angle.Length > 0 ? angle : "direct")}, from your words and what was measured." };

        string Filled(string template) => Cut(template
            .Replace("{G}", goal, StringComparison.Ordinal).Replace("{S}", SeenSummary, StringComparison.Ordinal)
            .Replace("{C}", SeenColor, StringComparison.Ordinal).Replace("{K}", SeenKind, StringComparison.Ordinal)
            .Replace("{P}", SeenKind is "screenshot" or "text" ? "writing" : "brightest part", StringComparison.Ordinal));
    }

    private string SeenSummary => Seen("summary") is { Length: > 0 } summary ? summary : "It is a picture.";

    private string SeenKind => Seen("kind") is { Length: > 0 } kind and not "unknown" ? kind : "picture";

    private string SeenColor => request.Body.TryGetProperty("imageAnalysis", out var analysis) && analysis.ValueKind == JsonValueKind.Object
        && analysis.TryGetProperty("colors", out var colors) && colors.ValueKind == JsonValueKind.Array && colors.GetArrayLength() > 0
        && OfflineRequest.StringOf(colors[0]) is { Length: > 0 } color ? color : "light";

    private bool IsBrief => request.String("detail") == "brief";

    private string Seen(string field) => request.Body.ValueKind == JsonValueKind.Object && request.Body.TryGetProperty("imageAnalysis", out var analysis)
        ? OfflineRequest.StringOf(analysis, field) : "";

    private string Cut(string text)
    {
        var most = request.PositiveInteger("charactersMax") ?? int.MaxValue;
        return text.Length <= most ? text : text[..(char.IsHighSurrogate(text[most - 2]) ? most - 2 : most - 1)] + "…";
    }

    private static string Summary(ImageFeatures image)
    {
        if (image.Source == ImageFeatures.FromHeader)
            return Inv($"A picture of {image.Width} × {image.Height} pixels; no more can be told without a decoder.");
        var light = image.Brightness switch { > 0.75 => "bright", < 0.25 => "dark", _ => "evenly lit" };
        var color = image.Colors is [var most, ..] ? $", mostly {most.Name}" : "";
        var text = image.TextShare switch { > MuchWriting => ", with much that looks like writing", > SomeWriting => ", with some lines that look like writing", _ => "" };
        return $"{(light[0] == 'e' ? "An" : "A")} {light} {Kind(image)} in {Shape(image)}{color}{text}.";
    }

    private static string Kind(ImageFeatures image) => image switch
    {
        { Source: ImageFeatures.FromHeader } => "unknown",
        { TextShare: > MuchWriting } => image.Height > image.Width ? "screenshot" : "text",
        { EdgeDensity: < 0.06, Colors.Count: >= 1 and <= 3 } => "graphic",
        _ => "photograph",
    };

    private static string Shape(ImageFeatures image) => ((double)image.Width / image.Height) switch
    {
        > 1.9 => "a wide landscape format",
        > 1.1 => "landscape format",
        > 0.9 => "a square format",
        > 0.55 => "portrait format",
        _ => "a tall portrait format",
    };

    private static string Goal(string context)
    {
        var end = context.IndexOfAny(['.', '!', '?', '\n', '。']);
        return Quoted((end > 0 ? context[..end] : context).Trim());
    }

    private static string Quoted(string text) => text.Length <= QuotedCharactersMax ? text
        : text[..(char.IsHighSurrogate(text[QuotedCharactersMax - 1]) ? QuotedCharactersMax - 1 : QuotedCharactersMax)] + "…";

    private static string Capital(string text) => text.Length == 0 ? text : char.ToUpperInvariant(text[0]) + text[1..];

    private static string Percent(double? share) => Inv($"{Math.Round(100 * (share ?? 0))} %");

    private static string Inv(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
