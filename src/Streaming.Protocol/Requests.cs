using System.Text.Json;

namespace Streaming.Protocol;

/// <param name="UserInput">What the person wants ideas about; required.</param>
/// <param name="SelectedPlatform">Where the stories are to appear.</param>
/// <param name="GenrePaths">Each a genre, or an array from the wide genre to the narrow one.</param>
/// <param name="GenreProportions">A number for each path, on any scale.</param>
/// <param name="IdeaCount">1 to <c>Limits:IdeasMax</c>; default 5.</param>
public sealed record IdeationRequest(
    string UserInput, string? SelectedPlatform, IReadOnlyList<JsonElement>? GenrePaths, IReadOnlyList<double>? GenreProportions, int? IdeaCount);

/// <summary>Either an idea of an ideation, or a text.</summary>
public sealed record OutlineRequest(Guid? IdeationId, int? IdeaIndex, OutlineSource? Source, int? TotalEpisodes, int? EpisodeDuration, Guid? FileId = null);

public sealed record OutlineSource(string Title, string Text);

/// <param name="BrandName">What the logo is for; required.</param>
/// <param name="Description">What the brand does, and for whom; required.</param>
/// <param name="Style">How it is to look.</param>
/// <param name="Colors">Colours to use: <c>#rrggbb</c>, or a name.</param>
public sealed record LogoRequest(string BrandName, string Description, string? Style, IReadOnlyList<string>? Colors);

/// <param name="UploadId">An upload of the user's, ready or not; required.</param>
/// <param name="Context">What it is about, for whom, what was said before.</param>
/// <param name="Language">Of the suggestions, such as <c>en</c>; none: that of the context.</param>
/// <param name="SuggestionCount">1 to 6; none: as many as the strategy makes.</param>
/// <param name="Priority"><c>standard</c> (default), <c>ideal</c>, <c>keyboard</c> or <c>urgent</c>.</param>
/// <param name="TimeBudgetMs">500 to <c>Analyses:Budget</c>; none: that of the priority.</param>
/// <param name="Reuse">Whether earlier results may be used again; default yes.</param>
public sealed record AnalysisRequest(
    Guid UploadId, string? Context, string? Language, int? SuggestionCount, string? Priority, int? TimeBudgetMs, bool? Reuse);

/// <param name="Text">What to go by from now on; required.</param>
public sealed record GuidanceRequest(string Text);

public sealed record RelayRequest(string? Title);

/// <param name="Status"><c>completed</c> (default) or <c>failed</c>.</param>
public sealed record RelayEndRequest(string? Status);

/// <summary>Messages are durable.</summary>
/// <param name="LastEventId">Event id of the last of them.</param>
/// <param name="FirstIndex">Index of the first.</param>
/// <param name="LastIndex">Index of the last.</param>
/// <param name="Duplicate">All of them were there already, from an earlier request with the same sequence.</param>
public sealed record RelayAppended(string LastEventId, int FirstIndex, int LastIndex, bool Duplicate);

public sealed record RelayEnded(Guid Id, string Status);
