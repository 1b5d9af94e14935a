using System.Net;
using System.Text.Json;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Routing;
using Streaming.IntegrationTests.Fixtures;
using Xunit;

namespace Streaming.IntegrationTests.Http;

/// <summary>Mode jwt: who comes without a valid token gets nowhere below /api, and what is open stays open.</summary>
public sealed class AuthenticationTests(JwtFixture service) : IClassFixture<JwtFixture>
{
    HttpClient Anonymous => service.Host.Client;

    /// <summary>Every route that there is, so that a new one cannot be forgotten.</summary>
    [Fact]
    public async Task Every_endpoint_but_the_open_ones_needs_a_token()
    {
        var open = new List<string>();
        foreach (var endpoint in service.Host.Service<IEnumerable<EndpointDataSource>>().SelectMany(source => source.Endpoints).OfType<RouteEndpoint>())
        {
            var pattern = endpoint.RoutePattern.RawText!;
            if (endpoint.Metadata.GetMetadata<IAllowAnonymous>() is not null)
            {
                open.Add(pattern);
                continue;
            }

            var path = pattern.Replace("{kind}", "relay", StringComparison.Ordinal).Replace("{id}", Guid.NewGuid().ToString(), StringComparison.Ordinal);
            foreach (var method in endpoint.Metadata.GetMetadata<HttpMethodMetadata>()!.HttpMethods.Where(method => method != "CONNECT"))
            {
                using var request = new HttpRequestMessage(new HttpMethod(method), path);
                using var response = await Anonymous.SendAsync(request);
                await RefusedAsync(response, "unauthenticated", "Bearer");
            }
        }

        Assert.Equal(
            [
                "/api/v1/stream/health", "/dashboard", "/favicon.ico", "/health/dependencies", "/health/dependencies/{name}", "/health/live", "/health/ready",
                "/openapi/{documentName}.json",
            ], open.Order());
    }

    [Theory]
    [InlineData("/health/live")]
    [InlineData("/health/ready")]
    [InlineData("/health/dependencies")]
    [InlineData("/health/dependencies/database")]
    [InlineData("/dashboard")]
    [InlineData("/")]
    [InlineData("/favicon.svg")]
    [InlineData("/openapi/v1.json")]
    [InlineData("/schemas/messages.json")]
    public async Task What_is_open_needs_no_token(string path)
    {
        using var response = await Anonymous.GetAsync(path);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    [Theory]
    [InlineData("/API/ideations")]
    [InlineData("/api//ideations")]
    [InlineData("/api/%69deations")]
    [InlineData("/api/nothing")]
    [InlineData("/api")]
    public async Task Another_spelling_of_an_address_opens_nothing(string path)
    {
        using var response = await Anonymous.GetAsync(path);
        await RefusedAsync(response, "unauthenticated", "Bearer");
        Assert.True(response.Headers.CacheControl!.NoStore);
    }

    [Theory]
    [InlineData("Basic YWRhOmFkYQ==", "unauthenticated")]
    [InlineData("Bearer", "unauthenticated")]
    [InlineData("Bearer ", "unauthenticated")]
    [InlineData("Bearer garbage", "invalid_token")]
    [InlineData("Bearer a.b.c.d.e", "invalid_token")]
    [InlineData("bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZGEifQ.", "invalid_token")]
    public async Task Header_without_a_valid_token_is_refused(string header, string code)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/ideations");
        request.Headers.TryAddWithoutValidation("Authorization", header);
        using var response = await Anonymous.SendAsync(request);
        await RefusedAsync(response, code, code == "unauthenticated" ? "Bearer" : "Bearer error=\"invalid_token\"");
    }

    [Fact]
    public async Task Token_in_the_address_is_not_looked_at()
    {
        using var response = await Anonymous.GetAsync($"/api/ideations?access_token={service.Jwt.Token("ada")}");
        await RefusedAsync(response, "unauthenticated", "Bearer");
    }

    [Fact]
    public async Task Two_headers_are_refused()
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/ideations");
        request.Headers.TryAddWithoutValidation("Authorization", [$"Bearer {service.Jwt.Token("ada")}", $"Bearer {service.Jwt.Token("eve")}"]);
        using var response = await Anonymous.SendAsync(request);
        Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
    }

    [Fact]
    public async Task Valid_token_says_whose_the_session_is()
    {
        var relay = await service.Ada.RelayAsync();
        Assert.Equal(relay.Id(), (await service.Ada.StateAsync($"/api/relays/{relay.Id()}")).Id());
        Assert.Contains((await service.Ada.StateAsync("/api/relays")).GetProperty("items").EnumerateArray(), item => item.Id() == relay.Id());
    }

    [Theory]
    [InlineData("evil.example", HttpStatusCode.MisdirectedRequest)]
    [InlineData("localhost.evil.example:5080", HttpStatusCode.MisdirectedRequest)]
    [InlineData("localhost:5080", HttpStatusCode.OK)]
    [InlineData("[::1]:5080", HttpStatusCode.OK)]
    public async Task Mode_none_answers_to_loopback_names_only(string name, HttpStatusCode status)
    {
        await using var host = await ServiceHost.StartAsync(service.Postgres);
        foreach (var path in (string[])["/api/ideations", "/"])
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, path) { Headers = { Host = name } };
            using var response = await host.Client.SendAsync(request);
            Assert.Equal(status, response.StatusCode);
        }
    }

    [Fact]
    public async Task Mode_none_that_is_allowed_to_answers_to_every_name()
    {
        await using var host = await ServiceHost.StartAsync(service.Postgres, [new("Auth:AllowRemote", "true")]);
        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/ideations") { Headers = { Host = "streaming.example" } };
        using var response = await host.Client.SendAsync(request);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    static async Task RefusedAsync(HttpResponseMessage response, string code, string challenge)
    {
        var text = await response.Content.ReadAsStringAsync();
        Assert.True(response.StatusCode == HttpStatusCode.Unauthorized, $"{response.RequestMessage!.RequestUri}: {(int)response.StatusCode} {text}");
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType!.MediaType);
        // The answer to HEAD has headers alone.
        if (response.RequestMessage!.Method != HttpMethod.Head)
            Assert.Equal(code, JsonSerializer.Deserialize<JsonElement>(text).GetProperty("code").GetString());
        Assert.Equal(challenge, response.Headers.WwwAuthenticate.ToString());
    }
}
