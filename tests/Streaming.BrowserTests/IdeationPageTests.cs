using System.Text.RegularExpressions;
using Microsoft.Playwright;
using Streaming.IntegrationTests.Fixtures;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace Streaming.BrowserTests;

public sealed class IdeationPageTests(PacedService service, Chromium browser) : IClassFixture<PacedService>
{
    /// <summary>Leaves seconds to act after the first idea, on a slow machine too.</summary>
    const int IdeaCount = 5;

    [Fact]
    public async Task Reload_of_a_finished_session_shows_it_and_opens_no_stream()
    {
        var state = await service.Host.Client.IdeateAsync(ideaCount: 1);
        await service.Host.Client.EndedAsync($"/api/ideations/{state.Id()}");
        await using var watched = await browser.OpenAsync(service.Host.Address);
        var view = new SessionView(watched.Page);
        await watched.Page.GotoAsync($"/#/ideations/{state.Id()}");
        await view.ExpectCompletedAsync(ideaCount: 1);
        await watched.Page.ReloadAsync();
        await view.ExpectCompletedAsync(ideaCount: 1);

        Assert.Empty(watched.StreamRequests);
        watched.AssertNoErrors();
    }

    [Fact]
    public async Task Time_left_is_shown_with_how_far_to_trust_it_once_there_were_runs_to_learn_from()
    {
        for (var run = 0; run < 5; run++)
            await service.Host.Client.EndedAsync($"/api/ideations/{(await service.Host.Client.IdeateAsync(ideaCount: 1)).Id()}");
        await using var watched = await browser.OpenAsync(service.Host.Address);
        var view = new SessionView(watched.Page);
        await view.AskForIdeasAsync(IdeaCount);
        await view.ExpectMidStreamAsync();

        var left = watched.Page.GetByTestId("time-left");
        await Expect(left).ToHaveTextAsync(new Regex(@"^about \d+ s left$"));
        await Expect(watched.Page.GetByTestId("time-trust")).ToHaveTextAsync(new Regex("^(fairly sure|probably|a rough guess)(, at most .+)?$"));
        await watched.Page.GetByTestId("time").Locator("summary").ClickAsync();
        await Expect(watched.Page.GetByTestId("time-why")).ToContainTextAsync(new Regex(@"Learnt from earlier runs.* in \d+ of 100"));
        await watched.Page.ReloadAsync();
        await Expect(left).ToHaveTextAsync(new Regex("^about .+ left$|^done at any moment$|^past its usual time$"));

        await view.ExpectCompletedAsync(IdeaCount);
        await Expect(left).ToBeHiddenAsync();
        watched.AssertNoErrors();
    }

    [Fact]
    public async Task Time_left_of_what_never_ran_before_is_told_as_a_first_guess_with_the_reason()
    {
        await using var host = await ServiceHost.StartAsync(service.Postgres, [new("Models:Offline:TokensPerSecond", "60")]);
        await using var watched = await browser.OpenAsync(host.Address);
        var state = await host.Client.PostJsonAsync("/api/outlines", new { source = new { title = "Storm jars", text = "A keeper of storms." } });
        await watched.Page.GotoAsync($"/#/outlines/{state.Id()}");

        await Expect(watched.Page.GetByTestId("time-trust")).ToHaveTextAsync("a first guess");
        await watched.Page.GetByTestId("time").Locator("summary").ClickAsync();
        await Expect(watched.Page.GetByTestId("time-why")).ToHaveTextAsync("Too few of this kind have run here to say how sure this is.");
    }

