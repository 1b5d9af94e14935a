using System.Diagnostics.CodeAnalysis;
using System.Text.Json;

namespace Streaming.WebSockets;

/// <summary>
/// Where a reader of a channel stands. Of a session's: the event id of the last message that it has. Of a user's:
/// <c>{"since": …, "sessions": {"&lt;id&gt;": "1-41", …}}</c>, how far it has come with each session that was in progress at that time, or
/// later; <c>-</c> for one of which it has nothing yet.
/// </summary>
/// <param name="Since">Time of the database, Unix ms, when it was known to be complete; 0 in a session's.</param>
/// <param name="Sessions">The last message of each; null: nothing of it.</param>
public sealed record ChannelCursor(long Since, IReadOnlyDictionary<Guid, EventId?> Sessions)
{
    const string Nothing = "-";

    // Of a DateTime: the years 0001 to 9999.
    const long SinceMax = 253_402_300_799_999;

    public DateTime SinceTime => DateTimeOffset.FromUnixTimeMilliseconds(Since).UtcDateTime;

    /// <summary>Reads what a client sent; false for anything that <see cref="Write"/> would not write.</summary>
    public static bool TryRead(JsonElement json, ChannelName channel, [NotNullWhen(true)] out ChannelCursor? cursor)
    {
        cursor = null;
        if (channel.SessionId is { } sessionId)
        {
            if (json.ValueKind != JsonValueKind.String || !EventId.TryParse(json.GetString(), out var last))
                return false;
            cursor = new ChannelCursor(0, new Dictionary<Guid, EventId?> { [sessionId] = last });
            return true;
        }

        if (channel.User is null || json.ValueKind != JsonValueKind.Object
            || !json.TryGetProperty("since", out var sinceJson) || sinceJson.ValueKind != JsonValueKind.Number || !sinceJson.TryGetInt64(out var since)
            || since is < 0 or > SinceMax || !json.TryGetProperty("sessions", out var sessionsJson) || sessionsJson.ValueKind != JsonValueKind.Object)
            return false;
        var sessions = new Dictionary<Guid, EventId?>();
        foreach (var entry in sessionsJson.EnumerateObject())
        {
            if (!Guid.TryParseExact(entry.Name, "D", out var id) || entry.Value.ValueKind != JsonValueKind.String)
                return false;
            var text = entry.Value.GetString();
            if (EventId.TryParse(text, out var last))
                sessions[id] = last;
            else if (text == Nothing)
                sessions[id] = null;
            else
                return false;
        }

        cursor = new ChannelCursor(since, sessions);
        return true;
    }

    /// <summary>Writes the value of a user's channel.</summary>
    public void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteNumber("since", Since);
        json.WriteStartObject("sessions");
        foreach (var (id, last) in Sessions)
            json.WriteString(id.ToString(), last?.ToString() ?? Nothing);
        json.WriteEndObject();
        json.WriteEndObject();
    }
}
