using System.Net;
using System.Net.Http.Json;
using Streaming.IntegrationTests.Fixtures;
using Xunit;

namespace Streaming.IntegrationTests.Http;

/// <summary>Every kind of answer has the headers that keep a browser from making something else of it.</summary>
public sealed class SecurityHeaderTests(JwtFixture service) : IClassFixture<JwtFixture>
{
    [Theory]
    [InlineData("GET", "/", 200, "text/html", "no-cache")]
    [InlineData("GET", "/scripts/app.js", 200, "text/javascript", "no-cache")]
    [InlineData("GET", "/favicon.ico", 301, null, null)]
    [InlineData("GET", "/openapi/v1.json", 200, "application/json", null)]
    [InlineData("GET", "/schemas/messages.json", 200, "application/json", "no-cache")]
    [InlineData("GET", "/health/ready", 200, "application/json", "no-store")]
    [InlineData("GET", "/nonsense", 404, "application/problem+json", null)]
    [InlineData("GET", "/api/nonsense", 404, "application/problem+json", "no-store")]
    [InlineData("GET", "/api/relays", 200, "application/json", "no-store")]
    [InlineData("GET", "/api/relays/{id}", 200, "application/json", "no-store")]
    [InlineData("GET", "/api/relays/17", 400, "application/problem+json", "no-store")]
    [InlineData("PUT", "/api/relays", 405, "application/problem+json", "no-store")]
    [InlineData("POST", "/api/ideations", 400, "application/problem+json", "no-store")]
    // Answered for an exception, which clears the headers that were set before.
    [InlineData("POST", "/api/ideations", 413, "application/problem+json", "no-store")]
    [InlineData("GET", "/api/stream/relay/{id}", 200, "text/event-stream", "no-store, no-transform")]
    [InlineData("GET", "/api/stream/relay/{ended}", 204, null, "no-store")]
    [InlineData("GET", "/api/stream/relay/17", 400, "application/problem+json", "no-store")]
    [InlineData("DELETE", "/api/relays/{ended}", 204, null, "no-store")]
    public async Task Answer_has_the_headers(string method, string path, int status, string? type, string? cacheControl)
    {
        var relay = (await service.Ada.RelayAsync()).Id();
        var ended = (await service.Ada.RelayAsync()).Id();
        await service.Ada.PostJsonAsync($"/api/relays/{ended}/end", null);
        using var request = new HttpRequestMessage(
            new HttpMethod(method), path.Replace("{id}", relay, StringComparison.Ordinal).Replace("{ended}", ended, StringComparison.Ordinal));
        if (status == 204)
            request.Headers.TryAddWithoutValidation("Last-Event-ID", "1-1");
        if (method == "POST")
            request.Content = JsonContent.Create(new { userInput = status == 413 ? new string('x', 2 * 1024 * 1024) : "" });
        using var client = new HttpClient(new HttpClientHandler { AllowAutoRedirect = false }) { BaseAddress = service.Host.Address };
        client.DefaultRequestHeaders.Authorization = service.Ada.DefaultRequestHeaders.Authorization;
        using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        Assert.Equal((status, type), ((int)response.StatusCode, response.Content.Headers.ContentType?.MediaType));
        AssertHeaders(response, cacheControl);
    }

    [Fact]
    public async Task Refusals_of_those_who_are_nobody_have_them_too()
    {
        using var unauthenticated = await service.Host.Client.GetAsync("/api/relays");
        Assert.Equal(HttpStatusCode.Unauthorized, unauthenticated.StatusCode);
        AssertHeaders(unauthenticated, "no-store");
        await using var host = await ServiceHost.StartAsync(service.Postgres);
        using var request = new HttpRequestMessage(HttpMethod.Get, "/");
        request.Headers.Host = "evil.example";
        using var misdirected = await host.Client.SendAsync(request);
        Assert.Equal(HttpStatusCode.MisdirectedRequest, misdirected.StatusCode);
        AssertHeaders(misdirected, null);
    }

    static void AssertHeaders(HttpResponseMessage response, string? cacheControl)
    {
        Assert.Equal("nosniff", Assert.Single(response.Headers.GetValues("X-Content-Type-Options")));
        Assert.Equal("no-referrer", Assert.Single(response.Headers.GetValues("Referrer-Policy")));
        var policy = Assert.Single(response.Headers.GetValues("Content-Security-Policy"));
        Assert.Contains("default-src 'none'", policy, StringComparison.Ordinal);
        Assert.Contains("frame-ancestors 'none'", policy, StringComparison.Ordinal);
        Assert.DoesNotContain("unsafe", policy, StringComparison.Ordinal);
        Assert.False(response.Headers.Contains("Server"));
        if (cacheControl is not null)
            Assert.Contains(cacheControl.Split(", ")[0], response.Headers.CacheControl!.ToString(), StringComparison.Ordinal);
    }
}