    [Fact]
    public async Task Estimates_are_told_in_words_that_promise_no_more_than_is_known()
    {
        await using var watched = await browser.OpenAsync(service.Host.Address);
        await watched.Page.GotoAsync("/");
        // At 1,000 ms after each was made.
        var told = await watched.Page.EvaluateAsync<string[]>(
            """
            async () => {
              const { timeLeft } = await import("/scripts/time.js");
              return [
                { remainingMs: 121000, remainingP90Ms: 200000, reliability: 0.85 },
                { remainingMs: 41000, remainingP90Ms: 61000, reliability: 0.6 },
                { remainingMs: 41000, remainingP90Ms: 42000, reliability: 0.2 },
                { remainingMs: 5401000, remainingP90Ms: 7201000, reliability: 0.5, raised: "stage_late" },
                { remainingMs: 30000, reason: "too_little_history" },
                { remainingMs: 1500, remainingP90Ms: 9000, reliability: 0.9 },
                { reason: "longer_than_usual" },
                { reason: "from_the_future", raised: "from_the_future" },
              ].map((estimate) => timeLeft({ at: 5000, ...estimate }, 6000)).map(({ text, trust, because }) => [text, trust, because].join("|"));
            }
            """);
        Assert.Equal(
        [
            "about 2 min left|fairly sure, at most 3 min 15 s|",
            "about 40 s left|probably, at most 1 min|",
            "about 40 s left|a rough guess, at most 45 s|",
            "about 1 h 30 min left|probably, at most 2 h|Longer than was said before. The present step takes longer than it mostly does.",
            "about 30 s left|a first guess|",
            "done at any moment||",
            "longer than usual||",
            "time left not known||",
        ], told);
    }

    [Fact]
    public async Task Cut_button_drops_the_connection_and_the_page_goes_on_where_it_was()
    {
        await using var watched = await browser.OpenAsync(service.Host.Address);
        var view = new SessionView(watched.Page);
        await view.AskForIdeasAsync(IdeaCount);
        await view.ExpectMidStreamAsync();

        await watched.Page.GetByTestId("cut").ClickAsync();
        await Expect(view.Connection).ToHaveTextAsync("reconnecting");
        await Expect(view.Connection).ToHaveTextAsync("live");
        await Expect(view.CutLog).ToContainTextAsync("nothing missed");
        await Expect(view.CutLog.GetByRole(AriaRole.Listitem)).ToHaveCountAsync(1);

        await view.ExpectCompletedAsync(IdeaCount);
        watched.AssertNoErrors();
    }

    [Fact]
    public async Task Paused_generation_stands_still_over_a_reload_and_goes_on_when_it_is_resumed()
    {
        await using var watched = await browser.OpenAsync(service.Host.Address);
        var view = new SessionView(watched.Page);
        await view.AskForIdeasAsync(IdeaCount);
        await view.ExpectMidStreamAsync();

        await watched.Page.GetByTestId("pause").ClickAsync();
        await Expect(view.Status).ToHaveTextAsync("paused");
        await watched.Page.ReloadAsync();
        await Expect(view.Status).ToHaveTextAsync("paused");
        await Expect(view.Connection).ToHaveTextAsync("live");
        await Expect(watched.Page.GetByTestId("pause")).ToHaveTextAsync("Resume");
        await watched.Page.GetByTestId("pause").ClickAsync();

        await view.ExpectCompletedAsync(IdeaCount);
        watched.AssertNoErrors();
    }

    [Fact]
    public async Task Guidance_typed_in_mid_stream_is_applied_and_shows_in_what_is_written_next()
    {
        await using var watched = await browser.OpenAsync(service.Host.Address);
        var view = new SessionView(watched.Page);
        await view.AskForIdeasAsync(IdeaCount);
        await view.ExpectMidStreamAsync();

        // By keyboard alone.
        var input = watched.Page.GetByLabel("Guide it");
        await input.FocusAsync();
        await watched.Page.Keyboard.TypeAsync("Bring in a purple submarine");
        await watched.Page.Keyboard.PressAsync("Enter");
        var said = watched.Page.GetByTestId("guidance-said").GetByRole(AriaRole.Listitem);
        await Expect(said).ToHaveTextAsync(["Bring in a purple submarineapplied"]);
        await Expect(input).ToHaveValueAsync("");
        await Expect(input).ToBeFocusedAsync();
        await watched.Page.ReloadAsync();
        await Expect(said).ToHaveTextAsync(["Bring in a purple submarineapplied"]);

        await view.ExpectCompletedAsync(IdeaCount);
        await Expect(view.IdeaCards.First).Not.ToContainTextAsync("a purple submarine");
        await Expect(view.IdeaCards.Last).ToContainTextAsync("a purple submarine");
        await Expect(input).ToBeHiddenAsync();
        await Expect(said).ToHaveCountAsync(1);
        watched.AssertNoErrors();
    }

