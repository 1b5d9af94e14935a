using Microsoft.Playwright;
using Streaming.IntegrationTests.Fixtures;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace Streaming.BrowserTests.WebClient;

/// <summary>The example page with the hook, bundled with the React of npm.</summary>
public sealed class ReactTests(PacedService service, WebClientPackage package, Chromium browser) : IClassFixture<PacedService>, IClassFixture<WebClientPackage>
{
    static readonly TimeSpan BundleTime = TimeSpan.FromMinutes(1);

    [Fact]
    public async Task Page_with_the_hook_shows_a_generation_from_its_middle_to_its_end()
    {
        const int IdeaCount = 4;
        package.NeedsPackages();
        var (exitCode, _, faults) = await package.RunAsync(Path.Combine(package.Folder, "node_modules", ".bin", "esbuild"),
            ["examples/react/app.js", "--bundle", "--format=esm", "--outfile=examples/react/bundle.js"], BundleTime);
        Assert.True(exitCode == 0, faults);
        await using var watched = await browser.OpenAsync(service.Host.Address);
        await watched.Page.RouteAsync("**/react/*", route =>
            route.FulfillAsync(new() { Path = Path.Combine(package.Folder, "examples", "react", Path.GetFileName(new Uri(route.Request.Url).AbsolutePath)) }));
        var state = await service.Host.Client.IdeateAsync(ideaCount: IdeaCount);
        await watched.Page.GotoAsync($"/react/index.html?kind=ideation&id={state.Id()}");

        var status = watched.Page.Locator("#status");
        var ideas = watched.Page.GetByRole(AriaRole.Listitem);
        await Expect(status).ToHaveTextAsync("streaming");
        await Expect(ideas.First).ToBeVisibleAsync();
        await Expect(watched.Page.Locator("pre").First).ToContainTextAsync("title");
        await Expect(status).ToHaveTextAsync("completed", new() { Timeout = 60_000 });
        await Expect(ideas).ToHaveCountAsync(IdeaCount);
        await Expect(watched.Page.GetByText("(ended)")).ToBeVisibleAsync();
        var titles = (await service.Host.Client.StateAsync($"/api/ideations/{state.Id()}")).GetProperty("ideas").EnumerateArray();
        foreach (var (idea, at) in titles.Select((idea, at) => (idea, at)))
            await Expect(ideas.Nth(at)).ToContainTextAsync(idea.GetProperty("title").GetString()!);
        watched.AssertNoErrors();
    }
}
