namespace Streaming.Models.Offline;

/// <summary>How a story is cut for the platform it is meant for.</summary>
/// <param name="Words">Parts of the platform's name; the first format that knows one wins.</param>
/// <param name="Notes">Clauses that end a sentence; <c>{platform}</c> is the name as the user wrote it.</param>
internal sealed record FormatNotes(string[] Words, string[] Notes)
{
    private const int NameCharactersMax = 24;

    private static readonly FormatNotes[] Known =
    [
        new(["webtoon", "manga", "manhwa", "comic", "tapas"],
        [
            "on {platform} it scrolls as weekly chapters, with the reveal always one swipe below",
            "drawn for {platform}, each chapter saves its widest panel for last",
            "for {platform} it comes as colour chapters that close on a face, not on a fact",
            "on {platform} the colours change with the teller, and the readers notice before {name} does",
            "its {platform} chapters leave the loudest moment to a panel without words",
        ]),
        new(["webnovel", "web novel", "wattpad", "royal road", "royalroad", "qidian", "起点", "晋江", "番茄", "novel", "vella",
            "radish", "inkitt", "substack", "fiction"],
        [
            "as a serial on {platform} it runs in short chapters, each ending on a question",
            "on {platform} the daily chapters alternate between what is said and what is known",
            "written for {platform}, it lets readers be one chapter ahead of {name} and two behind {rival}",
            "for {platform} it comes in arcs of ten chapters, the tenth always from the eyes of {rival}",
            "on {platform} each chapter opens with a line from a letter that arrives only at the end",
        ]),
        new(["tiktok", "reel", "short", "dramabox", "douyin", "抖音", "快手", "kuaishou", "snap",
            "vertical", "instagram", "flextv"],
        [
            "for {platform} it breaks into vertical episodes of ninety seconds, each ending on a door that opens",
            "on {platform} it plays in upright close-ups, one reversal a minute and a cliffhanger every time",
            "cut for {platform}, the first three seconds of each vertical episode show the lie and the last three the price",
            "its vertical episodes for {platform} can be watched without sound, because the eyes say otherwise",
            "in one-minute vertical episodes for {platform} it never shows a room that it cannot leave by a cliffhanger",
        ]),
        new(["podcast", "audio", "spotify", "audible", "ximalaya", "radio"],
        [
            "for {platform} it is told in voices and rooms, and one sound that returns in every episode",
            "on {platform} each half-hour opens with a message left on a machine",
            "for {platform} it lets the voices contradict each other, and the listener decide",
            "on {platform} every half-hour is one room, one night and one lie",
            "its voices for {platform} are recorded close, as if the listener were hiding there",
        ]),
        new(["film", "movie", "cinema", "feature"],
        [
            "as a feature for {platform} it takes place over four days and one long night",
            "for {platform} it is a film of three movements, the last of them almost without words",
            "on {platform} it plays in real time from the first mistake to the last",
            "as a {platform} feature it holds one long take for the moment when nobody speaks",
            "for {platform} it is told twice, and only the second telling is in colour",
        ]),
        new(["netflix", "hbo", "max", "disney", "prime", "hulu", "apple", "iqiyi", "爱奇艺", "腾讯", "优酷",
            "youku", "viki", "peacock", "paramount", "bbc", "tv", "series"],
        [
            "for {platform} it makes a series of eight hours, each told from one more point of view",
            "as a {platform} series it gives the first season to the question and the last hour to the answer",
            "on {platform} the episodes build as a binge, the cold open of each showing the end of the next",
            "for {platform} it is a limited series that changes its narrator at the halfway mark",
            "its {platform} series opens on the last day and spends six hours finding the first",
        ]),
    ];

    private static readonly FormatNotes Elsewhere = new([],
    [
        "for {platform} the episodes stand alone while one thread runs through them all",
        "on {platform} it opens small and lets the world grow with every instalment",
        "made for {platform}, it gives its audience a secret to keep from {rival}",
        "for {platform} it comes in parts that can be told in any order but one",
        "on {platform} each part answers one question and plants two",
    ]);

    private static readonly FormatNotes Anywhere = new([],
    [
        "it works as a short season or as one long evening",
        "told in instalments, it closes each on a choice rather than a shock",
        "twelve episodes would carry it, with room for a second year",
        "it starts as a chamber piece and ends in the open",
        "it wants short scenes, few rooms and one very long look"
    ]);

    public static FormatNotes For(string platform)
        => platform.Length == 0
            ? Anywhere
            : Known.FirstOrDefault(format => format.Words.Any(
                word => platform.Contains(word, StringComparison.OrdinalIgnoreCase))) ?? Elsewhere;

    /// <summary>The platform's name as a sentence can hold it; empty when there is none.</summary>
    public static string NameOf(string platform)
    {
        var words = platform.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Take(3);
        var name = string.Join(' ', words);
        var kept = name.Where(c => char.IsLetterOrDigit(c) || c is ' ' or '+' or '-' or '&').Take(NameCharactersMax);
        return string.Concat(kept).Trim();
    }
}
