using Streaming.IntegrationTests.Fixtures;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace Streaming.BrowserTests;

public sealed class ReloadTests(PostgresServer postgres, Chromium browser)
{
    [Fact]
    public async Task Ideas_appear_one_by_one_and_a_reload_in_mid_stream_loses_nothing_of_them()
    {
        var (secondMayEnd, thirdMayBegin) = (new TaskCompletionSource(), new TaskCompletionSource());
        await using var model = await ScriptedOpenAIServer.StartAsync(TestContext.Current.CancellationToken);
        await using var host = await ScriptedService.StartAsync(postgres, model);
        await using var watched = await browser.OpenAsync(host.Address);
        var page = watched.Page;
        var view = new SessionView(page);
        model.Enqueue(Script.Begin()
            .Deltas("""{"ideas":[{"title":"One","body":"A storm."},""", """{"title":"Two","body":"Half of""").Gate(secondMayEnd.Task)
            .Deltas(""" a storm."},""").Gate(thirdMayBegin.Task)
            .Deltas("""{"title":"Three","body":"Calm."}]}""").Finish("stop").Usage().Done());

        await view.AskForIdeasAsync(ideaCount: 3);
        var draft = view.DraftCard.Locator(".card-body");
        await Expect(draft).ToHaveTextAsync("Half of");
        await Expect(view.IdeaCards).ToHaveCountAsync(1);
        var (address, progress) = (page.Url, await view.ProgressAsync());

        await page.ReloadAsync();
        await Expect(draft).ToHaveTextAsync("Half of");
        await Expect(view.IdeaCards).ToHaveCountAsync(1);
        await Expect(view.Status).ToHaveTextAsync("streaming");
        Assert.Equal(address, page.Url);
        Assert.InRange(await view.ProgressAsync(), progress, 99);

        secondMayEnd.SetResult();
        await Expect(view.IdeaCards).ToHaveCountAsync(2);
        await Expect(view.IdeaCards.Nth(1).Locator(".card-body")).ToHaveTextAsync("Half of a storm.");
        await Expect(view.Status).ToHaveTextAsync("streaming");
        thirdMayBegin.SetResult();
        await view.ExpectCompletedAsync(ideaCount: 3);

        var requests = watched.StreamRequests.Count;
        await page.ReloadAsync();
        await view.ExpectCompletedAsync(ideaCount: 3);
        Assert.Equal(requests, watched.StreamRequests.Count);
        watched.AssertNoErrors();
    }
}
