using System.Text.Json;
using Microsoft.Playwright;
using Streaming.IntegrationTests.Fixtures;
using Xunit;

namespace Streaming.BrowserTests;

/// <summary>The browser's own <c>EventSource</c>, without any script of ours around it.</summary>
public sealed class EventSourceTests(PacedService service, Chromium browser) : IClassFixture<PacedService>
{
    const int MessagesBetweenCuts = 20;

    // Takes messages from onmessage alone: what a script cannot see there, it does not get.
    const string Subscribe =
        """
        url => {
          const source = new EventSource(url);
          window.seen = { messages: [], losses: 0, isClosed: false };
          source.onmessage = ({ data, lastEventId }) => seen.messages.push({ lastEventId, ...JSON.parse(data) });
          source.onerror = () => {
            seen.losses++;
            seen.isClosed = source.readyState === EventSource.CLOSED;
          };
          window.until = (condition) => new Promise((resolve) => {
            const look = () => { if (condition()) resolve(); };
            source.addEventListener("message", look);
            source.addEventListener("error", look);
            look();
          });
        }
        """;

    static readonly TimeSpan WaitMax = TimeSpan.FromSeconds(20);

    HttpClient Client => service.Host.Client;

    [Fact]
    public async Task Event_source_gets_all_messages_and_is_closed_for_good_by_the_204_after_the_end()
    {
        await using var watched = await browser.OpenAsync(service.Host.Address);
        var state = await StartAsync(watched.Page);
        await UntilAsync(watched.Page, "seen.isClosed");

        var messages = await MessagesAsync(watched.Page);
        Assert.Equal("start", messages[0].Type);
        Assert.Equal("end", messages[^1].Type);
        await AssertGaplessAsync(messages, state);
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
            await UntilAsync(watched.Page, $"seen.messages.length >= {received + MessagesBetweenCuts}");
            proxy.Cut();
            await UntilAsync(watched.Page, $"seen.losses >= {cuts}");
            received = (await MessagesAsync(watched.Page)).Count;
        }

        await UntilAsync(watched.Page, "seen.isClosed");

        await AssertGaplessAsync(await MessagesAsync(watched.Page), state);
        Assert.True(watched.StreamRequests.Count >= 4, "the first, one after each cut, and the one that got 204");
        watched.AssertOnlyNetworkErrors();
    }

    /// <summary>Subscribes to new ideas from the home page, which opens no stream itself.</summary>
    async Task<JsonElement> StartAsync(IPage page)
    {
        await page.GotoAsync("/");
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

    /// <summary>Looks after every event. (Playwright's own way evaluates text, which the page's policy forbids.)</summary>
    static async Task UntilAsync(IPage page, string condition) =>
        await page.EvaluateAsync($"() => until(() => {condition})").WaitAsync(WaitMax);

    static async Task<List<StreamEvent>> MessagesAsync(IPage page)
    {
        var messages = JsonElement.Parse(await page.EvaluateAsync<string>("() => JSON.stringify(seen.messages)"));
        return [.. messages.EnumerateArray().Select(m => new StreamEvent(m.GetProperty("lastEventId").GetString(), m))];
    }
}
