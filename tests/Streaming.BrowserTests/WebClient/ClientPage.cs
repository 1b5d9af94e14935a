using System.Text.Json;
using Microsoft.Playwright;
using Streaming.IntegrationTests.Fixtures;
using Xunit;

namespace Streaming.BrowserTests.WebClient;

/// <summary>A page of the service that watches a stream with the client, and what it has been told.</summary>
public sealed class ClientPage(IPage page)
{
    static readonly TimeSpan WaitMax = TimeSpan.FromSeconds(90);

    // The module is loaded before anything on the way is broken.
    const string Load =
        """
        async () => {
          const { StreamProcessor } = await import("/client/index.js");
          window.watch = (url, options) => {
            const seen = window.seen = { messages: [], connections: [], updates: 0, status: undefined };
            const processor = seen.processor = new StreamProcessor(options);
            seen.done = processor.processStream(url, {
              onMessage: (message) => seen.messages.push(message),
              onConnection: (connection) => seen.connections.push(connection),
            }).then((state) => { seen.status = state.status; }, (fault) => { seen.status = `${fault.name} ${fault.code ?? fault.message}`; });
          };
        }
        """;

    public async Task LoadAsync()
    {
        await page.GotoAsync("/");
        await page.EvaluateAsync(Load);
    }

    /// <summary>Begins to watch a session.</summary>
    /// <param name="state">Its state.</param>
    /// <param name="options">Of the client, in JavaScript.</param>
    public Task WatchAsync(JsonElement state, string options = "{}") =>
        page.EvaluateAsync($"url => watch(url, {options})", state.GetProperty("streamUrl").GetString());

    public Task UntilAsync(string condition) => Eventually.TrueAsync(
        async () => await page.EvaluateAsync<bool>($"() => !!({condition})"), condition, WaitMax);

    /// <summary>Waits for the end, and says how the client says that it ended.</summary>
    public async Task<string> EndAsync() =>
        await page.EvaluateAsync<string>("() => seen.done.then(() => seen.status)").WaitAsync(WaitMax);

    public Task<string[]> ConnectionsAsync() => page.EvaluateAsync<string[]>("() => seen.connections");

    public async Task<List<JsonElement>> MessagesAsync() =>
        [.. JsonElement.Parse(await page.EvaluateAsync<string>("() => JSON.stringify(seen.messages)")).EnumerateArray()];

    /// <summary>Every message of the stream was told once and in order, and text and results are those of the service.</summary>
    /// <param name="client">Reads the stream from its beginning, over a way that nothing breaks.</param>
    /// <param name="state">The session's.</param>
    public async Task AssertToldEverythingOnceAsync(HttpClient client, JsonElement state)
    {
        var next = 0;
        var told = (await MessagesAsync()).Where(message => message.TryGetProperty("index", out _)).ToList();
        foreach (var message in told)
        {
            var index = message.GetProperty("index").GetInt32();
            Assert.Equal(next, message.TryGetProperty("first", out var first) ? first.GetInt32() : index);
            next = index + 1;
        }

        var all = await client.ReadStreamAsync(state.GetProperty("streamUrl").GetString()!);
        Assert.Equal(all[^1].Index, next - 1);
        Assert.Equal(
            all.Where(message => message.Type != "chunk").Select(message => $"{message.Index} {message.Type}"),
            told.Where(message => message.GetProperty("type").GetString() != "chunk")
                .Select(message => $"{message.GetProperty("index")} {message.GetProperty("type")}"));
        Assert.Equal(TextOf(all), await page.EvaluateAsync<string>("() => [...seen.processor.state.texts.values()].join('')"));
        await AssertHoldsResultAsync(client, state);
    }

    /// <summary>The text of all stages, without what a restart has dropped.</summary>
    static string TextOf(List<StreamEvent> messages)
    {
        var texts = new OrderedDictionary<string, string>();
        foreach (var message in messages.Where(message => message.Data.TryGetProperty("stage", out _)))
        {
            var stage = message.Data.GetProperty("stage").GetString()!;
            if (message.Type == "chunk")
                texts[stage] = texts.GetValueOrDefault(stage) + message.Text;
            else if (message.Type == "info" && message.Data.GetProperty("code").GetString() == "restarted")
                texts.Remove(stage);
        }

        return string.Concat(texts.Values);
    }

    public async Task AssertHoldsResultAsync(HttpClient client, JsonElement state)
    {
        var ideas = (await client.EndedAsync($"/api/ideations/{state.Id()}")).GetProperty("ideas");
        var held = JsonElement.Parse(await page.EvaluateAsync<string>("() => JSON.stringify(seen.processor.state.ideas)"));
        Assert.True(JsonElement.DeepEquals(ideas, held), $"{ideas}\n{held}");
    }
}
