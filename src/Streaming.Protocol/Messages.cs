using System.ComponentModel.DataAnnotations;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Streaming.Protocol;

/// <summary>
/// What a message says, without its envelope (<c>type, index, sessionId, timestamp</c>), which is added when it is sent. The published
/// schema is made from these records: their types, nullability (what may be null is then absent), attributes and documentation.
/// </summary>
public abstract record Message([property: JsonIgnore] string Type);

/// <summary>About the connection: not stored, so it has no index.</summary>
public abstract record ConnectionMessage(string Type) : Message(Type);

/// <summary>The categories of an error or a warning.</summary>
[AttributeUsage(AttributeTargets.Property)]
sealed class CategoryAttribute() : AllowedValuesAttribute(
    "provider", "rate_limit", "timeout", "invalid_input", "invalid_output", "storage", "cancelled", "worker_lost", "internal");

/// <summary>A stage as announced: its name, what to call it, and its share of the whole (any scale).</summary>
public sealed record StageInfo(string Name, string Label, [property: Range(0, double.MaxValue)] double Weight);

/// <summary>First message of every transform, written together with it.</summary>
/// <param name="Kind">Kind of the session: <c>ideation</c>, <c>outline</c>, <c>logo</c>, <c>upload</c>, <c>analysis</c>, <c>relay</c>.</param>
/// <param name="TransformId">The transform that this stream shows.</param>
/// <param name="Provider">Who generates: <c>offline</c>, <c>openai</c>, <c>anthropic</c>; none for a relay.</param>
/// <param name="Model">Model name at that provider; none for a relay.</param>
/// <param name="Stages">Stages in order.</param>
public sealed record StartMessage(string Kind, Guid TransformId, string? Provider, string? Model, IReadOnlyList<StageInfo> Stages)
    : Message(MessageTypes.Start);

/// <summary>The transform's status has changed.</summary>
/// <param name="Status"><c>streaming</c> when a worker has taken it, <c>paused</c>, or <c>queued</c> when it was resumed.</param>
/// <param name="Attempt">1 for the first worker, more after a recovery.</param>
public sealed record StatusMessage(
    [property: AllowedValues("queued", "streaming", "paused")] string Status, [property: Range(1, int.MaxValue)] int? Attempt = null)
    : Message(MessageTypes.Status);

/// <summary>How far the run has come.</summary>
/// <param name="Stage">The running stage.</param>
/// <param name="StageProgress">0-100 of that stage.</param>
/// <param name="Progress">0-100 of the whole; never less than in an earlier message.</param>
/// <param name="Label">What is being done, for a person.</param>
/// <param name="Estimate">How long it still takes.</param>
public sealed record ProgressMessage(
    string Stage, [property: Range(0, 100)] double StageProgress, [property: Range(0, 100)] double Progress, string Label, TimeEstimate? Estimate = null)
    : Message(MessageTypes.Progress);

/// <summary>How long a run still takes, and how far to trust that. What is not known is absent, and <see cref="Reason"/> says why.</summary>
/// <param name="At">When this was so, Unix milliseconds: count down from here.</param>
/// <param name="ElapsedMs">Since the worker began.</param>
/// <param name="RemainingMs">As often too short as too long; rises only with <see cref="Raised"/>.</param>
/// <param name="RemainingP90Ms">Nine of ten runs are over within it.</param>
/// <param name="Reliability">Probability, 0-1, that elapsed and remaining together are within 20 % of what it takes.</param>
/// <param name="Reason">Stable code, see docs/protocol.md.</param>
/// <param name="Raised">Why the remaining time is more than was said before; stable code.</param>
public sealed record TimeEstimate(
    [property: Range(0L, long.MaxValue)] long At,
    [property: Range(0L, long.MaxValue)] long ElapsedMs,
    [property: Range(0L, long.MaxValue)] long? RemainingMs = null,
    [property: Range(0L, long.MaxValue)] long? RemainingP90Ms = null,
    [property: Range(0, 1)] double? Reliability = null,
    string? Reason = null,
    string? Raised = null);

