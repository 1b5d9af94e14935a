namespace Streaming.Pipelines.Analysis;

/// <summary>How thoroughly an analysis goes about it: what is sent, what is asked for, and how often.</summary>
/// <param name="Name">As clients know it.</param>
/// <param name="Rank">0 for the quickest.</param>
/// <param name="EdgePixels">Longest side of the picture that the model is sent.</param>
/// <param name="Suggestions">How many are generated, unless fewer are asked for.</param>
/// <param name="Detail"><c>brief</c>, <c>normal</c> or <c>full</c>: what the model is asked for.</param>
/// <param name="OutputTokensMax">Of one answer.</param>
/// <param name="AsksForContext">Whether the model is asked what the situation is; else the user's words are taken as they are.</param>
/// <param name="ShowsImageAgain">Whether each suggestion is made with the picture itself, and not with its description alone.</param>
/// <param name="Regenerates">Whether suggestions that are rejected are made anew, once.</param>
/// <param name="Prior">Median duration to expect before there is any history.</param>
/// <param name="LoadMax">Analyses running and queued, as a share of the places, with which it is still chosen.</param>
public sealed record AnalysisStrategy(
    string Name, int Rank, int EdgePixels, int Suggestions, string Detail, int OutputTokensMax, bool AsksForContext, bool ShowsImageAgain, bool Regenerates,
    TimeSpan Prior, double LoadMax)
{
    public static AnalysisStrategy UltraFast { get; } = new("ultra_fast", 0, 448, 2, "brief", 250, false, false, false, TimeSpan.FromSeconds(1.8), double.PositiveInfinity);

    public static AnalysisStrategy Fast { get; } = new("fast", 1, 768, 3, "brief", 400, false, false, true, TimeSpan.FromSeconds(2.9), 2);

    public static AnalysisStrategy Standard { get; } = new("standard", 2, 1024, 4, "normal", 700, true, false, true, TimeSpan.FromSeconds(5.5), 1);

    public static AnalysisStrategy Comprehensive { get; } = new("comprehensive", 3, 1568, 6, "full", 1200, true, true, true, TimeSpan.FromSeconds(9), 0.5);

    /// <summary>Whether the model is asked for as few words as will do.</summary>
    public bool IsBrief => Detail == "brief";

    /// <summary>
    /// Lowest rank of an earlier analysis whose results do for this one: quick ones do for quick ones, thorough ones for all. What is chosen goes by the
    /// moment; the same request a minute later must not be a stranger to the first.
    /// </summary>
    public int ReusableRankMin => Rank >= Standard.Rank ? Standard.Rank : UltraFast.Rank;

    /// <summary>From the quickest to the most thorough.</summary>
    public static IReadOnlyList<AnalysisStrategy> All { get; } = [UltraFast, Fast, Standard, Comprehensive];

    /// <summary>Suggestions that a request can ask for at most.</summary>
    public static int SuggestionsMax => Comprehensive.Suggestions;

    public static AnalysisStrategy Named(string name) => All.First(strategy => strategy.Name == name);
}
