using System.Text.Json;

namespace Streaming.Protocol;

/// <summary>The analysis of a picture: what was asked, how it is gone about, and what has come of it.</summary>
public sealed record AnalysisState : SessionState
{
    public required string? Context { get; init; }
    public required string? Language { get; init; }

    /// <summary><c>standard</c>, <c>ideal</c>, <c>keyboard</c> or <c>urgent</c>.</summary>
    public required string Priority { get; init; }

    /// <summary>When it is to be over, from the request.</summary>
    public required int BudgetMs { get; init; }

    /// <summary>How many were asked for; none: as many as the strategy makes.</summary>
    public required int? SuggestionCount { get; init; }

    /// <summary>Whether earlier results may be used again.</summary>
    public required bool Reuse { get; init; }

    /// <summary>The upload that the picture is of, if it is one.</summary>
    public required Guid? UploadId { get; init; }
    public required ReceivedImage Image { get; init; }

    /// <summary><c>ultra_fast</c>, <c>fast</c>, <c>standard</c> or <c>comprehensive</c>; with the next two, once a worker has taken it.</summary>
    public string? Strategy { get; init; }

    /// <summary>Why that one, for a person.</summary>
    public string? Why { get; init; }

    /// <summary>How long it was to take, from the request; the median.</summary>
    public long? PredictedMs { get; init; }
    public ImageAnalysis? ImageAnalysis { get; init; }
    public Situation? Situation { get; init; }

    /// <summary>As they come; once they are validated, those that were accepted.</summary>
    public required IReadOnlyList<Suggestion> Suggestions { get; init; }

    /// <summary>Those that were not, and why; once they are validated.</summary>
    public IReadOnlyList<RejectedSuggestion>? Rejected { get; init; }

    /// <summary><c>full</c> or <c>partial</c>: an earlier result was used again.</summary>
    public string? Cache { get; init; }

    /// <summary>From the request to the result.</summary>
    public long? ElapsedMs { get; init; }
    public bool? WithinBudget { get; init; }
}

/// <summary>What was seen in a picture.</summary>
/// <param name="Summary">What is to be seen, in one or two sentences.</param>
/// <param name="Kind">What kind of picture: <c>screenshot</c>, <c>photograph</c>, as the model calls it.</param>
/// <param name="Details">What else was seen.</param>
/// <param name="Colors">The main ones, by name.</param>
/// <param name="VisibleText">What is written in it.</param>
/// <param name="Features">What was measured; of the offline generator.</param>
public sealed record ImageAnalysis(string Summary, string? Kind, IReadOnlyList<string> Details, IReadOnlyList<string> Colors, IReadOnlyList<string> VisibleText, JsonElement? Features = null);

/// <summary>What is going on.</summary>
/// <param name="Text">What is going on, from the picture and the context.</param>
/// <param name="Goal">What the user wants.</param>
/// <param name="Tone">How to speak; none if that was not asked.</param>
/// <param name="Source"><c>model</c>; <c>as_given</c>: the strategy took the user's words as they are.</param>
public sealed record Situation(string Text, string Goal, string? Tone, string Source);

/// <summary>What the user could say or do next.</summary>
/// <param name="Position">Its place, from 0.</param>
/// <param name="Text">The suggestion.</param>
/// <param name="Reason">Why it fits; none where a strategy asks for few words.</param>
public sealed record Suggestion(int Position, string Text, string? Reason = null);

/// <summary>A suggestion that is not to be used.</summary>
/// <param name="Position">Of the suggestion.</param>
/// <param name="Reason"><c>empty</c>, <c>too_long</c>, <c>duplicate</c>, <c>unsafe</c> or <c>language</c>.</param>
public sealed record RejectedSuggestion(int Position, string Reason);
