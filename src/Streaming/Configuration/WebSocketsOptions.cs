namespace Streaming.Configuration;

/// <summary>Section <c>WebSockets</c>: connections at <c>/ws</c>. Places are counted with the streams, in section <c>Limits</c>.</summary>
public sealed class WebSocketsOptions
{
    /// <summary>Origins of pages, besides the service's own, that may connect, such as <c>https://app.example</c>; default none.</summary>
    public IList<string> AllowedOrigins { get; } = [];

    /// <summary>Bytes of one message of a client, all of its frames together, at most; default 1 MiB. More: closed, 1009.</summary>
    public int MessageBytesMax { get; set; } = 1024 * 1024;

    /// <summary>Messages a second of one client, in the long run; default 20. More: closed, <c>too_many_messages</c>.</summary>
    public double MessagesPerSecond { get; set; } = 20;

    /// <summary>Messages of one client at once, after a pause; default 50.</summary>
    public int MessageBurst { get; set; } = 50;

    /// <summary>Channels of one connection at most; default 20. One more: error <c>too_many_channels</c>.</summary>
    public int ChannelsMax { get; set; } = 20;

    /// <summary>Sessions that one channel of a user follows at once; default 200. Further ones begin when one of these has ended.</summary>
    public int SessionsPerChannelMax { get; set; } = 200;

    /// <summary>How long a cursor of a user's channel can be gone on from; default 1 h. Later the channel begins anew, and says so.</summary>
    public TimeSpan ResumeWindow { get; set; } = TimeSpan.FromHours(1);

    /// <summary>Until when a client must have said who it is; default 10 s.</summary>
    public TimeSpan AuthenticationTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Connections of this process that have not said who they are, at most; default 1,000. One more: closed, 1013.</summary>
    public int UnauthenticatedMax { get; set; } = 1000;

    /// <summary>How long a connection without a channel may say nothing; default 1 min. Then closed, <c>idle</c>.</summary>
    public TimeSpan IdleTimeout { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>How long one message may take to leave; default 10 s. Then closed, <c>slow</c>.</summary>
    public TimeSpan SlowTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>How long a client may take to answer a close, and a slow one to take it; default 2 s. Then the connection is cut.</summary>
    public TimeSpan CloseTimeout { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>Silence after which a ping is sent; default 20 s.</summary>
    public TimeSpan PingInterval { get; set; } = TimeSpan.FromSeconds(20);

    /// <summary>How long its pong may take; default 20 s. Then the connection is cut.</summary>
    public TimeSpan PongTimeout { get; set; } = TimeSpan.FromSeconds(20);

    /// <summary>Time between two messages of <c>system:status</c>; default 5 s.</summary>
    public TimeSpan StatusInterval { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// Whether permessage-deflate is agreed on with clients that offer it; default no. It costs memory for each connection, and
    /// tells by the size of what is sent something of its contents, where a secret and an attacker's text share a message.
    /// </summary>
    public bool Compression { get; set; }
}
