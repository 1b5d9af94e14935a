using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Streaming.Sessions;

/// <summary>Writes the unified state: one shape for every phase of every kind, see docs/protocol.md.</summary>
public static class SessionStateJson
{
    static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static void Write(IBufferWriter<byte> output, ISessionKind kind, StoredState state)
    {
        using var writer = new Utf8JsonWriter(output, Options);
        writer.WriteStartObject();
        writer.WriteString("id", state.Id);
        writer.WriteString("kind", kind.Name);
        writer.WriteString("status", SessionVersion.Public(state.Status));
        WriteFields(writer, state.ExecutionContext);
        WriteFields(writer, state.Input);
        kind.WriteResult(writer, state.Artifacts);
        if (kind.Stages.Count > 0)
            WriteGuidance(writer, state.Guidance);
        if (!state.Version.HasEnded)
            WriteStreamingData(writer, state);
        else if (state.Status != "completed" && UnfinishedText(state) is { Length: > 0 } text)
            writer.WriteString("text", text);
        if (state.Error is not null)
        {
            writer.WritePropertyName("error");
            writer.WriteRawValue(state.Error);
        }

        writer.WriteString("lastEventId", state.Version.LastEventId?.ToString());
        writer.WriteString("streamUrl", $"/api/stream/{kind.Name}/{state.Id}");
        if (kind.StatusUrl(state.Id) is { } statusUrl)
            writer.WriteString("statusUrl", statusUrl);
        writer.WriteString("createdAt", state.CreatedAt);
        writer.WriteString("updatedAt", state.UpdatedAt);
        writer.WriteEndObject();
    }

    /// <summary>A row of a list: the state without its result and text.</summary>
    public static void WriteSummary(Utf8JsonWriter writer, ISessionKind kind, SessionSummary summary)
    {
        writer.WriteStartObject();
        writer.WriteString("id", summary.Id);
        writer.WriteString("kind", kind.Name);
        writer.WriteString("status", SessionVersion.Public(summary.Status));
        WriteFields(writer, summary.ExecutionContext);
        WriteFields(writer, summary.Input);
        writer.WriteString("streamUrl", $"/api/stream/{kind.Name}/{summary.Id}");
        writer.WriteString("createdAt", summary.CreatedAt);
        writer.WriteString("updatedAt", summary.UpdatedAt);
        writer.WriteEndObject();
    }

    static void WriteGuidance(Utf8JsonWriter writer, IReadOnlyList<SaidGuidance> guidance)
    {
        writer.WriteStartArray("guidance");
        foreach (var said in guidance)
        {
            writer.WriteStartObject();
            writer.WriteString("id", said.Id);
            writer.WriteString("text", said.Text);
            writer.WriteString("at", said.At);
            writer.WriteBoolean("applied", said.Applied);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }

    static void WriteStreamingData(Utf8JsonWriter writer, StoredState state)
    {
        writer.WriteStartObject("streamingData");
        writer.WriteString("transformId", state.TransformId);
        WriteProgress(writer, state);
        writer.WriteStartArray("stages");
        foreach (var stage in state.Stages)
        {
            writer.WriteStartObject();
            writer.WriteString("name", stage.Name);
            writer.WriteString("label", stage.Label);
            writer.WriteNumber("weight", stage.Weight);
            writer.WriteString("status", stage.Status);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteStartArray("restarts");
        foreach (var (stage, index) in state.Restarts)
        {
            writer.WriteStartObject();
            writer.WriteString("stage", stage);
            writer.WriteNumber("index", index);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteStartArray("chunks");
        foreach (var chunk in state.Chunks)
            writer.WriteRawValue(chunk.Json, skipInputValidation: true);
        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    static void WriteProgress(Utf8JsonWriter writer, StoredState state)
    {
        if (state.Progress is null)
        {
            writer.WriteNumber("progress", 0);
            WriteEstimate(writer, state, null);
            return;
        }

        using var document = JsonDocument.Parse(state.Progress);
        writer.WriteNumber("progress", document.RootElement.TryGetProperty("progress", out var progress) && progress.TryGetDouble(out var percent) ? percent : 0);
        if (document.RootElement.TryGetProperty("stage", out var stage) && stage.ValueKind == JsonValueKind.String)
            writer.WriteString("stage", stage.GetString());
        if (document.RootElement.TryGetProperty("label", out var label) && label.ValueKind == JsonValueKind.String)
            writer.WriteString("statusText", label.GetString());
        WriteEstimate(writer, state, document.RootElement.TryGetProperty("estimate", out var estimate) ? estimate : null);
    }

    /// <summary>
    /// What the run has told last. While it waits for a worker that is no countdown: only a reason then, from what is stored, because two states
    /// with one entity tag must be the same whenever they are read.
    /// </summary>
    static void WriteEstimate(Utf8JsonWriter writer, StoredState state, JsonElement? told)
    {
        writer.WritePropertyName("estimate");
        if (state.Status == "queued")
        {
            writer.WriteStartObject();
            writer.WriteNumber("at", state.UpdatedAt.ToUnixTimeMilliseconds());
            writer.WriteNumber("elapsedMs", 0);
            writer.WriteString("reason", "queued");
            writer.WriteEndObject();
        }
        else if (told is { } estimate)
        {
            estimate.WriteTo(writer);
        }
        else
        {
            writer.WriteNullValue();
        }
    }

    /// <summary>What had been generated of the stages that were not completed, kept after a failure or a cancel.</summary>
    static string UnfinishedText(StoredState state)
    {
        var completed = state.Stages.Where(stage => stage.Status == "completed").Select(stage => stage.Name).ToHashSet();
        var text = new StringBuilder();
        foreach (var chunk in state.Chunks)
            if (StoredState.Field(chunk.Json, "stage") is not { } stage || !completed.Contains(stage))
                text.Append(StoredState.Field(chunk.Json, "text"));
        return text.ToString();
    }

    /// <summary>The properties of a JSON object, each written into the object that is open.</summary>
    static void WriteFields(Utf8JsonWriter writer, string json)
    {
        using var document = JsonDocument.Parse(json);
        foreach (var property in document.RootElement.EnumerateObject())
            property.WriteTo(writer);
    }
}
