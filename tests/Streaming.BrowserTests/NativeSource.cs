using System.Text.Json;
using Microsoft.Playwright;
using Streaming.IntegrationTests.Fixtures;
using Xunit;

namespace Streaming.BrowserTests;

/// <summary>An <c>EventSource</c> of the browser, which keeps what it gets in the page's <c>seen</c>.</summary>
public static class NativeSource
{
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

    public static Task OpenAsync(IPage page, string address) => page.EvaluateAsync(Subscribe, address);

    /// <summary>Looks after every event. (Playwright's own way evaluates text, which the page's policy forbids.)</summary>
    public static async Task UntilAsync(IPage page, string condition, TimeSpan? waitMax = null) =>
        await page.EvaluateAsync($"() => until(() => {condition})").WaitAsync(waitMax ?? WaitMax);

    public static async Task<List<StreamEvent>> MessagesAsync(IPage page)
    {
        var messages = JsonElement.Parse(await page.EvaluateAsync<string>("() => JSON.stringify(seen.messages)"));
        return [.. messages.EnumerateArray().Select(m => new StreamEvent(m.GetProperty("lastEventId").GetString(), m))];
    }

    /// <summary>Every index once and in order, up to the last one of an ideation that has completed.</summary>
    public static async Task AssertGaplessAsync(IEnumerable<StreamEvent> messages, HttpClient client, string ideation)
    {
        var next = 0;
        foreach (var message in messages.Where(message => message.Index is not null))
        {
            Assert.Equal(next, message.First);
            Assert.Equal($"1-{message.Index}", message.Id);
            next = message.Index!.Value + 1;
        }

        var done = await client.StateAsync($"/api/ideations/{ideation}");
        Assert.Equal("completed", done.Status());
        Assert.Equal(done.GetProperty("lastEventId").GetString(), $"1-{next - 1}");
    }
}
