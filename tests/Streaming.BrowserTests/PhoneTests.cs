using Microsoft.Playwright;
using Xunit;

namespace Streaming.BrowserTests;

public sealed class PhoneTests(PacedService service, Chromium browser) : IClassFixture<PacedService>
{
    static readonly ViewportSize Phone = new() { Width = 390, Height = 844 };

    [Fact]
    public async Task Page_fits_a_phone_from_side_to_side_whatever_was_typed()
    {
        await using var watched = await browser.OpenAsync(service.Host.Address, Phone);
        var view = new SessionView(watched.Page);
        await watched.Page.GotoAsync("/");
        await AssertFitsAsync(watched.Page);

        await view.AskForIdeasAsync(ideaCount: 2, userInput: string.Concat(Enumerable.Repeat("Donaudampfschifffahrt", 20)));
        await view.ExpectMidStreamAsync();
        await AssertFitsAsync(watched.Page);
        await view.ExpectCompletedAsync(ideaCount: 2);
        await AssertFitsAsync(watched.Page);

        await watched.Page.GotoAsync("/");
        await Assertions.Expect(watched.Page.GetByTestId("history-item").First).ToBeVisibleAsync();
        await AssertFitsAsync(watched.Page);
        watched.AssertNoErrors();
    }

    [Fact]
    public async Task Phone_shows_what_is_being_written_on_its_first_screen_and_the_way_to_cancel_it_everywhere()
    {
        await using var watched = await browser.OpenAsync(service.Host.Address, Phone);
        var (page, view) = (watched.Page, new SessionView(watched.Page));
        await view.AskForIdeasAsync(ideaCount: 5);
        await view.ExpectMidStreamAsync();

        await page.EvaluateAsync("scrollTo(0, 0)");
        await Assertions.Expect(view.IdeaCards.First).ToBeInViewportAsync(new() { Ratio = 0.3f });
        await Assertions.Expect(page.GetByTestId("cancel")).ToBeInViewportAsync(new() { Ratio = 1 });
        await page.GetByTestId("cut").ScrollIntoViewIfNeededAsync();
        await Assertions.Expect(page.GetByTestId("cancel")).ToBeInViewportAsync(new() { Ratio = 1 });
        await page.GetByTestId("cancel").ClickAsync();
        await Assertions.Expect(view.Status).ToHaveTextAsync("cancelled");
        watched.AssertNoErrors();
    }

    static async Task AssertFitsAsync(IPage page) =>
        Assert.InRange(await page.EvaluateAsync<int>("() => document.documentElement.scrollWidth - innerWidth"), int.MinValue, 0);
}
