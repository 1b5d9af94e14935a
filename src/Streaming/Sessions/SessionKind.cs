using System.Text.Json;
using Streaming.Protocol;

namespace Streaming.Sessions;

/// <summary>A kind of session: its name in URLs, its stages, and the shape of its result.</summary>
public interface ISessionKind
{
    /// <summary>Singular, as in <c>/api/stream/{kind}/…</c>.</summary>
    string Name { get; }

    /// <summary>Plural, as in the addresses of its resources: <c>/api/{plural}/…</c>.</summary>
    string Plural => KindNames.Plural(Name);

    /// <summary>A second address of the state of a session; null: there is none.</summary>
    string? StatusUrl(Guid sessionId) => null;

    /// <summary>Stages in order; none for a kind that no worker runs.</summary>
    IReadOnlyList<StageInfo> Stages { get; }

    /// <summary>Stages of a session with this input: those above, unless some are only for some inputs.</summary>
    IReadOnlyList<StageInfo> StagesOf(JsonElement input) => Stages;

    /// <summary>Whether a model makes the result: then it can be guided, and its state says which.</summary>
    bool HasModel => Stages.Count > 0;

    /// <summary>The queue that its transforms wait in; those of other queues do not wait for them.</summary>
    string Queue => Generations;

    /// <summary>The queue of what a model makes.</summary>
    const string Generations = "generations";

    /// <summary>
    /// Writes the properties of the result, complete or as far as it has come, from the artifacts that exist. The same for
    /// the state and for the <c>result</c> message.
    /// </summary>
    void WriteResult(Utf8JsonWriter writer, IReadOnlyList<StoredArtifact> artifacts);
}

/// <summary>An artifact as it stands in the table, in the order of its position.</summary>
public readonly record struct StoredArtifact(string Type, string Data);

/// <summary>Sessions that other programs write, over HTTP or by <c>append_message</c>; no worker runs them.</summary>
public sealed class RelayKind : ISessionKind
{
    public const string KindName = "relay";

    public string Name => KindName;

    public IReadOnlyList<StageInfo> Stages => [];

    public void WriteResult(Utf8JsonWriter writer, IReadOnlyList<StoredArtifact> artifacts)
    {
        writer.WriteStartArray("artifacts");
        foreach (var artifact in artifacts)
        {
            writer.WriteStartObject();
            writer.WriteString("type", artifact.Type);
            writer.WritePropertyName("data");
            writer.WriteRawValue(artifact.Data);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }
}
