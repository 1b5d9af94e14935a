using System.Text.Json;
using System.Text.Json.Serialization;

namespace Streaming.Protocol;

/// <summary>What every kind's state has. <c>status</c>: <c>queued, streaming, paused, completed, failed, cancelled</c>.</summary>
public abstract record SessionState
{
    public required Guid Id { get; init; }
    public required string Kind { get; init; }
    public required string Status { get; init; }

    /// <summary>Who generates: <c>offline</c>, <c>openai</c>, <c>anthropic</c>; none for a relay.</summary>
    public string? Provider { get; init; }
    public string? Model { get; init; }

    /// <summary>What the user has said to guide it, in order; none for a relay.</summary>
    public IReadOnlyList<GuidanceState>? Guidance { get; init; }

    /// <summary>While queued, streaming or paused.</summary>
    public StreamingData? StreamingData { get; init; }

    /// <summary>After a failure or a cancel: what had been generated of the stage that was not completed.</summary>
    public string? Text { get; init; }

    /// <summary>After a failure.</summary>
    public ErrorMessage? Error { get; init; }

    /// <summary>Cursor to subscribe from: everything up to it is in this state.</summary>
    public required string? LastEventId { get; init; }
    public required string StreamUrl { get; init; }

    /// <summary>Another address of this state, for a kind that has one.</summary>
    public string? StatusUrl { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
    public required DateTimeOffset UpdatedAt { get; init; }
}

/// <summary>An ideation: its input, and the ideas that are complete.</summary>
public sealed record IdeationState : SessionState
{
    public required string UserInput { get; init; }
    public required string? SelectedPlatform { get; init; }
    public required IReadOnlyList<JsonElement> GenrePaths { get; init; }
    public required IReadOnlyList<double> GenreProportions { get; init; }
    public required int IdeaCount { get; init; }
    public required IReadOnlyList<Idea> Ideas { get; init; }
}

/// <summary>One idea.</summary>
public sealed record Idea(string Title, string Body);

/// <summary>An outline: its source, and the components that are complete.</summary>
public sealed record OutlineState : SessionState
{
    public required SourceArtifact SourceArtifact { get; init; }
    public required int? TotalEpisodes { get; init; }
    public required int? EpisodeDuration { get; init; }

    /// <summary>What a document was condensed to, once it is: the outline is made from it.</summary>
    public string? Summary { get; init; }
    public required OutlineComponents Components { get; init; }
}

/// <param name="Title">Title of the idea, of the text, or the name of the file without what follows its last dot.</param>
/// <param name="Text">The idea, or the text; none of a file.</param>
/// <param name="IdeationId">Where the idea is from, if it is one.</param>
/// <param name="IdeaIndex">Which of the ideation's ideas, from 0.</param>
/// <param name="GenrePaths">As the ideation was asked, if it is an idea; so are the next two.</param>
/// <param name="GenreProportions">A number for each path, on any scale.</param>
/// <param name="SelectedPlatform">Where the story is to appear, if that was said.</param>
/// <param name="FileId">The file, if it is one; so are the next four.</param>
/// <param name="Name">Name of the file.</param>
/// <param name="ContentType"><c>text/plain</c> or <c>text/markdown</c>.</param>
/// <param name="Size">Bytes of the file.</param>
/// <param name="Crc32c">CRC-32C of the file, eight hex digits.</param>
public sealed record SourceArtifact(
    string Title,
    string? Text,
    Guid? IdeationId = null,
    int? IdeaIndex = null,
    IReadOnlyList<JsonElement>? GenrePaths = null,
    IReadOnlyList<double>? GenreProportions = null,
    string? SelectedPlatform = null,
    Guid? FileId = null,
    string? Name = null,
    string? ContentType = null,
    long? Size = null,
    string? Crc32c = null);

/// <summary>The parts of an outline; each is there when it is complete, and the arrays grow.</summary>
public sealed record OutlineComponents
{
    public string? Title { get; init; }
    public string? Genre { get; init; }
    public string? SellingPoints { get; init; }
    public string? Setting { get; init; }
    public string? Synopsis { get; init; }
    public required IReadOnlyList<JsonElement> Characters { get; init; }
    public required IReadOnlyList<JsonElement> Stages { get; init; }
}

/// <summary>A logo: what was asked, and what is drawn by now.</summary>
public sealed record LogoState : SessionState
{
    public required string BrandName { get; init; }
    public required string Description { get; init; }
    public required string? Style { get; init; }
    public required IReadOnlyList<string> Colors { get; init; }