    [Fact]
    public async Task Guidance_that_is_refused_is_explained_and_kept_in_its_field()
    {
        await using var watched = await browser.OpenAsync(service.Host.Address);
        var view = new SessionView(watched.Page);
        await view.AskForIdeasAsync(IdeaCount);
        await view.ExpectMidStreamAsync();
        await watched.Page.RouteAsync("**/messages", route => route.FulfillAsync(new()
        {
            Status = 409,
            ContentType = "application/problem+json",
            Body = """{"code":"guidance_limit_reached","status":409,"title":"The session has taken as much guidance as it can."}""",
        }));

        var input = watched.Page.GetByTestId("guidance-input");
        await input.FillAsync("One more");
        await watched.Page.GetByTestId("guidance-send").ClickAsync();
        await Expect(watched.Page.Locator(".session > .banner")).ToContainTextAsync("guidance_limit_reached");
        await Expect(input).ToHaveValueAsync("One more");
    }

    [Fact]
    public async Task Page_says_that_it_is_reconnecting_while_the_way_is_down_and_recovers_when_it_is_up()
    {
        await using var proxy = new CuttableProxy(service.Host.Address);
        await using var watched = await browser.OpenAsync(proxy.Address);
        var view = new SessionView(watched.Page);
        await view.AskForIdeasAsync(IdeaCount);
        await view.ExpectMidStreamAsync();

        var requests = watched.StreamRequests.Count;
        proxy.Down();
        await Expect(view.Connection).ToHaveTextAsync("reconnecting");
        await Eventually.TrueAsync(
            () => Task.FromResult(watched.StreamRequests.Skip(requests).Any(request => request.Failure is not null)),
            "the browser has tried again in vain");
        await Expect(view.Connection).ToHaveTextAsync("reconnecting");
        proxy.Up();
        await Expect(view.Connection).ToHaveTextAsync("live");

        await view.ExpectCompletedAsync(IdeaCount);
        await Expect(view.CutLog).ToContainTextAsync("nothing missed");
        watched.AssertOnlyNetworkErrors();
    }

    [Fact]
    public async Task Outline_of_an_idea_appears_component_by_component()
    {
        var state = await service.Host.Client.IdeateAsync(ideaCount: 1);
        await service.Host.Client.EndedAsync($"/api/ideations/{state.Id()}");
        await using var watched = await browser.OpenAsync(service.Host.Address);
        var view = new SessionView(watched.Page);
        await watched.Page.GotoAsync($"/#/ideations/{state.Id()}");
        await watched.Page.GetByTestId("outline-button").ClickAsync();
        await Expect(watched.Page).ToHaveURLAsync(new Regex("#/outlines/."));

        foreach (var name in (string[])["title", "genre", "sellingPoints", "setting", "synopsis", "characters", "stages"])
        {
            await Expect(watched.Page.GetByTestId($"component-{name}")).ToBeVisibleAsync();
            await Expect(view.Status).ToHaveTextAsync("streaming");
        }

        await view.ExpectCompletedAsync(ideaCount: 0);
        Assert.InRange(await watched.Page.Locator(".component-characters .item").CountAsync(), 2, 10);
        Assert.InRange(await watched.Page.Locator(".component-stages .item").CountAsync(), 2, 10);
        watched.AssertNoErrors();
    }
}
