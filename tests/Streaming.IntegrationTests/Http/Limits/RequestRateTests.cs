using System.Net;
using System.Text;
using System.Text.Json;
using Streaming.IntegrationTests.Fixtures;
using Xunit;

namespace Streaming.IntegrationTests.Http.Limits;

/// <summary>How often a user may ask, and that a stream is not killed by it.</summary>
public sealed class RequestRateTests(PostgresServer postgres)
{
    const int Burst = 10;

    readonly JwtSettings _jwt = new();

    IEnumerable<KeyValuePair<string, string>> Settings(double perSecond) =>
        [.. _jwt.Settings, new("Limits:RequestsPerSecond", FormattableString.Invariant($"{perSecond}")), new("Limits:RequestBurst", $"{Burst}")];

    [Fact]
    public async Task One_request_more_than_the_burst_is_refused_and_other_users_are_not()
    {
        // The next one is due in 100 s.
        await using var host = await ServiceHost.StartAsync(postgres, Settings(0.01));
        using var ada = _jwt.ClientOf(host.Address, "ada");
        using var eve = _jwt.ClientOf(host.Address, "eve");
        for (var i = 0; i < Burst; i++)
            Assert.Equal(HttpStatusCode.OK, (await ada.GetAsync("/api/ideations")).StatusCode);
        using var refused = await ada.GetAsync("/api/ideations");
        Assert.Equal(HttpStatusCode.TooManyRequests, refused.StatusCode);
        Assert.InRange(refused.Headers.RetryAfter!.Delta!.Value.TotalSeconds, 1, 100);
        Assert.Equal("application/problem+json", refused.Content.Headers.ContentType!.MediaType);
        var problem = JsonSerializer.Deserialize<JsonElement>(await refused.Content.ReadAsStringAsync());
        Assert.Equal("too_many_requests", problem.GetProperty("code").GetString());

        Assert.Equal(HttpStatusCode.OK, (await eve.GetAsync("/api/ideations")).StatusCode);
        foreach (var path in (string[])["/health/live", "/health/ready", "/", "/openapi/v1.json"])
            Assert.Equal(HttpStatusCode.OK, (await ada.GetAsync(path)).StatusCode);
    }

    [Fact]
    public async Task Requests_pass_again_after_a_while()
    {
        await using var host = await ServiceHost.StartAsync(postgres, Settings(2.5));
        using var ada = _jwt.ClientOf(host.Address, "ada");
        await Eventually.TrueAsync(async () => (await ada.GetAsync("/api/ideations")).StatusCode == HttpStatusCode.TooManyRequests, "the bucket is empty");
        await Eventually.TrueAsync(async () => (await ada.GetAsync("/api/ideations")).StatusCode == HttpStatusCode.OK, "there is a token again");
    }

    [Fact]
    public async Task Stream_over_the_rate_is_told_to_come_again_and_gets_no_429()
    {
        await using var host = await ServiceHost.StartAsync(postgres, Settings(0.01));
        using var ada = _jwt.ClientOf(host.Address, "ada");
        var relay = (await ada.RelayAsync()).Id();
        var ticket = (await ada.PostJsonAsync("/api/stream-tickets", new { kind = "relay", id = relay }, HttpStatusCode.Created)).GetProperty("ticket").GetString();
        for (var i = 2; i < Burst; i++)
            using (var stream = await ada.OpenStreamAsync($"/api/stream/relay/{relay}"))
                Assert.DoesNotContain("reconnect", await BeginningAsync(stream), StringComparison.Ordinal);

        foreach (var (client, query) in ((HttpClient, string)[])[(ada, ""), (host.Client, $"?ticket={ticket}")])
            using (var response = await client.OpenStreamAsync($"/api/stream/relay/{relay}{query}"))
            {
                Assert.Equal(HttpStatusCode.OK, response.StatusCode);
                Assert.Contains("\"reconnect\":true,\"code\":\"too_many_requests\"", await BeginningAsync(response), StringComparison.Ordinal);
            }

        Assert.Equal(HttpStatusCode.TooManyRequests, (await ada.GetAsync("/api/relays")).StatusCode);
    }

    [Fact]
    public async Task Mode_none_has_no_limit_of_the_rate()
    {
        await using var host = await ServiceHost.StartAsync(postgres);
        for (var i = 0; i < 10; i++)
            Assert.All(await Task.WhenAll(Enumerable.Range(0, 100).Select(_ => host.Client.GetAsync("/api/relays"))),
                answer => Assert.Equal(HttpStatusCode.OK, answer.StatusCode));
    }

    static async Task<string> BeginningAsync(HttpResponseMessage response)
    {
        var body = await response.Content.ReadAsStreamAsync();
        var text = new StringBuilder();
        var buffer = new byte[1024];
        while (!text.ToString().Contains("}\n", StringComparison.Ordinal) && await body.ReadAsync(buffer) is > 0 and var count)
            text.Append(Encoding.UTF8.GetString(buffer, 0, count));
        return text.ToString();
    }
}
