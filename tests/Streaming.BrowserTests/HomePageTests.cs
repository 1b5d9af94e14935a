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
}
