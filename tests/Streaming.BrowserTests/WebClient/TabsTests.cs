using System.Collections.Concurrent;
using Microsoft.Playwright;
using Xunit;
using Streaming.IntegrationTests.Fixtures;

namespace Streaming.BrowserTests.WebClient;

/// <summary>Several tabs that watch the same stream.</summary>
public sealed class TabsTests(PacedService service, Chromium browser) : IClassFixture<PacedService>
{
    [Theory]
    [InlineData("start")]
    [InlineData("state")]
    public async Task Tabs_of_one_origin_share_a_connection_and_the_second_takes_over_when_the_first_is_closed(string from)
    {
        await using var watched = await browser.OpenAsync(service.Host.Address);
        var open = new ConcurrentDictionary<IRequest, bool>();
        var context = watched.Page.Context;
        context.Request += (_, request) =>
        {
            if (request.Url.Contains("/api/stream/", StringComparison.Ordinal))
                open[request] = true;
        };
        context.RequestFinished += (_, request) => open.TryRemove(request, out var _);
        context.RequestFailed += (_, request) => open.TryRemove(request, out var _);
        var secondPage = await context.NewPageAsync();
        var (first, second) = (new ClientPage(watched.Page), new ClientPage(secondPage));
        await first.LoadAsync();
        await second.LoadAsync();

        var state = await service.Host.Client.IdeateAsync(ideaCount: 10);
        await first.WatchAsync(state);
        await first.UntilAsync("seen.messages.length > 30");
        await second.WatchAsync(state, $"{{ from: '{from}' }}");
        await second.UntilAsync("seen.connections.at(-1) === 'shared' && seen.messages.length > 30");
        await Eventually.TrueAsync(() => Task.FromResult(open.Count == 1), "one connection is left, that of the first tab");
        Assert.Equal("live", (await first.ConnectionsAsync())[^1]);

        await watched.Page.CloseAsync();
        await second.UntilAsync("seen.connections.at(-1) === 'live'");
        Assert.Equal("completed", await second.EndAsync());
        if (from == "start")
            await second.AssertToldEverythingOnceAsync(service.Host.Client, state);
        else
            await second.AssertHoldsResultAsync(service.Host.Client, state);
        watched.AssertNoErrors();
    }
}
