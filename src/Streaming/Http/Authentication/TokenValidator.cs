using System.Buffers.Text;
using System.Text.Json;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using Streaming.Configuration;

namespace Streaming.Http.Authentication;

/// <summary>What a token says.</summary>
/// <param name="UserId">Whose it is; null: it is not valid.</param>
/// <param name="Until">When it is not valid any more, the skew of the clocks included.</param>
/// <param name="Fault">What is wrong with it, for a person.</param>
public sealed record TokenResult(string? UserId, DateTimeOffset? Until, string? Fault);

/// <summary>
/// Says whose a bearer token is. Only signed tokens of three parts (RFC 7515, compact) get as far as the library, and only
/// with the keys of the algorithm that the token names: a public key is never tried as a secret (RFC 8725, 2.1, 3.1).
/// </summary>
public sealed class TokenValidator(IOptions<AuthOptions> options, TimeProvider clock)
{
    public const int TokenCharactersMax = 8192;
    public const int UserCharactersMax = 200;

    static readonly string[] RoleClaimsDefault = ["roles", "role"];

    // A member that is there twice is read by one program in one way and by the next in another (RFC 7519, 4).
    static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false };

    readonly AuthOptions _options = options.Value;
    readonly IReadOnlyList<SigningKey> _keys = SigningKeys.Load(options.Value).Keys;
    readonly JsonWebTokenHandler _handler = new() { MaximumTokenSizeInBytes = TokenCharactersMax };

    public TokenResult Validate(string token)
    {
        var (user, until, fault) = Read(token);
        return new TokenResult(user, until, fault);
    }

    (string? UserId, DateTimeOffset? Until, string? Fault) Read(string token)
    {
        if (token.Length > TokenCharactersMax)
            return (null, null, $"The token has more than {TokenCharactersMax} characters.");
        var parts = token.Split('.');
        if (parts.Length != 3 || parts.Any(part => part.Length == 0 || !Base64Url.IsValid(part)))
            return (null, null, "The token is not a signed one of three parts.");
        if (Json(parts[0]) is not { } header || Json(parts[1]) is not { } payload)
            return (null, null, "The token's parts are not JSON.");
        // An extension that must be understood and is not: RFC 7515, 4.1.11.
        if (header.TryGetProperty("crit", out _))
            return (null, null, "The token has critical extensions.");
        var (algorithm, keyId) = (Text(header, "alg"), Text(header, "kid"));
        var keys = _keys.Where(key => key.Algorithm == algorithm && (key.KeyId is null || keyId is null || key.KeyId == keyId)).ToList();
        if (keys.Count == 0)
            return (null, null, "There is no key for the token.");

        var result = _handler.ValidateToken(token, Parameters(algorithm!, keys));
        if (!result.IsValid)
            return (null, null, Reason(result.Exception));
        var user = Text(payload, "sub");
        return string.IsNullOrWhiteSpace(user) || user.Length > UserCharactersMax || user.Any(char.IsControl)
            ? (null, null, $"The token's sub is not a text of 1 to {UserCharactersMax} characters.")
            : (user, new DateTimeOffset(DateTime.SpecifyKind(result.SecurityToken.ValidTo, DateTimeKind.Utc)) + _options.ClockSkew, null);
    }

    /// <summary>Whether a token that was found valid has the role <c>Auth:AdminRole</c>.</summary>
    public bool IsAdmin(string token) =>
        Json(token.Split('.')[1]) is { } payload && RoleClaims.Any(claim => payload.TryGetProperty(claim, out var roles) && (roles.ValueKind == JsonValueKind.Array
            ? roles.EnumerateArray().Any(IsAdminRole)
            : IsAdminRole(roles)));

    string[] RoleClaims => _options.RoleClaim is { Length: > 0 } claim ? [claim] : RoleClaimsDefault;

    bool IsAdminRole(JsonElement role) => role.ValueKind == JsonValueKind.String && role.ValueEquals(_options.AdminRole);

    TokenValidationParameters Parameters(string algorithm, List<SigningKey> keys) => new()
    {
        ValidAlgorithms = [algorithm],
        IssuerSigningKeyResolver = (_, _, _, _) => keys.Select(key => key.Key),
        ValidateIssuerSigningKey = true,
        RequireSignedTokens = true,
        ValidIssuer = _options.Issuer,
        ValidateIssuer = true,
        ValidAudience = _options.Audience,
        ValidateAudience = true,
        RequireAudience = true,
        RequireExpirationTime = true,
        ValidateLifetime = true,
        LifetimeValidator = (notBefore, expires, _, _) => IsAlive(notBefore, expires),
    };

    bool IsAlive(DateTime? notBefore, DateTime? expires)
    {
        var now = clock.GetUtcNow().UtcDateTime;
        return expires is { } end && now - _options.ClockSkew < end && (notBefore is not { } begin || now + _options.ClockSkew >= begin);
    }

    static string Reason(Exception? fault) => fault switch
    {
        SecurityTokenInvalidLifetimeException => "The token has expired, is not valid yet, or does not say until when it is.",
        SecurityTokenInvalidIssuerException => "The token is of another issuer.",
        SecurityTokenInvalidAudienceException => "The token is for another audience.",
        _ => "The token's signature is not valid.",
    };

    static JsonElement? Json(string part)
    {
        try
        {
            using var document = JsonDocument.Parse(Base64Url.DecodeFromChars(part), Strict);
            return document.RootElement.ValueKind == JsonValueKind.Object ? document.RootElement.Clone() : null;
        }
        catch (Exception fault) when (fault is JsonException or FormatException)
        {
            return null;
        }
    }

    static string? Text(JsonElement json, string name)
    {
        if (!json.TryGetProperty(name, out var value) || value.ValueKind != JsonValueKind.String)
            return null;
        try
        {
            return value.GetString();
        }
        catch (InvalidOperationException)
        {
            // Half of a surrogate pair.
            return null;
        }
    }
}
