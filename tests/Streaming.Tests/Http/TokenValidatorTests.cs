using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Options;
using Streaming.Configuration;
using Streaming.Http.Authentication;
using Xunit;

namespace Streaming.Tests.Http;

/// <summary>Each token that somebody could try, and what becomes of it.</summary>
public sealed class TokenValidatorTests : IDisposable
{
    static readonly DateTimeOffset Now = new(2026, 11, 21, 12, 0, 0, TimeSpan.Zero);

    readonly TokenMaker _maker = new();

    static JsonObject Claims => TokenMaker.Claims(Now);

    public void Dispose() => _maker.Dispose();

    [Fact]
    public void HS256_good() => Accepted(_maker.Hs256(Claims));

    [Fact]
    public void RS256_good() => Accepted(_maker.Rs256(Claims));

    [Fact]
    public void ES256_good() => Accepted(_maker.Es256(Claims));

    [Fact]
    public void Token_without_key_id_is_tried_with_the_keys_of_its_algorithm() => Accepted(_maker.Rs256(Claims, keyId: null));

    [Fact]
    public void Key_without_id_is_tried_for_every_token_of_its_algorithm()
    {
        var options = _maker.Options();
        options.Keys[0].KeyId = null;
        Assert.Equal("ada", Validate(_maker.Hs256(Claims, "whatever"), options).UserId);
    }

    [Fact]
    public void One_audience_of_several_is_enough() => Accepted(_maker.Hs256(With("aud", new JsonArray("other", TokenMaker.Audience))));