    /// <summary>What the logo has to say, as the first stage wrote it.</summary>
    public JsonElement? Brief { get; init; }
    public required IReadOnlyList<LogoConcept> Concepts { get; init; }

    /// <summary>The concept that is drawn, and why.</summary>
    public LogoChoice? Choice { get; init; }
    public required IReadOnlyList<LogoAsset> Assets { get; init; }
}

/// <summary>A draft of a logo, and its file.</summary>
/// <param name="Number">1 to 3.</param>
/// <param name="Title">What to call it.</param>
/// <param name="Idea">What it is about.</param>
/// <param name="Palette">Its colours.</param>
/// <param name="Name">Name of its file; so on as for an asset.</param>
/// <param name="ContentType"><c>image/svg+xml</c>.</param>
/// <param name="Bytes">Size of the file.</param>
/// <param name="Width">In CSS pixels.</param>
/// <param name="Height">In CSS pixels.</param>
/// <param name="ArtifactId">Its artifact.</param>
/// <param name="Url">Where to download it.</param>
public sealed record LogoConcept(
    int Number, string Title, string Idea, IReadOnlyList<string> Palette, string Name, string ContentType, int Bytes,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] int? Width, [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] int? Height,
    Guid ArtifactId, string Url);

/// <summary>Which concept is drawn, and why.</summary>
/// <param name="Concept">Its number.</param>
/// <param name="Reason">For a person.</param>
public sealed record LogoChoice(int Concept, string Reason);

/// <summary>A file of a logo.</summary>
/// <param name="Name">Name of the file.</param>
/// <param name="ContentType"><c>image/svg+xml</c>, <c>image/png</c>, <c>text/html</c>.</param>
/// <param name="Bytes">Size of the file.</param>
/// <param name="Width">In pixels; null for a page.</param>
/// <param name="Height">In pixels; null for a page.</param>
/// <param name="ArtifactId">Its artifact.</param>
/// <param name="Url">Where to download it.</param>
public sealed record LogoAsset(
    string Name, string ContentType, int Bytes, [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] int? Width,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] int? Height, Guid ArtifactId, string Url);

/// <summary>An image that was uploaded: what came, what it is to become, and, once it is ready, what it became.</summary>
public sealed record UploadState : SessionState
{
    /// <summary><c>urgent</c>, <c>high</c>, <c>normal</c> or <c>low</c>.</summary>
    public required string Priority { get; init; }
    public required string? FileName { get; init; }

    /// <summary>Width times height of what came.</summary>
    public required long Pixels { get; init; }
    public required ReceivedImage Received { get; init; }
    public required ImageGoalState Goal { get; init; }

    /// <summary>Name of the file; with all that follow, once it is ready.</summary>
    public string? Name { get; init; }
    public string? ContentType { get; init; }
    public int? Width { get; init; }
    public int? Height { get; init; }

    /// <summary>Bytes of what came.</summary>
    public int? OriginalSize { get; init; }

    /// <summary>Bytes of what it became.</summary>
    public int? CompressedSize { get; init; }

    /// <summary>The second by the first: 0.4 is 60 % smaller.</summary>
    public double? CompressionRatio { get; init; }

    /// <summary><c>quality</c>, <c>fewer_pixels</c>, or <c>original</c>: it is kept as it came.</summary>
    public string? Strategy { get; init; }

    /// <summary>Quality it was encoded with, 0-100; none for an original.</summary>
    public int? Quality { get; init; }

    /// <summary>Mean structural similarity of the luma to the image before it was encoded; none for an original.</summary>
    public double? Ssim { get; init; }

    /// <summary>How often it was encoded until it was right.</summary>
    public int? Encodes { get; init; }

    /// <summary>From the request to the result.</summary>
    public long? ElapsedMs { get; init; }

    /// <summary>What the priority asks for; none for a low one.</summary>
    public long? TargetMs { get; init; }
    public bool? MetTarget { get; init; }
    public Guid? ArtifactId { get; init; }

    /// <summary>Where to download it.</summary>
    public string? Url { get; init; }
}

/// <param name="ContentType">By its bytes.</param>
/// <param name="Bytes">Without what a camera has put behind the image.</param>
/// <param name="Width">In pixels, before it is turned the right way up.</param>
/// <param name="Height">In pixels.</param>
/// <param name="Sha256">Of these bytes, in hex.</param>
public sealed record ReceivedImage(string ContentType, int Bytes, int Width, int Height, string Sha256);

