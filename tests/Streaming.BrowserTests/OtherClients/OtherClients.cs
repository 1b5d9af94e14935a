using System.Net;
using System.Net.ServerSentEvents;
using System.Text;
using System.Text.Json;
using Streaming.IntegrationTests.Fixtures;
using Xunit;

namespace Streaming.BrowserTests.OtherClients;

/// <summary>What a client made of a stream.</summary>
/// <param name="Messages">As it told them, in that order.</param>
/// <param name="Asked">The cursor of each of its requests, where that can be seen; null: none.</param>
public sealed record Followed(IReadOnlyList<StreamEvent> Messages, IReadOnlyList<string?> Asked);

/// <summary>Clients that nobody here wrote, used as their authors say: each follows a stream until it has been told the end.</summary>
public sealed class OtherClients(TestPackages packages, Chromium browser)
{
    public const string EventSourcePackage = "eventsource";
    public const string ParserPackage = "eventsource-parser";
    public const string FetchEventSource = "@microsoft/fetch-event-source";
    public const string ChromiumEventSource = "Chromium";
    public const string SseParser = ".NET SseParser";
    /// <summary>The same with <c>SseParser.LastEventId</c> as its cursor, which is set by the line of the id: before the event is complete.</summary>
    public const string SseParserLastEventId = ".NET SseParser.LastEventId";

    static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    const string FollowWithFetch =
        """
        async (url) => {
          const { fetchEventSource } = await import("/other/fetch-event-source.js");
          const seen = { messages: [], asked: [] };
          const leaving = new AbortController();
          const isOver = () => seen.messages.at(-1)?.type === "end";
          await fetchEventSource(url, {
            signal: leaving.signal,
            openWhenHidden: true,
            fetch: (input, init) => {
              seen.asked.push(init.headers["last-event-id"] ?? null);
              return fetch(input, init);
            },
            // Its own check takes a 204 for a fault, and would come again for ever.
            onopen: async (response) => { if (response.status === 204) leaving.abort(); },
            // As its description says. (Chromium takes headers that were cut for a whole answer without a length.)
            onclose: () => { if (!isOver()) throw new Error("cut"); },
            onmessage: ({ id, data }) => {
              if (!data) return;
              const message = JSON.parse(data);
              seen.messages.push({ lastEventId: id, ...message });
              if (isOver()) leaving.abort();
            },
          });
          return JSON.stringify(seen);
        }
        """;

    /// <summary>Follows a stream through a proxy.</summary>
    /// <param name="client">One of the names above.</param>
    /// <param name="proxy">Breaks connections by its plan from here on.</param>
    /// <param name="path">Of the stream.</param>
    /// <param name="plan">What the proxy is to do to each connection.</param>
    public async Task<Followed> FollowAsync(string client, CuttableProxy proxy, string path, Func<Cut?> plan)
    {
        if (client is ChromiumEventSource or FetchEventSource)
            return await FollowInPageAsync(client == FetchEventSource, proxy, path, plan);
        proxy.Plan = plan;
        return client is SseParser or SseParserLastEventId
            ? await FollowWithParserAsync(client == SseParser, new Uri(proxy.Address, path))
            : await FollowInNodeAsync(client, new Uri(proxy.Address, path));
    }

    async Task<Followed> FollowInNodeAsync(string client, Uri address)
    {
        packages.NeedsPackages();
        var (exitCode, output, faults) = await packages.RunAsync("node", ["follow.js", client, address.ToString()], Patience);
        Assert.True(exitCode == 0, faults);
        return new Followed(Events(JsonElement.Parse(output)), []);
    }

    async Task<Followed> FollowInPageAsync(bool withFetch, CuttableProxy proxy, string path, Func<Cut?> plan)
    {
        await using var watched = await browser.OpenAsync(proxy.Address);
        if (withFetch)
        {
            packages.NeedsPackages();
            var (exitCode, _, faults) = await packages.RunAsync(
                Path.Combine(packages.Folder, "node_modules", ".bin", "esbuild"), ["node_modules/@microsoft/fetch-event-source/lib/esm/index.js", "--bundle", "--format=esm", "--outfile=fetch-event-source.js"], Patience);
            Assert.True(exitCode == 0, faults);
            await watched.Page.RouteAsync("**/other/*", route => route.FulfillAsync(new() { Path = Path.Combine(packages.Folder, "fetch-event-source.js") }));
        }

        await watched.Page.GotoAsync("/favicon.svg");
        proxy.Plan = plan;
        // No connection from before the plan is left.
        proxy.Cut();
        if (withFetch)
        {
            var seen = JsonElement.Parse(await watched.Page.EvaluateAsync<string>(FollowWithFetch, path).WaitAsync(Patience));
            return new Followed(Events(seen.GetProperty("messages")), [.. seen.GetProperty("asked").EnumerateArray().Select(cursor => cursor.GetString())]);
        }

        await NativeSource.OpenAsync(watched.Page, path);
        await NativeSource.UntilAsync(watched.Page, "seen.isClosed", Patience);
        return new Followed(await NativeSource.MessagesAsync(watched.Page), []);
    }

    /// <summary>The framework's parser with a loop around it.</summary>
    /// <param name="isCareful">Takes the cursor from the events that it was told.</param>
    /// <param name="address">Of the stream.</param>
    static async Task<Followed> FollowWithParserAsync(bool isCareful, Uri address)
    {
        using var http = new HttpClient { Timeout = Patience };
        var (messages, asked) = (new List<StreamEvent>(), new List<string?>());
        var (lastEventId, retry) = ("", TimeSpan.FromSeconds(1));
        while (messages is not [.., { Type: "end" }])
        {
            SseParser<string>? parser = null;
            try
            {
                using var request = new HttpRequestMessage(HttpMethod.Get, address);
                if (lastEventId.Length > 0)
                    request.Headers.TryAddWithoutValidation("Last-Event-ID", lastEventId);
                asked.Add(lastEventId);
                using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
                if (response.StatusCode == HttpStatusCode.NoContent)
                    break;
                Assert.Equal(HttpStatusCode.OK, response.StatusCode);
                await using var body = await response.Content.ReadAsStreamAsync();
                parser = System.Net.ServerSentEvents.SseParser.Create(body, (_, bytes) => Encoding.UTF8.GetString(bytes));
                await foreach (var item in parser.EnumerateAsync())
                {
                    messages.Add(new StreamEvent(item.EventId, JsonElement.Parse(item.Data)));
                    lastEventId = isCareful ? item.EventId ?? lastEventId : lastEventId;
                }
            }
            catch (Exception fault) when (fault is IOException or HttpRequestException)
            {
                // Cut.
            }

            if (parser is null)
                continue;
            if (!isCareful && parser.LastEventId is { Length: > 0 } early)
                lastEventId = early;
            retry = parser.ReconnectionInterval > TimeSpan.Zero ? parser.ReconnectionInterval : retry;
            await Task.Delay(retry, TimeProvider.System);
        }

        return new Followed(messages, asked);
    }

    static List<StreamEvent> Events(JsonElement messages) =>
        [.. messages.EnumerateArray().Select(message => new StreamEvent(message.TryGetProperty("lastEventId", out var id) ? id.GetString() : null, message))];
}
