using System.Buffers.Text;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Streaming.IntegrationTests.Fixtures;

/// <summary>Mode <c>jwt</c> with a secret of its own, and clients that are somebody there.</summary>
public sealed class JwtSettings
{
    const string Issuer = "https://issuer.example";
    const string Audience = "streaming";

    readonly byte[] _secret = RandomNumberGenerator.GetBytes(32);

    public IEnumerable<KeyValuePair<string, string>> Settings =>
    [
        new("Auth:Mode", "jwt"),
        new("Auth:Issuer", Issuer),
        new("Auth:Audience", Audience),
        new("Auth:Keys:0:KeyId", "test"),
        new("Auth:Keys:0:Algorithm", "HS256"),
        new("Auth:Keys:0:Secret", Convert.ToBase64String(_secret)),
    ];

    public HttpClient ClientOf(Uri address, string user, object? claims = null)
    {
        var client = new HttpClient { BaseAddress = address, Timeout = TimeSpan.FromSeconds(60) };
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", Token(user, claims: claims));
        return client;
    }

    /// <summary>A token that is valid for 10 min, unless another lifetime is given; with more claims, if there are any.</summary>
    public string Token(string user, TimeSpan? lifetime = null, object? claims = null)
    {
        var expires = (TimeProvider.System.GetUtcNow() + (lifetime ?? TimeSpan.FromMinutes(10))).ToUnixTimeSeconds();
        var payload = JsonSerializer.SerializeToNode(claims ?? new { })!.AsObject();
        (payload["iss"], payload["aud"], payload["sub"], payload["exp"]) = (Issuer, Audience, user, expires);
        var text = $"{Part(new { alg = "HS256", kid = "test" })}.{Part(payload)}";
        return $"{text}.{Base64Url.EncodeToString(HMACSHA256.HashData(_secret, Encoding.ASCII.GetBytes(text)))}";
    }

    static string Part<T>(T value) => Base64Url.EncodeToString(JsonSerializer.SerializeToUtf8Bytes(value));
}

/// <summary>One service in mode <c>jwt</c> for a test class, and two users of it.</summary>
public class JwtFixture(PostgresServer postgres) : Xunit.IAsyncLifetime
{
    public JwtSettings Jwt { get; } = new();

    public ServiceHost Host { get; private set; } = null!;

    public HttpClient Ada { get; private set; } = null!;

    public HttpClient Eve { get; private set; } = null!;

    public PostgresServer Postgres => postgres;

    public virtual async ValueTask InitializeAsync()
    {
        Host = await ServiceHost.StartAsync(postgres, Jwt.Settings);
        (Ada, Eve) = (Jwt.ClientOf(Host.Address, "ada"), Jwt.ClientOf(Host.Address, "eve"));
    }

    public async ValueTask DisposeAsync()
    {
        Ada.Dispose();
        Eve.Dispose();
        await Host.DisposeAsync();
        GC.SuppressFinalize(this);
    }
}
