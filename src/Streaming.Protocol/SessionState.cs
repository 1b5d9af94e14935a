using System.Text.Json;

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
