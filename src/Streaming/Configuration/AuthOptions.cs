namespace Streaming.Configuration;

/// <summary>Section <c>Auth</c>: who may come, and how they say who they are.</summary>
public sealed class AuthOptions
{
    public const string None = "none";
    public const string Jwt = "jwt";

    /// <summary><c>none</c> (default): everybody is the one user, so loopback only. <c>jwt</c>: a bearer token says who.</summary>
    public string Mode { get; set; } = None;

    /// <summary>Mode <c>none</c> may listen elsewhere than on loopback, for requests to any host name; default no.</summary>
    public bool AllowRemote { get; set; }

    /// <summary><c>iss</c> that a token must have; required in mode <c>jwt</c>.</summary>
    public string? Issuer { get; set; }

    /// <summary><c>aud</c> that a token must have; required in mode <c>jwt</c>.</summary>
    public string? Audience { get; set; }

    /// <summary>Keys that tokens may be signed with, besides those of <see cref="JwksFile"/>.</summary>
    public IList<AuthKey> Keys { get; } = [];

    /// <summary>File with a JSON Web Key Set (RFC 7517), read at the start.</summary>
    public string? JwksFile { get; set; }

    /// <summary>Role of those who may see the status of the service; default <c>admin</c>. In mode <c>none</c> everybody may.</summary>
    public string AdminRole { get; set; } = "admin";

    /// <summary>Claim of the token that has the roles, as a text or an array of texts; default <c>roles</c> and <c>role</c>.</summary>
    public string? RoleClaim { get; set; }

    /// <summary>How far the issuer's clock may be off; default 30 s.</summary>
    public TimeSpan ClockSkew { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>How long a ticket can be connected with, once; default 60 s.</summary>
    public TimeSpan TicketLifetime { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>How long after that its stream can be resumed with it; default 1 h.</summary>
    public TimeSpan ResumeLifetime { get; set; } = TimeSpan.FromHours(1);
}

/// <summary>One key of <c>Auth:Keys</c>. The algorithm is the key's, never the token's choice.</summary>
public sealed class AuthKey
{
    /// <summary><c>kid</c> of the tokens it is for; without one it is tried for every token of its algorithm.</summary>
    public string? KeyId { get; set; }

    /// <summary><c>HS256</c>, <c>RS256</c> or <c>ES256</c>.</summary>
    public string? Algorithm { get; set; }

    /// <summary>HS256: the secret in base64, 32 bytes or more.</summary>
    public string? Secret { get; set; }

    /// <summary>RS256, ES256: the public key as PEM.</summary>
    public string? PublicKeyPem { get; set; }
}
