namespace Streaming.WebSockets;

/// <summary>Why a connection ends: the status of the close frame, and the code that is its reason; docs/protocol.md has the table.</summary>
public sealed record CloseReason(int Status, string Code)
{
    /// <summary>The client has closed.</summary>
    public static readonly CloseReason Closed = new(1000, "closed");

    /// <summary>Its frames are none of RFC 6455. The framework has closed by itself, with 1002 or 1007.</summary>
    public static readonly CloseReason ProtocolError = new(1002, "protocol_error");
    public static readonly CloseReason MessageTooLarge = new(1009, "message_too_large");
    public static readonly CloseReason Internal = new(1011, "internal");
    public static readonly CloseReason ServiceRestart = new(1012, "service_restart");
    public static readonly CloseReason ServerFull = new(1013, "server_full");
    public static readonly CloseReason DatabaseUnavailable = new(1013, "database_unavailable");
    public static readonly CloseReason TooManyRequests = new(1013, "too_many_requests");
    public static readonly CloseReason AuthenticationTimeout = new(4001, "authentication_timeout");
    public static readonly CloseReason InvalidToken = new(4002, "invalid_token");
    public static readonly CloseReason InvalidTicket = new(4003, "invalid_ticket");
    public static readonly CloseReason TokenExpired = new(4004, "token_expired");
    public static readonly CloseReason TooManyStreams = new(4005, "too_many_streams");
    public static readonly CloseReason TooManyMessages = new(4006, "too_many_messages");
    public static readonly CloseReason Idle = new(4007, "idle");
    public static readonly CloseReason Slow = new(4008, "slow");

    /// <summary>Nobody is there any more: nothing is sent.</summary>
    public static readonly CloseReason Lost = new(1006, "lost");

    public static IReadOnlyList<CloseReason> Table { get; } =
    [
        Closed, ProtocolError, Lost, MessageTooLarge, Internal, ServiceRestart, ServerFull, DatabaseUnavailable, TooManyRequests,
        AuthenticationTimeout, InvalidToken, InvalidTicket, TokenExpired, TooManyStreams, TooManyMessages, Idle, Slow,
    ];
}

/// <summary>Ends a connection from within its work.</summary>
public sealed class ConnectionClosingException(CloseReason reason) : Exception(reason.Code)
{
    public CloseReason Reason => reason;
}

/// <summary>What can be wrong with a message of a client; docs/protocol.md has the table. The connection goes on.</summary>
public static class ErrorCodes
{
    public const string MalformedJson = "malformed_json";
    public const string InvalidMessage = "invalid_message";
    public const string BinaryNotSupported = "binary_not_supported";
    public const string UnknownType = "unknown_type";
    public const string Unauthenticated = "unauthenticated";
    public const string AnotherUser = "another_user";
    public const string UnknownChannel = "unknown_channel";
    public const string ChannelForbidden = "channel_forbidden";
    public const string NotFound = "not_found";
    public const string AlreadySubscribed = "already_subscribed";
    public const string NotSubscribed = "not_subscribed";
    public const string TooManyChannels = "too_many_channels";
    public const string InvalidCursor = "invalid_cursor";
    public const string DatabaseUnavailable = "database_unavailable";
}
