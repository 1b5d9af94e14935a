using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Streaming.Protocol;
using Streaming.Sse;

namespace Streaming.Imports;

/// <summary>Thrown for a line, or a whole source, that cannot be imported; the message says why.</summary>
public sealed class ImportRefusedException(string reason, string? sourceId = null) : Exception(reason)
{
    /// <summary>The source that the line is of; null if the line does not say so.</summary>
    public string? SourceId { get; } = sourceId;
}

/// <summary>One chunk as an older system kept it, see docs/migration.md.</summary>
public sealed record ImportLine(
    string SourceId, int Index, string Type, string Data, DateTimeOffset? Time,
    Guid? SessionId, string? Kind, string? UserId, string? Input, DateTimeOffset? CreatedAt, string? Status)
{
    const int NameCharactersMax = 200;
    const int TypeCharactersMax = 64;

    static readonly JsonSerializerOptions Relaxed = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Reads a line.</summary>
    /// <exception cref="ImportRefusedException">It is not one of ours.</exception>
    public static ImportLine Parse(string text)
    {
        try
        {
            using var document = JsonDocument.Parse(text);
            var line = document.RootElement;
            if (line.ValueKind != JsonValueKind.Object)
                throw new ImportRefusedException("a line must be a JSON object");
            var sourceId = Text(line, "sourceId", NameCharactersMax) ?? throw new ImportRefusedException("sourceId is missing");
            try
            {
                return Read(line, sourceId);
            }
            catch (ImportRefusedException refusal)
            {
                throw new ImportRefusedException(refusal.Message, sourceId);
            }
        }
        catch (JsonException)
        {
            throw new ImportRefusedException("not JSON");
        }
        // Half a surrogate pair, written as an escape.
        catch (InvalidOperationException)
        {
            throw new ImportRefusedException("holds text that is not Unicode");
        }
    }

    static ImportLine Read(JsonElement line, string sourceId)
    {
        var type = Text(line, "type", TypeCharactersMax) ?? MessageTypes.Chunk;
        if (type is MessageTypes.Start or MessageTypes.End)
            throw new ImportRefusedException($"type \"{type}\" is written by the import itself");
        if (!line.TryGetProperty("index", out var number) || number.ValueKind != JsonValueKind.Number || !number.TryGetInt32(out var index) || index < 0)
            throw new ImportRefusedException("index must be a whole number, not below 0");
        return new ImportLine(
            sourceId, index, type, DataOf(line), Timestamp(line),
            Optional(line, "sessionId", element => element.TryGetGuid(out var id) ? id : (Guid?)null, "a UUID"),
            Text(line, "kind", NameCharactersMax), Text(line, "userId", NameCharactersMax),
            line.TryGetProperty("input", out var input) && input.ValueKind != JsonValueKind.Null ? Object(input, "input") : null,
            Optional(line, "createdAt", element => element.TryGetDateTimeOffset(out var time) ? time.ToUniversalTime() : (DateTimeOffset?)null, "a time (RFC 3339)"),
            Text(line, "status", NameCharactersMax) is not { } status ? null
            : status is "completed" or "failed" or "cancelled" ? status
            : throw new ImportRefusedException("status must be completed, failed or cancelled"));
    }

    static string DataOf(JsonElement line)
    {
        if (line.TryGetProperty("text", out var text))
            return text.ValueKind == JsonValueKind.String
                ? $$"""{"text":{{JsonSerializer.Serialize(text.GetString(), Relaxed)}}}"""
                : throw new ImportRefusedException("text must be a text");
        return line.TryGetProperty("data", out var data)
            ? MessageData.Normalize(data.ValueKind == JsonValueKind.String ? data.GetString()! : Object(data, "data"))
            : throw new ImportRefusedException("text or data is missing");
    }

    static string Object(JsonElement element, string name) => element.ValueKind == JsonValueKind.Object
        ? JsonSerializer.Serialize(element, Relaxed)
        : throw new ImportRefusedException($"{name} must be an object");

    static DateTimeOffset? Timestamp(JsonElement line)
    {
        // The years that PostgreSQL and .NET both have.
        const long MillisecondsMax = 253_402_300_799_999;
        if (!line.TryGetProperty("timestamp", out var element) || element.ValueKind == JsonValueKind.Null)
            return null;
        return element.ValueKind == JsonValueKind.Number && element.TryGetInt64(out var ms) && ms is >= 0 and <= MillisecondsMax
            ? DateTimeOffset.FromUnixTimeMilliseconds(ms)
            : throw new ImportRefusedException("timestamp must be Unix milliseconds");
    }

    static string? Text(JsonElement line, string name, int charactersMax) => Optional(line, name,
        element => element.GetString() is { Length: > 0 } text && text.Length <= charactersMax && !text.Contains('\0', StringComparison.Ordinal) ? text : null,
        $"a text of 1 to {charactersMax} characters");

    static T? Optional<T>(JsonElement line, string name, Func<JsonElement, T?> read, string what)
    {
        if (!line.TryGetProperty(name, out var element) || element.ValueKind == JsonValueKind.Null)
            return default;
        return element.ValueKind == JsonValueKind.String && read(element) is { } value ? value : throw new ImportRefusedException($"{name} must be {what}");
    }

    /// <summary>Bytes that it holds in memory, about.</summary>
    public int Size => Encoding.UTF8.GetByteCount(Data) + 200;
}
