using Microsoft.IdentityModel.Tokens;

namespace Streaming.Http.Authentication;

/// <summary>A key with the one algorithm it is for, so that no token can have it used for another.</summary>
public sealed record SigningKey(string? KeyId, string Algorithm, SecurityKey Key);
