using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using Streaming.Subscriptions;

namespace Streaming.WebSockets;

/// <summary>What a channel carries.</summary>
public enum ChannelKind
{
    /// <summary>Every session of a user.</summary>
    Streams,

    /// <summary>A user's sessions of kind <c>upload</c>.</summary>
    Uploads,

    /// <summary>The suggestions of a user's sessions of kind <c>analysis</c>.</summary>
    Flirts,

    /// <summary>One session, to the end of its transform.</summary>
    Session,

    /// <summary>How this process is doing.</summary>
    Status,
}

/// <summary>The name of a channel, as <c>user:{id}:streams</c>, <c>session:{uuid}</c> or <c>system:status</c>.</summary>
public sealed class ChannelName
{
    const string UserPrefix = "user:";
    const string SessionPrefix = "session:";
    const string AnalysisKind = "analysis";
    const string UploadKind = "upload";

    static readonly (string Suffix, ChannelKind Kind)[] OfUsers = [(":streams", ChannelKind.Streams), (":uploads", ChannelKind.Uploads), (":flirts", ChannelKind.Flirts)];

    ChannelName(string text, ChannelKind kind, string? user, Guid? sessionId)
    {
        (Text, Kind, User, SessionId) = (text, kind, user, sessionId);
        var type = kind switch { ChannelKind.Uploads => "upload_update", ChannelKind.Flirts => "suggestion", _ => "stream_update" };
        UpdateType = type;
        UpdateHead = System.Text.Encoding.UTF8.GetBytes($"{{\"type\":\"{type}\",\"channel\":\"{JsonEncodedText.Encode(text)}\"");
    }

    public string Text { get; }

    public ChannelKind Kind { get; }

    /// <summary>Whose it is; null if it is not a user's.</summary>
    public string? User { get; }

    /// <summary>The session; null if it is not one session's.</summary>
    public Guid? SessionId { get; }

    /// <summary>Type of the messages that carry what it has.</summary>
    public string UpdateType { get; }

    /// <summary>How such a message begins, UTF-8.</summary>
    public ReadOnlyMemory<byte> UpdateHead { get; }

    public static bool TryParse(string text, [NotNullWhen(true)] out ChannelName? name)
    {
        name = null;
        if (text == "system:status")
            name = new ChannelName(text, ChannelKind.Status, null, null);
        else if (text.StartsWith(SessionPrefix, StringComparison.Ordinal) && Guid.TryParseExact(text[SessionPrefix.Length..], "D", out var sessionId))
            name = new ChannelName(text, ChannelKind.Session, null, sessionId);
        else if (text.StartsWith(UserPrefix, StringComparison.Ordinal))
            foreach (var (suffix, kind) in OfUsers)
                if (text.EndsWith(suffix, StringComparison.Ordinal) && text.Length > UserPrefix.Length + suffix.Length)
                    name = new ChannelName(text, kind, text[UserPrefix.Length..^suffix.Length], null);
        return name is not null;
    }

    /// <summary>Whether it carries anything of a session.</summary>
    public bool Takes(string kind, Guid sessionId) => Kind switch
    {
        ChannelKind.Streams => true,
        ChannelKind.Uploads => kind == UploadKind,
        ChannelKind.Flirts => kind == AnalysisKind,
        ChannelKind.Session => sessionId == SessionId,
        _ => false,
    };

    /// <summary>Whether it carries a message of a session that it takes.</summary>
    public bool Takes(Frame frame, ReadOnlySpan<byte> json) => Kind != ChannelKind.Flirts || IsSuggestion(frame, json);

    static bool IsSuggestion(Frame frame, ReadOnlySpan<byte> json)
    {
        if (frame.IsEnd || !json.StartsWith("{\"type\":\"artifact\","u8))
            return false;
        var reader = new Utf8JsonReader(json);
        while (reader.Read())
            if (reader is { TokenType: JsonTokenType.PropertyName, CurrentDepth: 1 } && reader.ValueTextEquals("artifactType"u8))
                return reader.Read() && reader.TokenType == JsonTokenType.String && reader.ValueTextEquals("suggestion"u8);
        return false;
    }
}
