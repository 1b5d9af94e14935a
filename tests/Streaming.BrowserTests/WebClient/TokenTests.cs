using Streaming.IntegrationTests.Fixtures;
using Xunit;

namespace Streaming.BrowserTests.WebClient;

/// <summary>The client where a bearer token says who asks.</summary>
public sealed class TokenTests(JwtFixture service, Chromium browser) : IClassFixture<JwtFixture>
{
    [Theory]
    [InlineData("fetch")]
    [InlineData("eventsource")]
    public async Task Token_that_is_refused_is_renewed_and_the_stream_is_read_with_the_new_one(string transport)
    {
        await using var watched = await browser.OpenAsync(service.Host.Address);
        var client = new ClientPage(watched.Page);
        await client.LoadAsync();
        var state = await service.Ada.IdeateAsync();
        var token = service.Jwt.Token("ada");
        await client.WatchAsync(state, $"{{ transport: '{transport}', getToken: (renew) => renew ? '{token}' : 'stale' }}");

        Assert.Equal("completed", await client.EndAsync());
        await client.AssertToldEverythingOnceAsync(service.Ada, state);
        Assert.All(watched.StreamRequests, request => Assert.DoesNotContain(token, request.Url, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("fetch", "StreamProblem not_found")]
    [InlineData("eventsource", "StreamProblem not_found")]
    public async Task Session_of_another_user_is_none(string transport, string expected)
    {
        await using var watched = await browser.OpenAsync(service.Host.Address);
        var client = new ClientPage(watched.Page);
        await client.LoadAsync();
        var state = await service.Ada.IdeateAsync();
        await client.WatchAsync(state, $"{{ transport: '{transport}', getToken: () => '{service.Jwt.Token("eve")}' }}");

        Assert.Equal(expected, await client.EndAsync());
    }
}
