using System.Text.RegularExpressions;
using System.Collections.Concurrent;
using Microsoft.Extensions.DependencyInjection;
using Streaming.IntegrationTests.Fixtures;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace Streaming.BrowserTests;

/// <summary>Mode jwt on the page: who has no token is asked for one, and works with it as in mode none.</summary>
public sealed class SignInTests(PostgresServer postgres, Chromium browser)
{
    const int IdeaCount = 2;

    readonly JwtSettings _jwt = new();

    [Fact]
    public async Task Page_asks_for_a_token_and_then_writes_and_streams_as_that_user()
    {
        await using var host = await StartAsync();
        await using var watched = await browser.OpenAsync(host.Address);
        var page = watched.Page;
        var view = new SessionView(page);
        var addresses = new ConcurrentQueue<string>();
        page.Request += (_, request) => addresses.Enqueue(request.Url);
        var token = _jwt.Token("ada");

        await page.GotoAsync("/");
        await Expect(view.SignInCard).ToBeVisibleAsync();
        await Expect(page.GetByTestId("user-input")).ToBeHiddenAsync();
        // As it is often copied: with its scheme, and broken into lines.
        await view.SignInAsync($"Bearer {token[..40]}\n{token[40..]}\n", "ada");
        await Expect(page.GetByText("No ideas yet.")).ToBeVisibleAsync();

        await view.AskForIdeasAsync(IdeaCount);
        await view.ExpectMidStreamAsync();
        await page.ReloadAsync();
        await Expect(view.User).ToHaveTextAsync("ada");
        await view.ExpectCompletedAsync(IdeaCount);

        Assert.All(watched.StreamRequests, request => Assert.Matches(@"\?ticket=[\w-]{43}(&lastEventId=1-\d+)?$", request.Url));
        Assert.NotEmpty(watched.StreamRequests);
        Assert.DoesNotContain(addresses, address => address.Contains(token.Split('.')[2], StringComparison.Ordinal));
        Assert.Equal("0 1", await page.EvaluateAsync<string>("() => `${localStorage.length} ${sessionStorage.length}`"));
        Assert.Equal("", await page.EvaluateAsync<string>("() => document.cookie"));
        AssertOnlyRefusals(watched);
    }

    [Fact]
    public async Task Wrong_tokens_are_shown_as_such_and_none_is_kept()
    {
        await using var host = await StartAsync();
        await using var watched = await browser.OpenAsync(host.Address);
        var view = new SessionView(watched.Page);
        await watched.Page.GotoAsync("/");
        foreach (var (token, fault) in ((string, string)[])
        [
            ("", "Paste a token"),
            ("słowo", "Paste a token"),
            ("nonsense", "not a signed one of three parts"),
            (new JwtSettings().Token("ada"), "signature is not valid"),
            (_jwt.Token("ada", TimeSpan.FromHours(-1)), "has expired"),
        ])
        {
            await view.PasteTokenAsync(token);
            await Expect(view.SignInCard.GetByRole(Microsoft.Playwright.AriaRole.Alert)).ToContainTextAsync(fault);
        }

        await Expect(view.SignInCard).ToBeVisibleAsync();
        await Expect(view.User).ToHaveCountAsync(0);
        Assert.Equal(0, await watched.Page.EvaluateAsync<int>("() => sessionStorage.length"));
        await view.SignInAsync(_jwt.Token("ada"), "ada");
        AssertOnlyRefusals(watched);
    }

    [Fact]
    public async Task Token_that_expires_in_mid_work_brings_the_card_back_and_the_page_goes_on_with_a_new_one()
    {
        var mayEnd = new TaskCompletionSource();
        var clock = new ForwardClock();
        await using var model = await ScriptedOpenAIServer.StartAsync(TestContext.Current.CancellationToken);
        await using var host = await ScriptedService.StartAsync(postgres, model, _jwt.Settings, services => services.AddSingleton<TimeProvider>(clock));
        await using var watched = await browser.OpenAsync(host.Address);
        var page = watched.Page;
        var view = new SessionView(page);
        model.Enqueue(Script.Begin()
            .Deltas("""{"ideas":[{"title":"One","body":"A storm."},""", """{"title":"Two","body":"Half of""").Gate(mayEnd.Task)
            .Deltas(""" a storm."}]}""").Finish("stop").Usage().Done());
        await page.GotoAsync("/");
        await view.SignInAsync(_jwt.Token("ada"), "ada");
        await view.AskForIdeasAsync(IdeaCount);
        var draft = view.DraftCard.Locator(".card-body");
        await Expect(draft).ToHaveTextAsync("Half of");
        // The text may be from the state, with the ticket for the stream still to be asked for.
        await Expect(view.Connection).ToHaveTextAsync("live");

        clock.Ahead = TimeSpan.FromHours(1);
        // The open stream outlives the token; what is asked for next does not.
        await Expect(view.SignInCard).ToBeHiddenAsync();
        await page.GetByTestId("cut").ClickAsync();
        await Expect(view.SignInCard).ToContainTextAsync("has expired");
        await Expect(draft).ToHaveTextAsync("Half of");
        await Expect(view.IdeaCards).ToHaveCountAsync(1);
        await Expect(view.Connection).ToHaveTextAsync("reconnecting");
        mayEnd.SetResult();
        await view.SignInAsync(_jwt.Token("ada", clock.Ahead + TimeSpan.FromMinutes(10)), "ada");

        await view.ExpectCompletedAsync(IdeaCount);
        await Expect(view.IdeaCards.Nth(1).Locator(".card-body")).ToHaveTextAsync("Half of a storm.");
        await Expect(view.CutLog).ToContainTextAsync("nothing missed");
        AssertOnlyRefusals(watched);
    }

