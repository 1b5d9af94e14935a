using System.Globalization;
using System.Text.RegularExpressions;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Streaming.BrowserTests;

/// <summary>What a person sees and does on the page, by the names its elements have for tests.</summary>
public sealed class SessionView(IPage page)
{
    public ILocator IdeaCards => page.GetByTestId("idea-card");

    public ILocator DraftCard => page.GetByTestId("draft-card");

    public ILocator Status => page.GetByTestId("status");

    public ILocator Connection => page.GetByTestId("connection");

    public ILocator CutLog => page.GetByTestId("cut-log");

    public ILocator Error => page.GetByTestId("error");

    public ILocator SignInCard => page.GetByTestId("sign-in");

    /// <summary>Who is signed in.</summary>
    public ILocator User => page.GetByTestId("user");

    /// <summary>Pastes a token into the card and sends it.</summary>
    public async Task PasteTokenAsync(string token)
    {
        await page.GetByTestId("token").FillAsync(token);
        await page.GetByTestId("sign-in-submit").ClickAsync();
    }

    /// <summary>The same with a token that is accepted, and waits until it is.</summary>
    public async Task SignInAsync(string token, string user)
    {
        await PasteTokenAsync(token);
        await Expect(SignInCard).ToBeHiddenAsync();
        await Expect(User).ToHaveTextAsync(user);
    }

    /// <summary>Fills in the form on the home page, sends it, and is then on the session's page.</summary>
    public async Task AskForIdeasAsync(int ideaCount, string userInput = "A lighthouse keeper who collects storms")
    {
        await page.GotoAsync("/");
        await page.GetByTestId("user-input").FillAsync(userInput);
        await page.GetByLabel("Number of ideas").FillAsync(ideaCount.ToString(CultureInfo.InvariantCulture));
        await page.GetByLabel("Genre", new() { Exact = true }).FillAsync("Drama / Mystery");
        await page.GetByTestId("submit").ClickAsync();
        await Expect(page).ToHaveURLAsync(new Regex("#/ideations/."));
    }

    /// <summary>Waits until the first idea is finished and the next is being written.</summary>
    public async Task ExpectMidStreamAsync()
    {
        await Expect(IdeaCards.First).ToBeVisibleAsync();
        await Expect(DraftCard.Filter(new() { HasTextRegex = new(@"\w+ \w+") })).ToBeVisibleAsync();
        await Expect(Status).ToHaveTextAsync("streaming");
    }

    public async Task ExpectCompletedAsync(int ideaCount)
    {
        await Expect(Status).ToHaveTextAsync("completed");
        await Expect(Connection).ToHaveTextAsync("ended");
        await Expect(IdeaCards).ToHaveCountAsync(ideaCount);
        await Expect(DraftCard).ToHaveCountAsync(0);
        await ExpectNothingMissedAsync();
    }

    public async Task ExpectNothingMissedAsync()
    {
        var integrity = page.GetByTestId("integrity");
        await Expect(integrity).ToHaveAttributeAsync("data-ok", "true");
        await Expect(integrity).ToHaveTextAsync("nothing missed");
    }

    /// <summary>Percent of the whole.</summary>
    public async Task<int> ProgressAsync() =>
        int.Parse((await page.GetByTestId("progress").GetAttributeAsync("aria-valuenow"))!, CultureInfo.InvariantCulture);
}