/// <summary>A piece of generated text.</summary>
/// <param name="Stage">The stage that it belongs to; a relay's, and an imported one, may have none.</param>
/// <param name="Text">The text.</param>
public sealed record ChunkMessage(string? Stage, string Text) : Message(MessageTypes.Chunk);

/// <summary>A durable result, stored in the same transaction as this message.</summary>
/// <param name="ArtifactType"><c>idea</c>, <c>component</c>, or one of a logo's or an analysis'.</param>
/// <param name="ArtifactId">Its id.</param>
/// <param name="Position">Its place among those of its type.</param>
/// <param name="Data">The artifact itself.</param>
public sealed record ArtifactMessage(string ArtifactType, Guid ArtifactId, [property: Range(0, int.MaxValue)] int Position, JsonElement Data)
    : Message(MessageTypes.Artifact);

/// <summary>What the result looks like by now: a picture or a page to show, replaced by the next one.</summary>
/// <param name="Stage">The stage that made it.</param>
/// <param name="Name">What it shows; a preview replaces the one of the same name.</param>
/// <param name="ContentType"><c>image/svg+xml</c>, <c>image/png</c>, <c>text/html</c>.</param>
/// <param name="Width">In CSS pixels; none for a page.</param>
/// <param name="Height">In CSS pixels; none for a page.</param>
/// <param name="Data">SVG or HTML as text; none for a PNG, and for what is too large for a message.</param>
/// <param name="Url">Where its file can be downloaded, if it is one.</param>
public sealed record PreviewMessage(
    string Stage, string Name, string ContentType, [property: Range(1, int.MaxValue)] int? Width = null, [property: Range(1, int.MaxValue)] int? Height = null,
    string? Data = null, string? Url = null)
    : Message(MessageTypes.Preview);

/// <summary>A stage is complete.</summary>
/// <param name="Stage">The stage that is complete.</param>
/// <param name="DurationMs">How long its last attempt took, in milliseconds.</param>
/// <param name="Progress">0-100 of the whole.</param>
public sealed record StageCompleteMessage(
    string Stage, [property: Range(0L, long.MaxValue)] long DurationMs, [property: Range(0, 100)] double Progress) : Message(MessageTypes.StageComplete);

/// <summary>The finished result, in the shape that the session's state has it.</summary>
public sealed record ResultMessage() : Message(MessageTypes.Result)
{
    /// <summary>Of an ideation.</summary>
    public IReadOnlyList<Idea>? Ideas { get; init; }

    /// <summary>Of an outline.</summary>
    public OutlineComponents? Components { get; init; }

    /// <summary>Of a logo: what it has to say. So are those that follow.</summary>
    public JsonElement? Brief { get; init; }

    /// <summary>The drafts, in order.</summary>
    public IReadOnlyList<LogoConcept>? Concepts { get; init; }

    /// <summary>The concept that was drawn, and why.</summary>
    public LogoChoice? Choice { get; init; }

    /// <summary>The files, in order.</summary>
    public IReadOnlyList<LogoAsset>? Assets { get; init; }

    /// <summary>Of an analysis: what was accepted, in order.</summary>
    public IReadOnlyList<Suggestion>? Suggestions { get; init; }

    /// <summary>What is not known here.</summary>
    [JsonExtensionData]
    public Dictionary<string, JsonElement> Parts { get; set; } = [];
}

/// <summary>Why the transform failed. <c>end</c> follows.</summary>
/// <param name="Code">Stable code, see docs/protocol.md.</param>
/// <param name="Category"><c>provider, rate_limit, timeout, invalid_input, invalid_output, storage, cancelled, worker_lost, internal</c>.</param>
/// <param name="Message">For a person.</param>
/// <param name="Recoverable">Whether trying again may help.</param>
/// <param name="RetryAfterMs">When, if that is known.</param>
/// <param name="Stage">The stage in which it happened.</param>
/// <param name="TraceId">Trace id (W3C Trace Context) by which an operator finds it in logs and traces.</param>
public sealed record ErrorMessage(
    string Code, [property: Category] string Category, string Message, bool Recoverable,
    [property: Range(0L, long.MaxValue)] long? RetryAfterMs = null, string? Stage = null, string? TraceId = null)
    : Message(MessageTypes.Error);

