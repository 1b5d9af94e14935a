namespace Streaming.Configuration;

/// <summary>Section <c>Analyses</c>: how long an analysis of a picture may take, and what it does within that.</summary>
public sealed class AnalysisOptions
{
    /// <summary>Analyses that this process runs at once; default 16. Further ones stay queued in the database.</summary>
    public int Concurrency { get; set; } = 16;

    /// <summary>When an analysis is to be over, counted from its request; default 12 s. No request can ask for more.</summary>
    public TimeSpan Budget { get; set; } = TimeSpan.FromSeconds(12);

    /// <summary>The same of one with the priority <c>ideal</c>; default 8 s.</summary>
    public TimeSpan IdealBudget { get; set; } = TimeSpan.FromSeconds(8);

    /// <summary>The same of one with the priority <c>keyboard</c>; default 6 s.</summary>
    public TimeSpan KeyboardBudget { get; set; } = TimeSpan.FromSeconds(6);

    /// <summary>The same of one with the priority <c>urgent</c>; default 4 s.</summary>
    public TimeSpan UrgentBudget { get; set; } = TimeSpan.FromSeconds(4);

    /// <summary>Probability, 0-1, with which a strategy must be over in time to be chosen; default 0.9.</summary>
    public double WithinBudgetMin { get; set; } = 0.9;

    /// <summary>Share, 0-1, of the recent analyses with a strategy that may have taken longer than is left; default 0.2. One with more is not chosen.</summary>
    public double MissesMax { get; set; } = 0.2;

    /// <summary>How far back analyses are looked at; default 1 h. One of a sixth of that age counts half.</summary>
    public TimeSpan HistoryAge { get; set; } = TimeSpan.FromHours(1);

    /// <summary>Characters of <c>context</c> at most; default 4,000.</summary>
    public int ContextCharactersMax { get; set; } = 4000;

    /// <summary>Characters of one suggestion at most; default 500. A longer one is rejected.</summary>
    public int SuggestionCharactersMax { get; set; } = 500;

    /// <summary>How long the self-test waits for its analysis; default 20 s.</summary>
    public TimeSpan SelfTestTimeout { get; set; } = TimeSpan.FromSeconds(20);
}
