using Microsoft.Playwright;
using Streaming.IntegrationTests.Fixtures;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace Streaming.BrowserTests;

/// <summary>A generation on the page while the reader is away for a time: offline, in another tab, on another page.</summary>
public sealed class AwayTests(SlowService service, PacedLogoService logos, Chromium browser) : IClassFixture<SlowService>, IClassFixture<PacedLogoService>
{
    HttpClient Client => service.Host.Client;

    ServiceHost Host(string kind) => kind == "logo" ? logos.Host : service.Host;

    [Theory]
    [InlineData("outline", 20)]
    [InlineData("ideation", 3)]
    [InlineData("logo", 3)]
    public async Task Page_that_is_offline_in_mid_stream_goes_on_where_it_was(string kind, int seconds)
    {
        await using var proxy = new CuttableProxy(Host(kind).Address);
        await using var watched = await browser.OpenAsync(proxy.Address);
        var (page, view) = (watched.Page, new SessionView(watched.Page));
        var path = await StartAsync(kind);
        await page.GotoAsync($"/#{path["/api".Length..]}");
        await ExpectMidStreamAsync(page, view);

        // The browser's switch alone leaves connections as they are.
        await page.Context.SetOfflineAsync(true);
        proxy.Down();
        await Expect(view.Connection).ToHaveTextAsync("reconnecting");
        await Task.Delay(TimeSpan.FromSeconds(seconds), TimeProvider.System, TestContext.Current.CancellationToken);
        await Expect(view.Status).ToHaveTextAsync("streaming");
        proxy.Up();
        await page.Context.SetOfflineAsync(false);

        await ExpectDoneAsync(view, Host(kind).Client, path);
        await Expect(view.CutLog).ToContainTextAsync("nothing missed");
        watched.AssertOnlyNetworkErrors();
    }

    [Theory]
    [InlineData("outline", false)]
    [InlineData("ideation", false)]
    [InlineData("ideation", true)]
    public async Task Tab_that_is_in_the_background_in_mid_stream_has_missed_nothing_when_it_is_shown_again(string kind, bool isCut)
    {
        await using var proxy = new CuttableProxy(service.Host.Address);
        var path = await StartAsync(kind);
        await using var tab = await browser.OpenTabAsync(new Uri(proxy.Address, $"/#{path["/api".Length..]}"));
        await Eventually.TrueAsync(
            async () => await tab.TextAsync("connection") == "live" && await tab.EvaluateAsync<int>(Progress) >= 3, "the tab is live, in mid-stream");

        await tab.HideAsync();
        var progress = await ProgressAsync(path);
        if (isCut)
            proxy.Down();
        await Eventually.TrueAsync(async () => await ProgressAsync(path) > progress + 10, "it has gone on without being seen");
        Assert.Equal("streaming", (await Client.StateAsync(path)).Status());
        proxy.Up();
        await tab.ShowAsync();

        await Client.EndedAsync(path);
        await Eventually.TrueAsync(async () => await tab.TextAsync("status") == "completed" && await tab.TextAsync("connection") == "ended", "the tab shows the end");
        Assert.Equal("true", await tab.EvaluateAsync<string>("document.querySelector('[data-testid=integrity]').dataset.ok"));
        Assert.Equal(100, await tab.EvaluateAsync<int>(Progress));
        if (kind == "ideation")
            Assert.Equal(5, await tab.EvaluateAsync<int>("document.querySelectorAll('[data-testid=idea-card]').length"));
        // Where nothing was cut, the connection it had is the only one.
        var streams = await tab.EvaluateAsync<int>("performance.getEntriesByType('resource').filter(({ name }) => name.includes('/api/stream/')).length");
        Assert.InRange(streams, isCut ? 2 : 1, isCut ? int.MaxValue : 1);
        if (isCut)
            Assert.Contains("nothing missed", await tab.TextAsync("cut-log"), StringComparison.Ordinal);
    }

    /// <summary>
    /// The browsers that Playwright starts have no back/forward cache, so the page is told what such a browser tells it.
    /// </summary>
    [Fact]
    public async Task Page_in_the_back_forward_cache_has_no_connection_and_goes_on_where_it_was_when_it_is_back()
    {
        await using var watched = await browser.OpenAsync(service.Host.Address);
        var (page, view) = (watched.Page, new SessionView(watched.Page));
        var path = await StartAsync("ideation");
        var left = new TaskCompletionSource();
        page.RequestFailed += (_, request) =>
        {
            if (request == watched.StreamRequests[0])
                left.TrySetResult();
        };
        await page.GotoAsync($"/#{path["/api".Length..]}");
        await ExpectMidStreamAsync(page, view);

        await page.EvaluateAsync("dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true }))");
        await left.Task.WaitAsync(TestContext.Current.CancellationToken);
        var progress = await ProgressAsync(path);
        await Eventually.TrueAsync(async () => await ProgressAsync(path) > progress + 10, "it has gone on without the page");
        Assert.Single(watched.StreamRequests);
        await page.EvaluateAsync("dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))");

        await ExpectDoneAsync(view, Client, path);
        await Expect(view.IdeaCards).ToHaveCountAsync(5);
        Assert.Equal(2, watched.StreamRequests.Count);
        watched.AssertNoErrors();
    }

    const string Progress = "+document.querySelector('[data-testid=progress]').getAttribute('aria-valuenow')";

    async Task<double> ProgressAsync(string path) => (await Client.StateAsync(path)).TryGetProperty("streamingData", out var data)
        ? data.GetProperty("progress").GetDouble()
        : 100;

    async Task<string> StartAsync(string kind)
    {
        object asked = kind switch
        {
            "ideation" => new { userInput = "A lighthouse keeper who collects storms", ideaCount = 5 },
            "logo" => new { brandName = "Storm jars", description = "Storms, kept by hand.", style = "calm" },
            _ => new { source = new { title = "Storm jars", text = "A keeper of storms." } },
        };
        return $"/api/{kind}s/{(await Host(kind).Client.PostJsonAsync($"/api/{kind}s", asked)).Id()}";
    }

    static async Task ExpectMidStreamAsync(IPage page, SessionView view)
    {
        await Expect(view.Connection).ToHaveTextAsync("live");
        await Eventually.TrueAsync(async () => await view.ProgressAsync() >= 3, "it has begun");
        await Expect(page.GetByTestId("status")).ToHaveTextAsync("streaming");
    }

    static async Task ExpectDoneAsync(SessionView view, HttpClient client, string path)
    {
        await client.EndedAsync(path);
        await Expect(view.Status).ToHaveTextAsync("completed", new() { Timeout = 60_000 });
        await Expect(view.Connection).ToHaveTextAsync("ended");
        await view.ExpectNothingMissedAsync();
        Assert.Equal(100, await view.ProgressAsync());
    }
}

/// <summary>One service whose generations last long enough to be away in.</summary>
public sealed class SlowService(PostgresServer postgres) : IAsyncLifetime
{
    public ServiceHost Host { get; private set; } = null!;

    public async ValueTask InitializeAsync() => Host = await ServiceHost.StartAsync(postgres, [.. PacedService.QuickRetry, new("Models:Offline:TokensPerSecond", "100")]);

    public ValueTask DisposeAsync() => Host.DisposeAsync();
}
