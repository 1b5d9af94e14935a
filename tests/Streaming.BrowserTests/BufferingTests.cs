using Streaming.IntegrationTests.Fixtures;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace Streaming.BrowserTests;

/// <summary>Something on the way gathers the stream and lets go of it late: the page finds out, and reads the state instead.</summary>
public sealed class BufferingTests(PostgresServer postgres, Chromium browser)
{
    const int Unlimited = 16 << 20;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Held_back_stream_is_given_up_for_polling_and_everything_is_shown_once(bool headersAtOnce)
    {
        var (mayBegin, mayGoOn, mayEnd) = (new TaskCompletionSource(), new TaskCompletionSource(), new TaskCompletionSource());
        await using var model = await ScriptedOpenAIServer.StartAsync(TestContext.Current.CancellationToken);
        await using var host = await ScriptedService.StartAsync(postgres, model);
        await using var proxy = await BufferingProxy.StartAsync(host.Address, Unlimited, headersAtOnce, TestContext.Current.CancellationToken);
        await using var watched = await browser.OpenAsync(proxy.Address);
        var view = new SessionView(watched.Page);
        model.Enqueue(Script.Begin().Gate(mayBegin.Task)
            .Deltas("""{"ideas":[{"title":"One","body":"A storm."},""", """{"title":"Two","body":"Half of""").Gate(mayGoOn.Task)
            .Deltas(""" a storm, and""", """ then another"}""").Gate(mayEnd.Task).Deltas("]}").Finish("stop").Usage().Done());

        await view.AskForIdeasAsync(ideaCount: 2);
        await Eventually.TrueAsync(() => Task.FromResult(proxy.HeldBack > 0), "the stream is held back");
        // From here on the state is ahead of what the page was told.
        mayBegin.SetResult();
        var draft = view.DraftCard.Locator(".card-body");
        await Expect(view.Connection).ToHaveTextAsync("polling");
        await Expect(draft).ToHaveTextAsync("Half of");
        await Expect(view.IdeaCards).ToHaveCountAsync(1);
        mayGoOn.SetResult();
        await Expect(view.IdeaCards).ToHaveCountAsync(2);
        await Expect(view.IdeaCards.Nth(1).Locator(".card-body")).ToHaveTextAsync("Half of a storm, and then another");
        await Expect(view.Connection).ToHaveTextAsync("polling");
        await Expect(view.CutLog).ToContainTextAsync("held back at 1-");
        mayEnd.SetResult();

        await view.ExpectCompletedAsync(ideaCount: 2);
        await Expect(view.IdeaCards.Nth(0).Locator(".card-body")).ToHaveTextAsync("A storm.");
    }

    /// <summary>There is nothing in the state that would show it, only that not even the headers come.</summary>
    [Fact]
    public async Task Stream_that_does_not_open_is_given_up_for_polling()
    {
        var mayEnd = new TaskCompletionSource();
        await using var model = await ScriptedOpenAIServer.StartAsync(TestContext.Current.CancellationToken);
        await using var host = await ScriptedService.StartAsync(postgres, model);
        await using var proxy = await BufferingProxy.StartAsync(host.Address, Unlimited, headersAtOnce: false, TestContext.Current.CancellationToken);
        await using var watched = await browser.OpenAsync(proxy.Address);
        var view = new SessionView(watched.Page);
        model.Enqueue(Script.Begin().Deltas("""{"ideas":[{"title":"One","body":"Half of""").Gate(mayEnd.Task)
            .Deltas(""" a storm."}]}""").Finish("stop").Usage().Done());
        var path = $"/api/ideations/{(await host.Client.IdeateAsync(ideaCount: 1)).Id()}";
        await Eventually.TrueAsync(async () => (await host.Client.GetStringAsync(path)).Contains("Half of", StringComparison.Ordinal), "the model writes");

        await watched.Page.GotoAsync($"/#{path["/api".Length..]}");
        await Expect(view.Connection).ToHaveTextAsync("polling");
        mayEnd.SetResult();
        await view.ExpectCompletedAsync(ideaCount: 1);
        await Expect(view.IdeaCards.First.Locator(".card-body")).ToHaveTextAsync("Half of a storm.");
    }

    [Fact]
    public async Task Stream_that_comes_in_lumps_completes_with_nothing_missed()
    {
        const int LumpBytes = 8192;
        const int IdeaCount = 5;
        await using var host = await ServiceHost.StartAsync(postgres, [.. PacedService.QuickRetry, new("Models:Offline:TokensPerSecond", "120")]);
        await using var proxy = await BufferingProxy.StartAsync(host.Address, LumpBytes, headersAtOnce: false, TestContext.Current.CancellationToken);
        await using var watched = await browser.OpenAsync(proxy.Address);
        var view = new SessionView(watched.Page);

        await view.AskForIdeasAsync(IdeaCount);
        await view.ExpectCompletedAsync(IdeaCount);
        Assert.True(proxy.HeldBack > 0);
    }

    [Fact]
    public async Task Quiet_stream_that_nobody_holds_back_is_left_alone()
    {
        var mayEnd = new TaskCompletionSource();
        await using var model = await ScriptedOpenAIServer.StartAsync(TestContext.Current.CancellationToken);
        await using var host = await ScriptedService.StartAsync(postgres, model);
        await using var watched = await browser.OpenAsync(host.Address);
        var view = new SessionView(watched.Page);
        model.Enqueue(Script.Begin().Deltas("""{"ideas":[{"title":"One","body":"Half of""").Gate(mayEnd.Task)
            .Deltas(""" a storm."}]}""").Finish("stop").Usage().Done());

        await view.AskForIdeasAsync(ideaCount: 1);
        await Expect(view.DraftCard.Locator(".card-body")).ToHaveTextAsync("Half of");
        await watched.Page.ReloadAsync();
        await Expect(view.Connection).ToHaveTextAsync("live");
        // The page looks at the state once, and finds that there was nothing to say.
        await watched.Page.WaitForResponseAsync(response => response.Url.Contains("?after=", StringComparison.Ordinal));
        mayEnd.SetResult();

        await view.ExpectCompletedAsync(ideaCount: 1);
        // One for each time that the page was opened; what a page asked for just before it was left, the browser may not report.
        Assert.InRange(watched.StreamRequests.Count, 1, 2);
        await Expect(view.CutLog).ToBeEmptyAsync();
        watched.AssertNoErrors();
    }
}
