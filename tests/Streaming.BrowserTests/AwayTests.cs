using Microsoft.Playwright;
using Streaming.IntegrationTests.Fixtures;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace Streaming.BrowserTests;

/// <summary>A generation on the page while the reader is offline for a time.</summary>
public sealed class AwayTests(SlowService service, Chromium browser) : IClassFixture<SlowService>
{
    HttpClient Client => service.Host.Client;

    [Theory]
    [InlineData("outline", 20)]
    [InlineData("ideation", 3)]
    public async Task Page_that_is_offline_in_mid_stream_goes_on_where_it_was(string kind, int seconds)
    {
        await using var proxy = new CuttableProxy(service.Host.Address);
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

        await ExpectDoneAsync(view, path);
        await Expect(view.CutLog).ToContainTextAsync("nothing missed");
        watched.AssertOnlyNetworkErrors();
    }

    async Task<string> StartAsync(string kind)
    {
        object asked = kind == "ideation"
            ? new { userInput = "A lighthouse keeper who collects storms", ideaCount = 5 }
            : new { source = new { title = "Storm jars", text = "A keeper of storms." } };
        return $"/api/{kind}s/{(await Client.PostJsonAsync($"/api/{kind}s", asked)).Id()}";
    }

    static async Task ExpectMidStreamAsync(IPage page, SessionView view)
    {
        await Expect(view.Connection).ToHaveTextAsync("live");
        await Eventually.TrueAsync(async () => await view.ProgressAsync() >= 3, "it has begun");
        await Expect(page.GetByTestId("status")).ToHaveTextAsync("streaming");
    }

    async Task ExpectDoneAsync(SessionView view, string path)
    {
        await Client.EndedAsync(path);
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
