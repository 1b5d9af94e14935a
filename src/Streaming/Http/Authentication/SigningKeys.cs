using System.Security.Cryptography;
using System.Text.Json;
using Microsoft.IdentityModel.Tokens;
using Streaming.Configuration;

namespace Streaming.Http.Authentication;

/// <summary>The keys of <c>Auth:Keys</c> and <c>Auth:JwksFile</c>, and what is wrong with those that cannot be used.</summary>
public sealed class SigningKeys
{
    public const string Hs256 = "HS256";
    public const string Rs256 = "RS256";
    public const string Es256 = "ES256";

    const int SecretBytesMin = 32;      // RFC 7518, 3.2: as long as the hash
    const int RsaBitsMin = 2048;        // RFC 7518, 3.3

    readonly List<SigningKey> _keys = [];
    readonly List<string> _faults = [];

    SigningKeys()
    {
    }

    public IReadOnlyList<SigningKey> Keys => _keys;

    /// <summary>One sentence for each key at fault. None holds a secret.</summary>
    public IReadOnlyList<string> Faults => _faults;

    public static SigningKeys Load(AuthOptions options)
    {
        var keys = new SigningKeys();
        for (var i = 0; i < options.Keys.Count; i++)
            keys.Try($"Auth:Keys:{i}", () => FromOptions(options.Keys[i]));
        if (!string.IsNullOrWhiteSpace(options.JwksFile))
            keys.ReadJwks(options.JwksFile);
        foreach (var same in keys._keys.Where(key => key.KeyId is not null).GroupBy(key => key.KeyId).Where(group => group.Count() > 1))
            keys._faults.Add($"The key id '{same.Key}' is there {same.Count()} times.");
        return keys;
    }

    void ReadJwks(string file)
    {
        try
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(file));
            if (document.RootElement.ValueKind != JsonValueKind.Object
                || !document.RootElement.TryGetProperty("keys", out var keys) || keys.ValueKind != JsonValueKind.Array)
            {
                _faults.Add("Auth:JwksFile has no array 'keys'.");
                return;
            }

            var i = 0;
            foreach (var key in keys.EnumerateArray())
                Try($"Auth:JwksFile, key {i++}", () => FromJwk(key));
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException or JsonException)
        {
            _faults.Add($"Auth:JwksFile cannot be read: {fault.Message}");
        }
    }

    void Try(string name, Func<SigningKey?> make)
    {
        try
        {
            if (make() is { } key)
                _keys.Add(key);
        }
        catch (Exception fault) when (fault is FormatException or CryptographicException or ArgumentException)
        {
            _faults.Add($"{name} cannot be used: {fault.Message}");
        }
    }

    static SigningKey FromOptions(AuthKey key) => key.Algorithm switch
    {
        Hs256 when key.Secret is { Length: > 0 } => Hmac(key.KeyId, Convert.FromBase64String(key.Secret)),
        Hs256 => throw new FormatException("HS256 needs a Secret."),
        Rs256 when key.PublicKeyPem is { Length: > 0 } => RsaKey(key.KeyId, rsa => rsa.ImportFromPem(key.PublicKeyPem)),
        Es256 when key.PublicKeyPem is { Length: > 0 } => EcKey(key.KeyId, ec => ec.ImportFromPem(key.PublicKeyPem)),
        Rs256 or Es256 => throw new FormatException($"{key.Algorithm} needs a PublicKeyPem."),
        _ => throw new FormatException($"Algorithm is '{key.Algorithm}'; it can be HS256, RS256 or ES256."),
    };

    /// <summary>Null for a key that no token of ours can be signed with: one for encryption, or of another algorithm.</summary>
    static SigningKey? FromJwk(JsonElement key)
    {
        if (key.ValueKind != JsonValueKind.Object)
            throw new FormatException("it is no object.");
        if (Text("use") is not (null or "sig"))
            return null;
        return (Text("kty"), Text("alg")) switch
        {
            ("oct", null or Hs256) => Hmac(Text("kid"), Bytes("k")),
            ("RSA", null or Rs256) => RsaKey(Text("kid"), rsa => rsa.ImportParameters(new RSAParameters { Modulus = Bytes("n"), Exponent = Bytes("e") })),
            ("EC", null or Es256) when Text("crv") == "P-256" => EcKey(Text("kid"), ec => ec.ImportParameters(
                new ECParameters { Curve = ECCurve.NamedCurves.nistP256, Q = new ECPoint { X = Bytes("x"), Y = Bytes("y") } })),
            _ => null,
        };

        string? Text(string name) =>
            key.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

        byte[] Bytes(string name) => Base64UrlEncoder.DecodeBytes(Text(name) ?? throw new FormatException($"'{name}' is missing."));
    }

    static SigningKey Hmac(string? keyId, byte[] secret) => secret.Length < SecretBytesMin
        ? throw new FormatException($"a secret must have {SecretBytesMin} bytes or more, this one has {secret.Length}.")
        : new SigningKey(Id(keyId), Hs256, new SymmetricSecurityKey(secret));

    static SigningKey RsaKey(string? keyId, Action<RSA> import)
    {
        using var rsa = RSA.Create();
        import(rsa);
        if (rsa.KeySize < RsaBitsMin)
            throw new FormatException($"an RSA key must have {RsaBitsMin} bits or more, this one has {rsa.KeySize}.");
        return new SigningKey(Id(keyId), Rs256, new RsaSecurityKey(rsa.ExportParameters(includePrivateParameters: false)));
    }

    static SigningKey EcKey(string? keyId, Action<ECDsa> import)
    {
        using var ec = ECDsa.Create();
        import(ec);
        var parameters = ec.ExportParameters(includePrivateParameters: false);
        if (parameters.Curve.Oid.Value != ECCurve.NamedCurves.nistP256.Oid.Value)
            throw new FormatException("a key for ES256 must be on the curve P-256.");
        // Not an ECDsaSecurityKey: that one would be shared by all requests, and an ECDsa is not for several threads.
        return new SigningKey(Id(keyId), Es256, new JsonWebKey
        {
            Kty = JsonWebAlgorithmsKeyTypes.EllipticCurve,
            Crv = JsonWebKeyECTypes.P256,
            X = Base64UrlEncoder.Encode(parameters.Q.X),
            Y = Base64UrlEncoder.Encode(parameters.Q.Y),
        });
    }

    static string? Id(string? keyId) => string.IsNullOrEmpty(keyId) ? null : keyId;
}
