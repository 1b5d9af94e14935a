namespace Streaming.Configuration;

/// <summary>Section <c>Limits</c>: what a request, and a user, may ask for. Each is answered with a problem that names it.</summary>
public sealed class LimitOptions
{
    /// <summary>Bytes of a request body at most; default 1 MiB. More: 413 <c>body_too_large</c>.</summary>
    public int BodyBytesMax { get; set; } = 1024 * 1024;

    /// <summary>Levels of objects and arrays in a request body at most; default 32, 64 at most. More: 400 <c>invalid_body</c>.</summary>
    public int JsonDepthMax { get; set; } = 32;

    /// <summary>Characters of <c>userInput</c> at most; default 20,000.</summary>
    public int UserInputCharactersMax { get; set; } = 20_000;

    /// <summary>Characters of an outline's source text at most; default 200,000.</summary>
    public int SourceCharactersMax { get; set; } = 200_000;

    /// <summary>Genre paths of an ideation at most; default 10.</summary>
    public int GenrePathsMax { get; set; } = 10;

    /// <summary>Ideas of an ideation at most; default 20.</summary>
    public int IdeasMax { get; set; } = 20;

    /// <summary>Characters of a logo's <c>description</c> at most; default 5,000.</summary>
    public int DescriptionCharactersMax { get; set; } = 5000;

    /// <summary>Characters of one message that guides a generation at most; default 2,000.</summary>
    public int GuidanceCharactersMax { get; set; } = 2000;

    /// <summary>Messages that guide the generations of one session at most; default 20. More: 409 <c>guidance_limit_reached</c>.</summary>
    public int GuidancesMax { get; set; } = 20;

    /// <summary>Messages of one request to a relay at most; default 1,000.</summary>
    public int RelayMessagesMax { get; set; } = 1000;

    /// <summary>Sessions of one page of a list at most; default 100.</summary>
    public int PageMax { get; set; } = 100;

    /// <summary>
    /// Sessions of one stream of several at most; default 50, 100 at most. More would not fit into a request line with their
    /// cursors.
    /// </summary>
    public int SessionsPerStreamMax { get; set; } = 50;

    /// <summary>
    /// Connections that each address of this process accepts a second; null, the default: 1,400 a processor. 0 is no limit. More wait in
    /// the kernel's backlog.
    /// </summary>
    public int? ConnectionsPerSecond { get; set; }

    /// <summary>
    /// Streams and waiting reads that this process holds open at most; default 20,000. One more is told to come again later.
    /// </summary>
    public int StreamsMax { get; set; } = 20_000;

    /// <summary>
    /// Of these, those of one user at most, in this process; default 100, in mode <c>none</c> no limit. 0 is no limit.
    /// </summary>
    public int? StreamsPerUserMax { get; set; }

    /// <summary>
    /// Sessions of one user that are queued, running or paused, relays included, at most, in the database; default 100, in
    /// mode <c>none</c> no limit. 0 is no limit. One more: 429 <c>too_many_sessions</c>.
    /// </summary>
    public int? SessionsInProgressMax { get; set; }

    /// <summary>
    /// Requests a second of one user to this process, in the long run; default 100, in mode <c>none</c> no limit. 0 is no
    /// limit. More: 429 <c>too_many_requests</c>.
    /// </summary>
    public double? RequestsPerSecond { get; set; }

    /// <summary>Requests of one user at once, after a pause; default 500. Without use when there is no limit of the rate.</summary>
    public int RequestBurst { get; set; } = 500;
}
