namespace Streaming.Configuration;

/// <summary>Section <c>Limits</c>: what a request may ask for. Each is answered with a problem that names it.</summary>
public sealed class LimitOptions
{
    /// <summary>Bytes of a request body at most; default 1 MiB. More: 413 <c>body_too_large</c>.</summary>
    public int BodyBytesMax { get; set; } = 1024 * 1024;

    /// <summary>Characters of <c>userInput</c> at most; default 20,000.</summary>
    public int UserInputCharactersMax { get; set; } = 20_000;

    /// <summary>Characters of an outline's source text at most; default 200,000.</summary>
    public int SourceCharactersMax { get; set; } = 200_000;

    /// <summary>Genre paths of an ideation at most; default 10.</summary>
    public int GenrePathsMax { get; set; } = 10;

    /// <summary>Ideas of an ideation at most; default 20.</summary>
    public int IdeasMax { get; set; } = 20;

    /// <summary>Characters of one message that guides a generation at most; default 2,000.</summary>
    public int GuidanceCharactersMax { get; set; } = 2000;

    /// <summary>Messages that guide the generations of one session at most; default 20. More: 409 <c>guidance_limit_reached</c>.</summary>
    public int GuidancesMax { get; set; } = 20;

    /// <summary>Messages of one request to a relay at most; default 1,000.</summary>
    public int RelayMessagesMax { get; set; } = 1000;

    /// <summary>Sessions of one page of a list at most; default 100.</summary>
    public int PageMax { get; set; } = 100;
}
