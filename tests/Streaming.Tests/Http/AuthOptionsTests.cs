using System.Security.Cryptography;
using Microsoft.Extensions.Configuration;
using Streaming.Configuration;
using Streaming.Http.Authentication;
using Xunit;

namespace Streaming.Tests.Http;

/// <summary>What the service does not start with, and the address that mode none may listen on.</summary>
public sealed class AuthOptionsTests
{
    [Theory]
    [InlineData("urls", "http://127.0.0.1:5080", true)]
    [InlineData("urls", "http://127.8.9.1:5080;http://[::1]:5080;http://localhost:5081", true)]
    [InlineData("urls", "http://unix:/run/streaming.sock", true)]
    [InlineData("urls", "http://0.0.0.0:5080", false)]
    [InlineData("urls", "http://127.0.0.1:5080;http://[::]:5080", false)]
    [InlineData("urls", "http://*:5080", false)]
    [InlineData("urls", "http://+:5080", false)]
    [InlineData("urls", "http://192.0.2.7:5080", false)]
    [InlineData("urls", "http://machine.example:5080", false)]
    [InlineData("urls", "http://localhost.evil.example:5080", false)]
    [InlineData("urls", "nonsense", false)]
    [InlineData("http_ports", "8080", false)]
    [InlineData("https_ports", "8443", false)]
    [InlineData("Kestrel:Endpoints:Http:Url", "http://127.0.0.1:5080", true)]
    [InlineData("Kestrel:Endpoints:Http:Url", "http://0.0.0.0:5080", false)]
    public void Mode_none_listens_on_loopback_only(string key, string value, bool allowed)
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection([new(key, value)]).Build();
        var faults = AuthOptionsValidation.Faults(new AuthOptions(), configuration).ToList();
        Assert.Equal(allowed, faults.Count == 0);
        Assert.All(faults, fault => Assert.Contains("Auth:AllowRemote", fault, StringComparison.Ordinal));
        Assert.Empty(AuthOptionsValidation.Faults(new AuthOptions { AllowRemote = true }, configuration));
    }

    [Theory]
    [InlineData("localhost", true)]
    [InlineData("LOCALHOST", true)]
    [InlineData("app.localhost", true)]
    [InlineData("127.0.0.1", true)]
    [InlineData("127.1.2.3", true)]
    [InlineData("[::1]", true)]
    [InlineData("evil.example", false)]
    [InlineData("localhost.evil.example", false)]
    [InlineData("127.0.0.1.evil.example", false)]
    [InlineData("0.0.0.0", false)]
    [InlineData("192.168.0.1", false)]
    public void Host_names_of_loopback(string host, bool isLoopback) => Assert.Equal(isLoopback, ListenAddresses.IsLoopbackHost(host));

    [Fact]
    public void Mode_jwt_without_anything_is_refused_with_all_that_is_missing()
    {
        var faults = Faults(new AuthOptions { Mode = "jwt" });
        Assert.Equal(3, faults.Count);
        Assert.Contains("Auth:Issuer", faults[0], StringComparison.Ordinal);
        Assert.Contains("Auth:Audience", faults[1], StringComparison.Ordinal);
        Assert.Contains("Auth:Keys", faults[2], StringComparison.Ordinal);
    }

    [Fact]
    public void Mode_that_does_not_exist_is_refused() => Assert.Contains("'none' or 'jwt'", Assert.Single(Faults(new AuthOptions { Mode = "JWT" })), StringComparison.Ordinal);

    [Fact]
    public void Keys_that_are_weak_or_of_another_kind_are_refused()
    {
        using var small = RSA.Create(1024);
        using var curve = ECDsa.Create(ECCurve.NamedCurves.nistP384);
        using var rsa = RSA.Create(2048);
        AuthKey[] keys =
        [
            new() { Algorithm = "HS256", Secret = Convert.ToBase64String(new byte[31]) },
            new() { Algorithm = "HS256", Secret = "not base64" },
            new() { Algorithm = "HS256", PublicKeyPem = rsa.ExportSubjectPublicKeyInfoPem() },
            new() { Algorithm = "RS256", PublicKeyPem = small.ExportSubjectPublicKeyInfoPem() },
            new() { Algorithm = "RS256", PublicKeyPem = curve.ExportSubjectPublicKeyInfoPem() },
            new() { Algorithm = "ES256", PublicKeyPem = curve.ExportSubjectPublicKeyInfoPem() },
            new() { Algorithm = "ES256", PublicKeyPem = "garbage" },
            new() { Algorithm = "none" },
            new() { PublicKeyPem = rsa.ExportSubjectPublicKeyInfoPem() },
        ];
        Assert.All(keys, key => Assert.Contains("Auth:Keys:0", Assert.Single(Faults(Jwt(key))), StringComparison.Ordinal));
    }

    [Fact]
    public void Two_keys_of_one_id_are_refused()
    {
        AuthKey Key() => new() { KeyId = "a", Algorithm = "HS256", Secret = Convert.ToBase64String(RandomNumberGenerator.GetBytes(32)) };
        Assert.Contains("'a'", Assert.Single(Faults(Jwt(Key(), Key()))), StringComparison.Ordinal);
    }

    [Fact]
    public void Key_set_that_cannot_be_read_is_refused()
    {
        var options = Jwt();
        options.JwksFile = "/nowhere/keys.json";
        Assert.Contains("Auth:JwksFile", Assert.Single(Faults(options)), StringComparison.Ordinal);
    }

    [Fact]
    public void Times_out_of_bounds_are_refused() => Assert.Equal(3, Faults(new AuthOptions
    {
        ClockSkew = TimeSpan.FromHours(1),
        TicketLifetime = TimeSpan.Zero,
        ResumeLifetime = TimeSpan.FromDays(2),
    }).Count);

    static AuthOptions Jwt(params AuthKey[] keys)
    {
        var options = new AuthOptions { Mode = "jwt", Issuer = TokenMaker.Issuer, Audience = TokenMaker.Audience };
        foreach (var key in keys)
            options.Keys.Add(key);
        return options;
    }

    static List<string> Faults(AuthOptions options) => [.. AuthOptionsValidation.Faults(options, new ConfigurationBuilder().Build())];
}
