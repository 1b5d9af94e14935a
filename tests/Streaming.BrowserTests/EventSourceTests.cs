using System.Text.Json;
using Microsoft.Playwright;
using Streaming.IntegrationTests.Fixtures;
using Xunit;

namespace Streaming.BrowserTests;

/// <summary>The browser's own <c>EventSource</c>, without any script of ours around it.</summary>
public sealed class EventSourceTests(PacedService service, Chromium browser) : IClassFixture<PacedService>
{
    const int MessagesBetweenCuts = 20;

    // Listens to onmessage alone: whatever a script cannot see there, it does not get.
    const string Subscribe =
        """
        url => {
          window.messages = [];
          window.source = new EventSource(url);
          window.source.onmessage = ({ data, lastEventId }) => window.messages.push({ lastEventId, ...JSON.parse(data) });
        }
        """;

    const string IsClosed = "() => window.source.readyState === EventSource.CLOSED";

    HttpClient Client => service.Host.Client;

    [Fact]
    public async Task Event_source_gets_all_messages_and_is_closed_for_good_by_the_204_after_the_end()
    {
        await using var watched = await browser.OpenAsync(service.Host.Address);
        var state = await StartAsync(watched.Page);
        await watched.Page.WaitForFunctionAsync(IsClosed);

        var messages = await MessagesAsync(watched.Page);
        Assert.Equal("start", messages[0].Type);
        Assert.Equal("end", messages[^1].Type);
        await AssertGaplessAsync(messages, state);
        // A closed EventSource asks no more, so these are all the requests there will ever be.
        Assert.Equal(2, watched.StreamRequests.Count);
        Assert.Equal([200, 204], await Task.WhenAll(watched.StreamRequests.Select(async r => (await r.ResponseAsync())!.Status)));
        watched.AssertNoErrors();
    }

    [Fact]
    public async Task Event_source_gets_every_index_once_and_in_order_when_its_connection_is_cut_twice()
    {
        await using var proxy = new CuttableProxy(service.Host.Address);
        await using var watched = await browser.OpenAsync(proxy.Address);
        var state = await StartAsync(watched.Page);
        var isCutTwice = false;
        for (var received = 0; !isCutTwice;)
        {
            await watched.Page.WaitForFunctionAsync("count => window.messages.length >= count", received + MessagesBetweenCuts);
            isCutTwice = received > 0;
            proxy.Cut();
            await watched.Page.WaitForFunctionAsync("() => window.source.readyState === EventSource.CONNECTING");
            received = (await MessagesAsync(watched.Page)).Count;
        }

        await watched.Page.WaitForFunctionAsync(IsClosed);

        await AssertGaplessAsync(await MessagesAsync(watched.Page), state);
        Assert.True(watched.StreamRequests.Count >= 4, "the first, one after each cut, and the one that got 204");
        watched.AssertOnlyNetworkErrors();
    }

    /// <summary>Subscribes to new ideas from a page of the same origin that has no script of its own.</summary>
    async Task<JsonElement> StartAsync(IPage page)
    {
        await page.GotoAsync("/health/live");
        var state = await Client.IdeateAsync(ideaCount: 2);
        await page.EvaluateAsync(Subscribe, state.GetProperty("streamUrl").GetString());
        return state;
    }

    async Task AssertGaplessAsync(List<StreamEvent> messages, JsonElement state)
    {
        var next = 0;
        foreach (var message in messages.Where(message => message.Index is not null))
        {
            Assert.Equal(next, message.First);
            Assert.Equal($"1-{message.Index}", message.Id);
            next = message.Index!.Value + 1;
        }

        var done = await Client.StateAsync($"/api/ideations/{state.Id()}");
        Assert.Equal("completed", done.Status());
        Assert.Equal(done.GetProperty("lastEventId").GetString(), $"1-{next - 1}");
    }

    static async Task<List<StreamEvent>> MessagesAsync(IPage page)
    {
        var messages = JsonElement.Parse(await page.EvaluateAsync<string>("() => JSON.stringify(window.messages)"));
        return [.. messages.EnumerateArray().Select(m => new StreamEvent(m.GetProperty("lastEventId").GetString(), m))];
    }
}