    [Fact]
    public void Jwks_file_good()
    {
        var rsa = _maker.Rsa.ExportParameters(false);
        var ec = _maker.Ec.ExportParameters(false);
        var set = new JsonObject
        {
            ["keys"] = new JsonArray(
                new JsonObject { ["kty"] = "RSA", ["kid"] = "r", ["alg"] = "RS256", ["use"] = "sig", ["n"] = Base64Url.EncodeToString(rsa.Modulus), ["e"] = Base64Url.EncodeToString(rsa.Exponent) },
                new JsonObject { ["kty"] = "EC", ["kid"] = "e", ["crv"] = "P-256", ["x"] = Base64Url.EncodeToString(ec.Q.X), ["y"] = Base64Url.EncodeToString(ec.Q.Y) },
                new JsonObject { ["kty"] = "oct", ["kid"] = "h", ["k"] = Base64Url.EncodeToString(_maker.Secret) },
                new JsonObject { ["kty"] = "RSA", ["kid"] = "x", ["use"] = "enc", ["n"] = "AQ", ["e"] = "AQAB" },
                new JsonObject { ["kty"] = "OKP", ["kid"] = "o", ["crv"] = "Ed25519", ["x"] = "AQ" }),
        };
        var file = Path.GetTempFileName();
        try
        {
            File.WriteAllText(file, set.ToJsonString());
            var options = new AuthOptions { Mode = AuthOptions.Jwt, Issuer = TokenMaker.Issuer, Audience = TokenMaker.Audience, JwksFile = file };
            Assert.Empty(SigningKeys.Load(options).Faults);
            Assert.Equal("ada", Validate(_maker.Rs256(Claims, "r"), options).UserId);
            Assert.Equal("ada", Validate(_maker.Es256(Claims, "e"), options).UserId);
            Assert.Equal("ada", Validate(_maker.Hs256(Claims, "h"), options).UserId);
            Assert.Null(Validate(_maker.Rs256(Claims, "x"), options).UserId);
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Theory]
    [InlineData("none")]
    [InlineData("None")]
    [InlineData("NONE")]
    [InlineData("nOnE")]
    [InlineData("")]
    [InlineData("hs256")]
    [InlineData("HS512")]
    [InlineData("PS256")]
    public void Algorithm_that_no_key_is_for_is_refused(string algorithm)
    {
        Refused(TokenMaker.Token(algorithm, "hs", Claims, text => HMACSHA256.HashData(_maker.Secret, text)));
        Refused(TokenMaker.Token(algorithm, null, Claims, _ => []));
        Refused(TokenMaker.Token(algorithm, null, Claims, _ => [0]));
    }

    /// <summary>The signature is right, the key is ours; the algorithm is not the one that the key is for.</summary>
    [Fact]
    public void Right_signature_by_another_algorithm_is_refused()
    {
        Refused(TokenMaker.Token("PS256", "rs", Claims, text => _maker.Rsa.SignData(text, HashAlgorithmName.SHA256, RSASignaturePadding.Pss)), "no key");
        Refused(TokenMaker.Token("RS512", "rs", Claims, text => _maker.Rsa.SignData(text, HashAlgorithmName.SHA512, RSASignaturePadding.Pkcs1)), "no key");
        Refused(TokenMaker.Token("HS384", "hs", Claims, text => HMACSHA384.HashData(_maker.Secret, text)), "no key");
    }

    [Theory]
    [InlineData("rs")]
    [InlineData("hs")]
    [InlineData(null)]
    public void HS256_signed_with_the_public_key_is_refused(string? keyId)
    {
        byte[][] secrets =
        [
            Encoding.UTF8.GetBytes(_maker.Rsa.ExportSubjectPublicKeyInfoPem()),
            Encoding.UTF8.GetBytes(_maker.Rsa.ExportSubjectPublicKeyInfoPem() + "\n"),
            Encoding.UTF8.GetBytes(_maker.Rsa.ExportRSAPublicKeyPem()),
            _maker.Rsa.ExportSubjectPublicKeyInfo(),
            _maker.Rsa.ExportParameters(false).Modulus!,
        ];
        Assert.All(secrets, secret => Refused(_maker.Hs256(Claims, keyId, secret)));
        var onlyRsa = _maker.Options();
        onlyRsa.Keys.RemoveAt(0);
        Assert.All(secrets, secret => Assert.Null(Validate(_maker.Hs256(Claims, keyId, secret), onlyRsa).UserId));
    }

    [Fact]
    public void Key_of_another_algorithm_is_not_used() => Refused(_maker.Rs256(Claims, "hs"));

    [Fact]
    public void Unknown_key_id_is_refused() => Refused(_maker.Rs256(Claims, "unknown"));

    [Fact]
    public void Key_that_the_token_brings_along_is_refused()
    {
        using var own = RSA.Create(2048);
        var parameters = own.ExportParameters(false);
        var header = new JsonObject
        {
            ["jwk"] = new JsonObject { ["kty"] = "RSA", ["n"] = Base64Url.EncodeToString(parameters.Modulus), ["e"] = Base64Url.EncodeToString(parameters.Exponent) },
            ["jku"] = "https://evil.example/keys",
        };
        Refused(TokenMaker.Token("RS256", "rs", Claims, text => own.SignData(text, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1), header));
    }

    [Fact]
    public void Critical_extension_is_refused() => Refused(TokenMaker.Token(
        "HS256", "hs", Claims, text => HMACSHA256.HashData(_maker.Secret, text), new JsonObject { ["crit"] = new JsonArray("b64"), ["b64"] = false }));

    [Theory]
    [InlineData("""{"alg":"none","alg":"HS256","kid":"hs"}""", """{"iss":"https://issuer.example","aud":"streaming","sub":"ada","exp":9999999999}""")]
    [InlineData("""{"alg":"HS256","kid":"hs"}""", """{"iss":"https://issuer.example","aud":"streaming","sub":"eve","sub":"ada","exp":9999999999}""")]
    public void Member_that_is_there_twice_is_refused(string header, string claims)
    {
        var text = $"{Base64Url.EncodeToString(Encoding.UTF8.GetBytes(header))}.{Base64Url.EncodeToString(Encoding.UTF8.GetBytes(claims))}";
        Refused($"{text}.{Base64Url.EncodeToString(HMACSHA256.HashData(_maker.Secret, Encoding.ASCII.GetBytes(text)))}", "JSON");
    }

    [Fact]
    public void Many_at_once_are_each_judged_by_themselves()
    {
        var validator = new TokenValidator(Options.Create(_maker.Options()), new FixedClock());
        string[] good = [_maker.Hs256(Claims), _maker.Rs256(Claims), _maker.Es256(Claims)];
        string[] bad = [.. good.Select(token => token[..^4] + (token.EndsWith("AAAA", StringComparison.Ordinal) ? "BBBB" : "AAAA"))];
        Parallel.For(0, 2000, i =>
        {
            Assert.Equal("ada", validator.Validate(good[i % 3]).UserId);
            Assert.Null(validator.Validate(bad[i % 3]).UserId);
        });
    }

    [Fact]
    public void Changed_claims_are_refused()
    {
        var parts = _maker.Hs256(Claims).Split('.');
        Refused($"{parts[0]}.{TokenMaker.Part(TokenMaker.Claims(Now, "eve"))}.{parts[2]}");
    }

    [Fact]
    public void ES256_signature_of_zeros_is_refused() => Refused(TokenMaker.Token("ES256", "es", Claims, _ => new byte[64]));

    [Fact]
    public void Wrong_issuer_is_refused() => Refused(_maker.Hs256(With("iss", "https://evil.example")), "issuer");

    [Fact]
    public void Missing_issuer_is_refused() => Refused(_maker.Hs256(With("iss", null)), "issuer");

    [Fact]
    public void Wrong_audience_is_refused() => Refused(_maker.Hs256(With("aud", "other")), "audience");

    [Fact]
    public void Missing_audience_is_refused() => Refused(_maker.Hs256(With("aud", null)));

    [Theory]
    [InlineData(-29, true)]
    [InlineData(-31, false)]
    public void Expired_token_is_refused_but_for_the_skew(int seconds, bool accepted)
    {
        var token = _maker.Hs256(With("exp", Now.AddSeconds(seconds).ToUnixTimeSeconds()));
        Assert.Equal(accepted ? "ada" : null, Validate(token).UserId);
    }

    [Fact]
    public void Token_that_never_expires_is_refused() => Refused(_maker.Hs256(With("exp", null)));

    [Theory]
    [InlineData(29, true)]
    [InlineData(31, false)]
    public void Token_that_is_not_valid_yet_is_refused_but_for_the_skew(int seconds, bool accepted)
    {
        var token = _maker.Hs256(With("nbf", Now.AddSeconds(seconds).ToUnixTimeSeconds()));
        Assert.Equal(accepted ? "ada" : null, Validate(token).UserId);
    }

    [Fact]
    public void Token_of_five_parts_is_refused() => Refused($"{_maker.Hs256(Claims)}.AAAA.AAAA", "three parts");

    [Fact]
    public void Token_of_two_parts_is_refused() => Refused(string.Join('.', _maker.Hs256(Claims).Split('.').Take(2)), "three parts");

    [Fact]
    public void Token_without_signature_is_refused() => Refused(string.Join('.', _maker.Hs256(Claims).Split('.').Take(2)) + ".", "three parts");

    [Theory]
    [InlineData("")]
    [InlineData("garbage")]
    [InlineData("..")]
    [InlineData("a.b.c")]
    [InlineData("e30.e30.e30")]
    [InlineData("W10.W10.AAAA")]
    [InlineData("eyJhbGciOiJIUzI1NiJ9.eyJhbGciOiJIUzI1NiJ9.!!!!")]
    [InlineData("{\"alg\":\"none\"}.{}.x")]
    public void Garbage_is_refused(string token) => Refused(token);

    [Fact]
    public void Token_that_is_too_long_is_refused() => Refused(_maker.Hs256(With("more", new string('x', TokenValidator.TokenCharactersMax))), "characters");

    [Fact]
    public void Subject_that_is_no_user_is_refused()
    {
        Refused(_maker.Hs256(With("sub", null)), "sub");
        Refused(_maker.Hs256(With("sub", "")), "sub");
        Refused(_maker.Hs256(With("sub", "  ")), "sub");
        Refused(_maker.Hs256(With("sub", "a\0b")), "sub");
        Refused(_maker.Hs256(With("sub", 7)), "sub");
        Refused(_maker.Hs256(With("sub", new string('x', TokenValidator.UserCharactersMax + 1))), "sub");
        Assert.Equal(200, Validate(_maker.Hs256(With("sub", new string('x', TokenValidator.UserCharactersMax)))).UserId!.Length);
    }

    static JsonObject With(string claim, JsonNode? value)
    {
        var claims = Claims;
        if (value is null)
            claims.Remove(claim);
        else
            claims[claim] = value;
        return claims;
    }

    void Accepted(string token) => Assert.Equal(("ada", null), Validate(token));

    void Refused(string token, string reason = "")
    {
        var (user, fault) = Validate(token);
        Assert.Null(user);
        Assert.Contains(reason, fault!, StringComparison.Ordinal);
    }

    (string? UserId, string? Fault) Validate(string token, AuthOptions? options = null)
    {
        var result = new TokenValidator(Options.Create(options ?? _maker.Options()), new FixedClock()).Validate(token);
        return (result.UserId, result.Fault);
    }

    sealed class FixedClock : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => Now;
    }
}
