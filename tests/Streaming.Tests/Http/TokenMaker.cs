using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Streaming.Configuration;

namespace Streaming.Tests.Http;

/// <summary>An issuer, and a forger: signs whatever it is asked to, with whatever key and under whatever name.</summary>
public sealed class TokenMaker : IDisposable
{
    public const string Issuer = "https://issuer.example";
    public const string Audience = "streaming";

    public byte[] Secret { get; } = RandomNumberGenerator.GetBytes(32);

    public RSA Rsa { get; } = RSA.Create(2048);

    public ECDsa Ec { get; } = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    /// <summary>A key of each algorithm, with the ids hs, rs and es.</summary>
    public AuthOptions Options() => new()
    {
        Mode = AuthOptions.Jwt,
        Issuer = Issuer,
        Audience = Audience,
        Keys =
        {
            new AuthKey { KeyId = "hs", Algorithm = "HS256", Secret = Convert.ToBase64String(Secret) },
            new AuthKey { KeyId = "rs", Algorithm = "RS256", PublicKeyPem = Rsa.ExportSubjectPublicKeyInfoPem() },
            new AuthKey { KeyId = "es", Algorithm = "ES256", PublicKeyPem = Ec.ExportSubjectPublicKeyInfoPem() },
        },
    };

    public static JsonObject Claims(DateTimeOffset now, string user = "ada") => new()
    {
        ["iss"] = Issuer,
        ["aud"] = Audience,
        ["sub"] = user,
        ["nbf"] = now.AddMinutes(-1).ToUnixTimeSeconds(),
        ["exp"] = now.AddMinutes(10).ToUnixTimeSeconds(),
    };

    public string Hs256(JsonObject claims, string? keyId = "hs", byte[]? secret = null) =>
        Token("HS256", keyId, claims, text => HMACSHA256.HashData(secret ?? Secret, text));

    public string Rs256(JsonObject claims, string? keyId = "rs") =>
        Token("RS256", keyId, claims, text => Rsa.SignData(text, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1));

    public string Es256(JsonObject claims, string? keyId = "es") =>
        Token("ES256", keyId, claims, text => Ec.SignData(text, HashAlgorithmName.SHA256));

    public static string Token(string algorithm, string? keyId, JsonObject claims, Func<byte[], byte[]> sign, JsonObject? header = null)
    {
        header ??= new JsonObject();
        header["alg"] = algorithm;
        if (keyId is not null)
            header["kid"] = keyId;
        var text = $"{Part(header)}.{Part(claims)}";
        return $"{text}.{Base64Url.EncodeToString(sign(Encoding.ASCII.GetBytes(text)))}";
    }

    public static string Part(JsonObject json) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(json.ToJsonString()));

    public void Dispose()
    {
        Rsa.Dispose();
        Ec.Dispose();
    }
}
