using System.Collections.Concurrent;
using System.Text.Json;
using Microsoft.Playwright;
using Streaming.IntegrationTests.Fixtures;
using Xunit;

namespace Streaming.BrowserTests;

/// <summary>
/// A tab that really goes into the background when another one of its window is shown. Playwright keeps each of its own pages visible for
/// good, so this one is opened and driven through the browser's DevTools session alone.
/// </summary>
public sealed class BackgroundTab : IAsyncDisposable
{
    readonly ICDPSession _browser;
    readonly string _context;
    readonly ConcurrentDictionary<int, TaskCompletionSource<JsonElement>> _answers = new();
    string _tab = "";
    string _other = "";
    string _session = "";
    int _next;

    BackgroundTab(ICDPSession browser, string context) => (_browser, _context) = (browser, context);

    /// <summary>Opens an address in the foreground of a window of its own.</summary>
    public static async Task<BackgroundTab> OpenAsync(IBrowser chromium, Uri address)
    {
        var browser = await chromium.NewBrowserCDPSessionAsync();
        var context = Text(await browser.SendAsync("Target.createBrowserContext"), "browserContextId");
        var tab = new BackgroundTab(browser, context);
        browser.Event("Target.receivedMessageFromTarget").OnEvent += (_, received) => tab.Receive(received!.Value);
        tab._other = await tab.CreateAsync("about:blank");
        tab._tab = await tab.CreateAsync("about:blank");
        tab._session = Text(await browser.SendAsync("Target.attachToTarget", new() { ["targetId"] = tab._tab, ["flatten"] = false }), "sessionId");
        await tab.AskAsync("Page.navigate", new() { ["url"] = address.ToString() });
        await tab.ShowAsync();
        return tab;
    }

    /// <summary>Shows the other tab of the window.</summary>
    public Task HideAsync() => ActivateAsync(_other, "hidden");

    public Task ShowAsync() => ActivateAsync(_tab, "visible");

    /// <summary>The text of an element, by the name it has for tests; null if it is not there.</summary>
    public Task<string?> TextAsync(string testId) => EvaluateAsync<string?>($"document.querySelector('[data-testid={testId}]')?.textContent ?? null");

    /// <summary>What an expression is worth in the page.</summary>
    public async Task<T> EvaluateAsync<T>(string expression)
    {
        var answer = await AskAsync("Runtime.evaluate", new() { ["expression"] = expression, ["returnByValue"] = true, ["awaitPromise"] = true });
        Assert.False(answer.TryGetProperty("exceptionDetails", out var fault), fault.ToString());
        return answer.GetProperty("result").TryGetProperty("value", out var value) ? value.Deserialize<T>()! : default!;
    }

    public async ValueTask DisposeAsync()
    {
        await _browser.SendAsync("Target.disposeBrowserContext", new() { ["browserContextId"] = _context });
        await _browser.DetachAsync();
    }

    async Task<string> CreateAsync(string url) =>
        Text(await _browser.SendAsync("Target.createTarget", new() { ["url"] = url, ["browserContextId"] = _context }), "targetId");

    async Task ActivateAsync(string target, string visibility)
    {
        await _browser.SendAsync("Target.activateTarget", new() { ["targetId"] = target });
        await Eventually.TrueAsync(async () => await EvaluateAsync<string>("document.visibilityState") == visibility, $"the tab is {visibility}");
    }

    async Task<JsonElement> AskAsync(string method, Dictionary<string, object> parameters)
    {
        var id = Interlocked.Increment(ref _next);
        var answer = _answers[id] = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await _browser.SendAsync("Target.sendMessageToTarget", new()
        {
            ["sessionId"] = _session,
            ["message"] = JsonSerializer.Serialize(new { id, method, @params = parameters }),
        });
        return await answer.Task.WaitAsync(TestContext.Current.CancellationToken);
    }

    void Receive(JsonElement received)
    {
        var message = JsonSerializer.Deserialize<JsonElement>(received.GetProperty("message").GetString()!);
        if (!message.TryGetProperty("id", out var id) || !_answers.TryRemove(id.GetInt32(), out var answer))
            return;
        if (message.TryGetProperty("result", out var result))
            answer.SetResult(result);
        else
            answer.SetException(new InvalidOperationException(message.ToString()));
    }

    static string Text(JsonElement? answer, string name) => answer!.Value.GetProperty(name).GetString()!;
}