/// <param name="Format"><c>webp</c> or <c>jpeg</c>.</param>
/// <param name="EdgePixels">Longest side at most.</param>
/// <param name="BytesMax">Size at most; none: a share of the original's.</param>
public sealed record ImageGoalState(string Format, int EdgePixels, int? BytesMax);

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

/// <summary>What a session has made, in the order of its state.</summary>
public sealed record ArtifactList(IReadOnlyList<ArtifactItem> Items);

/// <param name="ArtifactId">Its id.</param>
/// <param name="Type">As in the <c>artifact</c> message.</param>
/// <param name="Position">Its place among those of its type.</param>
/// <param name="Name">Name of its file.</param>
/// <param name="ContentType">Media type of the file.</param>
/// <param name="Bytes">Size of the file.</param>
/// <param name="Sha256">Of the file, in hex; none where the artifact is all in its data.</param>
/// <param name="Url">Where to download it.</param>
public sealed record ArtifactItem(Guid ArtifactId, string Type, int Position, string Name, string ContentType, int Bytes, string? Sha256, string Url);

/// <summary>A relay: whatever artifacts were stored for it.</summary>
public sealed record RelayState : SessionState
{
    public string? Title { get; init; }
    public required IReadOnlyList<RelayArtifact> Artifacts { get; init; }
}

public sealed record RelayArtifact(string Type, JsonElement Data);

/// <summary>A file: what was announced, and what is stored.</summary>
public sealed record FileState : SessionState
{
    /// <summary>What the status is of: <c>upload</c>, or the newest <c>download</c> with progress.</summary>
    public required string Operation { get; init; }
    public required string Name { get; init; }

    /// <summary>Bytes, as announced.</summary>
    public required long Size { get; init; }

    /// <summary>When all bytes are there.</summary>
    public FileContent? File { get; init; }
}

/// <param name="Name">For a person.</param>
/// <param name="ContentType">What the bytes look like, whatever the client said.</param>
/// <param name="Bytes">How many.</param>
/// <param name="Crc32c">CRC-32C of them, in hex.</param>
/// <param name="Url">Where to download it.</param>
public sealed record FileContent(string Name, string ContentType, long Bytes, string Crc32c, string Url);

/// <summary>A download with progress.</summary>
/// <param name="TransformId">Its transform.</param>
/// <param name="ContentUrl">Where to download, and to come back to.</param>
/// <param name="StreamUrl">Where its progress is told.</param>
public sealed record FileDownload(Guid TransformId, string ContentUrl, string StreamUrl);

/// <summary>What there is of a transform that has not ended.</summary>
public sealed record StreamingData
{
    public required Guid TransformId { get; init; }

    /// <summary>0-100, never less than before.</summary>
    public required double Progress { get; init; }
    public string? Stage { get; init; }

    /// <summary>What is being done, for a person.</summary>
    public string? StatusText { get; init; }

    /// <summary>As the last <c>progress</c> message told it; null before the first.</summary>
    public TimeEstimate? Estimate { get; init; }

    public required IReadOnlyList<StageState> Stages { get; init; }

    /// <summary>Stages that were begun anew: their text before that index no longer counts.</summary>
    public required IReadOnlyList<StageRestart> Restarts { get; init; }

    /// <summary>The <c>chunk</c> messages so far, as they are on the stream; with <c>?after=</c> only those after it.</summary>
    public required IReadOnlyList<ChunkState> Chunks { get; init; }
}

/// <param name="Id">As in the messages that tell of it.</param>
/// <param name="Text">What was said.</param>
/// <param name="At">When it was received.</param>
/// <param name="Applied">Whether the newest transform goes, or went, by it.</param>
public sealed record GuidanceState(Guid Id, string Text, DateTimeOffset At, bool Applied);

public sealed record StageState(string Name, string Label, double Weight, string Status);

public sealed record StageRestart(string Stage, int Index);

public sealed record ChunkState(string Type, int Index, Guid SessionId, long Timestamp, string Text, string? Stage = null);

/// <summary>A page of sessions, newest first: states without result and text.</summary>
/// <param name="Items">The sessions.</param>
/// <param name="NextCursor">Where the next page begins; null on the last one.</param>
/// <param name="Provider">Who would generate the next session; none for relays.</param>
/// <param name="Model">The model that would; none for relays.</param>
public sealed record SessionPage(IReadOnlyList<JsonElement> Items, string? NextCursor, string? Provider = null, string? Model = null);

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
