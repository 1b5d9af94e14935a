using System.Text.Json;

namespace Streaming.WebSockets;

/// <summary>A message of a client: <c>{"type": …, "id": …, "payload": {…}}</c>. The id comes back with the answer.</summary>
public abstract record ClientMessage(string? Id)
{
    const int IdCharactersMax = 128;

    // A member that is there twice is read by one program in one way and by the next in another.
    static JsonDocumentOptions Strict(int depthMax) => new() { MaxDepth = depthMax, AllowDuplicateProperties = false };

    public sealed record Authenticate(string? Id, string Token) : ClientMessage(Id);

    public sealed record Subscribe(string? Id, IReadOnlyList<ChannelRequest> Channels) : ClientMessage(Id);

    public sealed record Unsubscribe(string? Id, IReadOnlyList<ChannelRequest> Channels) : ClientMessage(Id);

    public sealed record Ping(string? Id) : ClientMessage(Id);

    /// <summary>What is answered with an error.</summary>
    public sealed record Invalid(string? Id, string Code, string Message) : ClientMessage(Id);

    /// <param name="Channel">As the client named it.</param>
    /// <param name="Cursor">As the client gave it; null if it gave none.</param>
    public readonly record struct ChannelRequest(string Channel, JsonElement? Cursor);

    /// <summary>Reads one text message.</summary>
    /// <param name="utf8">The message.</param>
    /// <param name="depthMax">Levels of objects and arrays at most, the channels' cursors included.</param>
    public static ClientMessage Parse(ReadOnlyMemory<byte> utf8, int depthMax)
    {
        try
        {
            using var document = JsonDocument.Parse(utf8, Strict(depthMax));
            return Read(document.RootElement);
        }
        catch (JsonException fault)
        {
            return new Invalid(null, ErrorCodes.MalformedJson, $"The message is not JSON of {depthMax} levels at most: {fault.Message}");
        }
        catch (InvalidOperationException)
        {
            return new Invalid(null, ErrorCodes.MalformedJson, "A text holds half of a surrogate pair.");
        }
    }

    static ClientMessage Read(JsonElement root)
    {
        if (root.ValueKind != JsonValueKind.Object)
            return new Invalid(null, ErrorCodes.InvalidMessage, "The message must be an object.");
        string? id = null;
        if (root.TryGetProperty("id", out var idJson) && idJson.ValueKind != JsonValueKind.Null)
        {
            if (idJson.ValueKind != JsonValueKind.String || idJson.GetString() is not { Length: <= IdCharactersMax } text)
                return new Invalid(null, ErrorCodes.InvalidMessage, $"id must be a text of {IdCharactersMax} characters at most.");
            id = text;
        }

        if (!root.TryGetProperty("type", out var type) || type.ValueKind != JsonValueKind.String)
            return new Invalid(id, ErrorCodes.InvalidMessage, "type must be a text.");
        var payload = root.TryGetProperty("payload", out var found) && found.ValueKind == JsonValueKind.Object ? found : (JsonElement?)null;
        switch (type.GetString())
        {
            case "ping":
                return new Ping(id);
            case "authenticate":
                return payload?.TryGetProperty("token", out var token) == true && token.ValueKind == JsonValueKind.String
                    ? new Authenticate(id, token.GetString()!)
                    : new Invalid(id, ErrorCodes.InvalidMessage, "payload.token must be a text.");
            case "subscribe":
                return ReadChannels(payload) is { } channels ? new Subscribe(id, channels) : NoChannels(id);
            case "unsubscribe":
                return ReadChannels(payload) is { } ended ? new Unsubscribe(id, ended) : NoChannels(id);
            default:
                return new Invalid(id, ErrorCodes.UnknownType, "type must be authenticate, subscribe, unsubscribe or ping.");
        }
    }

    static Invalid NoChannels(string? id) =>
        new(id, ErrorCodes.InvalidMessage, "payload.channels must be an array of one or more: names, or objects with channel and cursor.");

    /// <summary>The channels of a payload; null if it is not valid.</summary>
    static List<ChannelRequest>? ReadChannels(JsonElement? payload)
    {
        if (payload?.TryGetProperty("channels", out var array) != true || array.ValueKind != JsonValueKind.Array || array.GetArrayLength() == 0)
            return null;
        var channels = new List<ChannelRequest>();
        foreach (var item in array.EnumerateArray())
        {
            if (item.ValueKind == JsonValueKind.String)
                channels.Add(new ChannelRequest(item.GetString()!, null));
            else if (item.ValueKind == JsonValueKind.Object && item.TryGetProperty("channel", out var name) && name.ValueKind == JsonValueKind.String)
                channels.Add(new ChannelRequest(name.GetString()!,
                    item.TryGetProperty("cursor", out var cursor) && cursor.ValueKind != JsonValueKind.Null ? cursor.Clone() : null));
            else
                return null;
        }

        return channels;
    }
}
