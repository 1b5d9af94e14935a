using System.Text.Json;
using Streaming.Protocol;

namespace Streaming.Client;

/// <summary>One message of a session's stream.</summary>
/// <param name="Type">See <see cref="MessageTypes"/>; others may come, and are to be passed over.</param>
/// <param name="EventId">The cursor after this message; null for those that have none (<c>reset</c>, what was polled).</param>
/// <param name="First">Index of the first message in it: less than <paramref name="Index"/> where a catch-up has merged several.</param>
/// <param name="Index">Its index; null for those that have none.</param>
/// <param name="Data">All fields.</param>
public sealed record StreamMessage(string Type, string? EventId, int? First, int? Index, JsonElement Data)
{
    /// <summary>The text of a <c>chunk</c>; null if there is none.</summary>
    public string? Text => Field("text");

    /// <summary>The stage that it belongs to; null if there is none.</summary>
    public string? Stage => Field("stage");

    /// <summary>Forget everything of this session: the stream begins anew.</summary>
    public bool IsReset => Type == MessageTypes.Status && Data.TryGetProperty("reset", out var reset) && reset.ValueKind == JsonValueKind.True;

    /// <summary>On a connection of several sessions: the last that comes of one, because it was deleted.</summary>
    public bool IsDeleted => Index is null && Type == MessageTypes.Status && Field("code") == "deleted";

    /// <summary>The session that it belongs to; null for what is about the connection.</summary>
    public Guid? SessionId => Data.TryGetProperty("sessionId", out var id) && id.ValueKind == JsonValueKind.String && id.TryGetGuid(out var guid) ? guid : null;

    /// <summary>Drop the text of <see cref="Stage"/> up to here: it begins anew.</summary>
    public bool IsRestart => Type == MessageTypes.Info && Field("code") == InfoMessage.Restarted;

    public DateTimeOffset? Time => Data.TryGetProperty("timestamp", out var time) && time.TryGetInt64(out var milliseconds)
        ? DateTimeOffset.FromUnixTimeMilliseconds(milliseconds) : null;

    /// <summary>The message as a type of its own, such as <see cref="ProgressMessage"/>.</summary>
    /// <exception cref="JsonException">Its fields do not fit.</exception>
    public T As<T>() where T : Message => (T)Data.Deserialize(ProtocolJson.Wire.GetTypeInfo(typeof(T))!)!;

    string? Field(string name) => Data.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    /// <summary>Reads an event; null if it is none of ours.</summary>
    internal static StreamMessage? Parse(string data, string? eventId)
    {
        JsonElement json;
        try
        {
            json = JsonElement.Parse(data);
        }
        catch (JsonException)
        {
            return null;
        }

        if (json.ValueKind != JsonValueKind.Object || !json.TryGetProperty("type", out var type) || type.ValueKind != JsonValueKind.String)
            return null;
        int? index = json.TryGetProperty("index", out var i) && i.TryGetInt32(out var number) ? number : null;
        int? first = json.TryGetProperty("first", out var f) && f.TryGetInt32(out var low) ? low : index;
        return new StreamMessage(type.GetString()!, eventId, first, index, json);
    }
}
