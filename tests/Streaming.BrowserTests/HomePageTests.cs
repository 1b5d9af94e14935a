using System.Collections.Concurrent;
using Microsoft.Playwright;
using Streaming.IntegrationTests.Fixtures;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace Streaming.BrowserTests;

public sealed class HomePageTests(PostgresServer postgres, Chromium browser)
{
    [Fact]
    public async Task Fresh_home_page_says_that_no_model_is_behind_it()
    {
        await using var host = await ServiceHost.StartAsync(postgres);
        await using var watched = await browser.OpenAsync(host.Address);
        await watched.Page.GotoAsync("/");

        await Expect(watched.Page.GetByTestId("offline-badge")).ToHaveTextAsync("offline generator");
        await Expect(watched.Page.GetByText("No ideas yet.")).ToBeVisibleAsync();
        await Expect(watched.Page.GetByTestId("history-item")).ToHaveCountAsync(0);
        watched.AssertNoErrors();
    }

    [Fact]
    public async Task Fresh_home_page_has_no_badge_with_a_model_behind_it()
    {
        await using var model = await ScriptedOpenAIServer.StartAsync(TestContext.Current.CancellationToken);
        await using var host = await ScriptedService.StartAsync(postgres, model);
        await using var watched = await browser.OpenAsync(host.Address);
        await watched.Page.GotoAsync("/");

        await Expect(watched.Page.GetByText("No ideas yet.")).ToBeVisibleAsync();
        await Expect(watched.Page.GetByText("No outlines yet.")).ToBeVisibleAsync();
        await Expect(watched.Page.GetByTestId("offline-badge")).ToHaveCountAsync(0);
        watched.AssertNoErrors();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Sessions_in_progress_say_how_far_they_are_over_one_connection_for_all(bool hasTokens)
    {
        var jwt = new JwtSettings();
        await using var host = await ServiceHost.StartAsync(postgres,
            [.. hasTokens ? jwt.Settings : [], .. PacedService.QuickRetry, new("Models:Offline:TokensPerSecond", "60")]);
        using var ada = jwt.ClientOf(host.Address, "ada");
        await using var proxy = new CuttableProxy(host.Address);
        await using var watched = await browser.OpenAsync(proxy.Address);
        var page = watched.Page;
        var streams = new ConcurrentQueue<IRequest>();
        page.Request += (_, request) =>
        {
            if (request.Url.Contains("/api/stream?", StringComparison.Ordinal))
                streams.Enqueue(request);
        };
        await ada.PostJsonAsync("/api/outlines", new { source = new { title = "Storm jars", text = "A keeper of storms." } });
        var first = await ada.IdeateAsync("One", ideaCount: 1);
        var second = await ada.IdeateAsync("Two", ideaCount: 3);
        await page.GotoAsync("/");
        if (hasTokens)
            await new SessionView(page).SignInAsync(jwt.Token("ada"), "ada");

        var items = page.GetByTestId("history-item");
        await Expect(items).ToHaveCountAsync(3);
        await Expect(items.Locator(".status[data-status=streaming]")).ToHaveCountAsync(3);
        await Expect(items.GetByTestId("history-percent").Filter(new() { HasTextRegex = new(@"^\d+%$") })).ToHaveCountAsync(3);
        Assert.Single(streams);
        Assert.Equal(hasTokens, streams.Single().Url.Contains("&ticket=", StringComparison.Ordinal));
        Assert.Contains(first.Id(), streams.Single().Url, StringComparison.Ordinal);
        Assert.Contains(second.Id(), streams.Single().Url, StringComparison.Ordinal);
        var percents = await items.GetByTestId("history-percent").AllTextContentsAsync();
        await Eventually.TrueAsync(async () =>
        {
            var now = await items.GetByTestId("history-percent").AllTextContentsAsync();
            return now.Zip(percents).All(pair => pair.First != pair.Second);
        }, "all three have gone on", TimeSpan.FromSeconds(40));

        // What is cut goes on by itself, with one cursor for all.
        var cut = streams.Count;
        proxy.Cut();
        await Eventually.TrueAsync(() => Task.FromResult(streams.Count > cut), "it has connected again");
        await Expect(items.Locator(".status[data-status=completed]")).ToHaveCountAsync(3, new() { Timeout = 60_000 });
        await Expect(page.GetByTestId("history-percent").Filter(new() { HasText = "%" })).ToHaveCountAsync(0);
        Assert.Empty(watched.StreamRequests);
        var resumed = streams.Last();
        Assert.Matches(@"^(\d+-\d+|-)(\.(\d+-\d+|-)){2}$", await resumed.HeaderValueAsync("last-event-id") ?? System.Web.HttpUtility.ParseQueryString(new Uri(resumed.Url).Query)["lastEventId"]);
        watched.AssertOnlyErrors("^Failed to load resource: (net::ERR_|.* 401 )");
    }
}