    [Fact]
    public async Task Input_that_meets_an_expired_token_is_sent_once_there_is_a_new_one()
    {
        var clock = new ForwardClock();
        await using var host = await ServiceHost.StartAsync(postgres, _jwt.Settings, services: services => services.AddSingleton<TimeProvider>(clock));
        await using var watched = await browser.OpenAsync(host.Address);
        var page = watched.Page;
        var view = new SessionView(page);
        await page.GotoAsync("/");
        await view.SignInAsync(_jwt.Token("ada"), "ada");
        await page.GetByTestId("user-input").FillAsync("Storms, kept in jars");

        clock.Ahead = TimeSpan.FromHours(1);
        await page.GetByTestId("submit").ClickAsync();
        await Expect(view.SignInCard).ToContainTextAsync("has expired");
        await Expect(page.GetByTestId("user-input")).ToHaveValueAsync("Storms, kept in jars");
        await view.SignInAsync(_jwt.Token("ada", clock.Ahead + TimeSpan.FromMinutes(10)), "ada");

        await Expect(page).ToHaveURLAsync(new Regex("#/ideations/."));
        await view.ExpectCompletedAsync(ideaCount: 5);
        await Expect(page.GetByRole(Microsoft.Playwright.AriaRole.Heading, new() { Level = 1 })).ToHaveTextAsync("Storms, kept in jars");
        AssertOnlyRefusals(watched);
    }

    [Fact]
    public async Task Signing_out_leaves_nothing_and_another_user_does_not_find_the_session()
    {
        await using var host = await StartAsync();
        await using var watched = await browser.OpenAsync(host.Address);
        var page = watched.Page;
        var view = new SessionView(page);
        await page.GotoAsync("/");
        await view.SignInAsync(_jwt.Token("ada"), "ada");
        await view.AskForIdeasAsync(IdeaCount);
        await view.ExpectCompletedAsync(IdeaCount);
        var address = page.Url;

        await page.GetByTestId("sign-out").ClickAsync();
        await Expect(view.SignInCard).ToBeVisibleAsync();
        await Expect(view.User).ToHaveCountAsync(0);
        await Expect(view.IdeaCards).ToHaveCountAsync(0);
        Assert.Equal(0, await page.EvaluateAsync<int>("() => sessionStorage.length"));

        await page.GotoAsync(address);
        await view.SignInAsync(_jwt.Token("eve"), "eve");
        await Expect(page.GetByText("not_found")).ToBeVisibleAsync();
        await Expect(view.IdeaCards).ToHaveCountAsync(0);
        await page.GetByRole(Microsoft.Playwright.AriaRole.Link, new() { Name = "All sessions" }).ClickAsync();
        await Expect(page.GetByText("No ideas yet.")).ToBeVisibleAsync();
        await Expect(page.GetByTestId("history-item")).ToHaveCountAsync(0);
    }

    [Fact]
    public async Task Another_user_at_the_card_of_an_expired_token_does_not_see_what_was_on_the_page()
    {
        var clock = new ForwardClock();
        await using var host = await ServiceHost.StartAsync(postgres, _jwt.Settings, services: services => services.AddSingleton<TimeProvider>(clock));
        await using var watched = await browser.OpenAsync(host.Address);
        var page = watched.Page;
        var view = new SessionView(page);
        await page.GotoAsync("/");
        await view.SignInAsync(_jwt.Token("ada"), "ada");
        await view.AskForIdeasAsync(IdeaCount);
        await view.ExpectCompletedAsync(IdeaCount);
        clock.Ahead = TimeSpan.FromHours(1);
        await page.GetByTestId("outline-button").First.ClickAsync();
        await Expect(view.SignInCard).ToContainTextAsync("has expired");
        await view.SignInAsync(_jwt.Token("eve", clock.Ahead + TimeSpan.FromMinutes(10)), "eve");
        await Expect(page.GetByText("not_found")).ToBeVisibleAsync();
        await Expect(view.IdeaCards).ToHaveCountAsync(0);
        // What Ada had asked for is not done in Eve's name.
        await page.GetByRole(Microsoft.Playwright.AriaRole.Link, new() { Name = "All sessions" }).ClickAsync();
        await Expect(page.GetByText("No outlines yet.")).ToBeVisibleAsync();
    }

    Task<ServiceHost> StartAsync() => ServiceHost.StartAsync(postgres,
        [.. _jwt.Settings, .. PacedService.QuickRetry, new("Models:Offline:TokensPerSecond", "120")]);

    /// <summary>The browser reports each 401 itself.</summary>
    static void AssertOnlyRefusals(WatchedPage watched) => watched.AssertOnlyErrors("^Failed to load resource: .* 401 ");

    /// <summary>The system's clock, some time ahead.</summary>
    sealed class ForwardClock : TimeProvider
    {
        public TimeSpan Ahead { get; set; }

        public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + Ahead;
    }
}
