using System.Text.Json;
using Microsoft.Playwright;
using Streaming.IntegrationTests.Fixtures;
using Xunit;

namespace Streaming.BrowserTests;

/// <summary>The browser's own <c>EventSource</c>, without any script of ours around it.</summary>
public sealed class EventSourceTests(PacedService service, Chromium browser) : IClassFixture<PacedService>
{
    const int MessagesBetweenCuts = 20;

    HttpClient Client => service.Host.Client;

    [Fact]
    public async Task Event_source_gets_all_messages_and_is_closed_for_good_by_the_204_after_the_end()
    {
        await using var watched = await browser.OpenAsync(service.Host.Address);
        var state = await StartAsync(watched.Page);
        await NativeSource.UntilAsync(watched.Page, "seen.isClosed");

        var messages = await NativeSource.MessagesAsync(watched.Page);
        Assert.Equal("start", messages[0].Type);
        Assert.Equal("end", messages[^1].Type);
        await NativeSource.AssertGaplessAsync(messages, Client, state.Id());
        // A closed EventSource asks no more, so these are all the requests there will ever be.
        var answers = await Task.WhenAll(watched.StreamRequests.Select(async request => (await request.ResponseAsync())!.Status));
        Assert.Equal([200, 204], answers);
        watched.AssertNoErrors();
    }

    [Fact]
    public async Task Event_source_gets_every_index_once_and_in_order_when_its_connection_is_cut_twice()
    {
        await using var proxy = new CuttableProxy(service.Host.Address);
        await using var watched = await browser.OpenAsync(proxy.Address);
        var state = await StartAsync(watched.Page);
        var received = 0;
        for (var cuts = 1; cuts <= 2; cuts++)
        {
            await NativeSource.UntilAsync(watched.Page, $"seen.messages.length >= {received + MessagesBetweenCuts}");
            proxy.Cut();
            await NativeSource.UntilAsync(watched.Page, $"seen.losses >= {cuts}");
            received = (await NativeSource.MessagesAsync(watched.Page)).Count;
        }

        await NativeSource.UntilAsync(watched.Page, "seen.isClosed");

        await NativeSource.AssertGaplessAsync(await NativeSource.MessagesAsync(watched.Page), Client, state.Id());
        Assert.True(watched.StreamRequests.Count >= 4, "the first, one after each cut, and the one that got 204");
        watched.AssertOnlyNetworkErrors();
    }

    /// <summary>Subscribes to new ideas from the home page, which opens no stream itself.</summary>
    async Task<JsonElement> StartAsync(IPage page)
    {
        await page.GotoAsync("/");
        var state = await Client.IdeateAsync(ideaCount: 2);
        await NativeSource.OpenAsync(page, state.GetProperty("streamUrl").GetString()!);
        return state;
    }
}