/// <summary>Something failed and is being tried again.</summary>
/// <param name="Code">Stable code, see docs/protocol.md.</param>
/// <param name="Category">As in <see cref="ErrorMessage"/>.</param>
/// <param name="Message">For a person.</param>
/// <param name="Stage">The stage in which it happened.</param>
/// <param name="Attempt">Which try failed, from 1.</param>
/// <param name="RetryAfterMs">When the next one follows.</param>
public sealed record WarningMessage(
    string Code, [property: Category] string Category, string Message, string Stage,
    [property: Range(1, int.MaxValue)] int Attempt, [property: Range(0L, long.MaxValue)] long RetryAfterMs)
    : Message(MessageTypes.Warning);

/// <summary>Something to know. Code <c>restarted</c>: the text of <see cref="Stage"/> begins anew, drop what came before.</summary>
/// <param name="Code">Stable code, see docs/protocol.md.</param>
/// <param name="Message">For a person.</param>
/// <param name="Stage">The stage that it is about.</param>
/// <param name="Guidance">What the user has said, with the codes <c>guidance_…</c>.</param>
public sealed record InfoMessage(string Code, string Message, string? Stage = null, IReadOnlyList<Guidance>? Guidance = null) : Message(MessageTypes.Info)
{
    public const string Restarted = "restarted";

    /// <summary>Stored. The run takes it in as soon as it can.</summary>
    public const string GuidanceReceived = "guidance_received";

    /// <summary>The model is asked with it from here on.</summary>
    public const string GuidanceApplied = "guidance_applied";

    /// <summary>It came when nothing was left to be written.</summary>
    public const string GuidanceNotApplied = "guidance_not_applied";
}

/// <summary>What a user has said to guide a generation.</summary>
/// <param name="Id">As in the state.</param>
/// <param name="Text">What was said.</param>
public sealed record Guidance(Guid Id, string Text);

/// <summary>Last message of every transform.</summary>
/// <param name="Status"><c>completed</c>, <c>failed</c> or <c>cancelled</c>.</param>
public sealed record EndMessage([property: AllowedValues("completed", "failed", "cancelled")] string Status) : Message(MessageTypes.End);

/// <summary>What an earlier session of the same user has made is used again. A relay may send it with what it likes.</summary>
/// <param name="Source"><c>full</c>: all of it; <c>partial</c>: what was seen in the same picture.</param>
public sealed record CacheMessage(string? Source = null) : Message(MessageTypes.Cache);

/// <summary>There was nothing to say for a while; it shows that the connection lives.</summary>
public sealed record HeartbeatMessage() : ConnectionMessage(MessageTypes.Heartbeat);

/// <summary>Forget everything of the session: what follows begins at the beginning.</summary>
/// <param name="Reset">True.</param>
/// <param name="SessionId">The session.</param>
public sealed record ResetMessage([property: AllowedValues(true)] bool Reset, Guid SessionId) : ConnectionMessage(MessageTypes.Status);

/// <summary>This connection is about to be cut. Come again, with the same cursor.</summary>
/// <param name="Reconnect">True.</param>
/// <param name="Code">The limit that sends the reader away, see docs/protocol.md; none if the service stops.</param>
/// <param name="SessionId">The session; none on a connection of several.</param>
public sealed record ReconnectMessage([property: AllowedValues(true)] bool Reconnect, string? Code = null, Guid? SessionId = null)
    : ConnectionMessage(MessageTypes.Status);

/// <summary>On a connection of several sessions: this one is no more.</summary>
/// <param name="Code"><c>deleted</c>.</param>
/// <param name="SessionId">The session.</param>
public sealed record DeletedMessage([property: AllowedValues("deleted")] string Code, Guid SessionId) : ConnectionMessage(MessageTypes.Status);
