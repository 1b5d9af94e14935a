using System.Text.Json;
using Streaming.IntegrationTests.Fixtures;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace Streaming.BrowserTests;

/// <summary>What the page makes of a model that answers what nobody asked for.</summary>
public sealed class ModelOutputTests(PostgresServer postgres, Chromium browser)
{
    static readonly string[] Hostile =
    [
        "<script>window.ran = true</script>",
        """<img src="x" onerror="window.ran = true">""",
    ];

    [Fact]
    public async Task Markup_in_an_answer_is_shown_as_text_and_never_runs()
    {
        await using var model = await ScriptedOpenAIServer.StartAsync(TestContext.Current.CancellationToken);
        await using var host = await StartAsync(model);
        await using var watched = await browser.OpenAsync(host.Address);
        var view = new SessionView(watched.Page);
        model.Enqueue(Ideas(Hostile));

        await view.AskForIdeasAsync(Hostile.Length, userInput: Hostile[1]);
        await view.ExpectCompletedAsync(Hostile.Length);

        foreach (var (markup, at) in Hostile.Select((markup, at) => (markup, at)))
        {
            await Expect(view.IdeaCards.Nth(at).Locator(".card-title")).ToHaveTextAsync(markup);
            await Expect(view.IdeaCards.Nth(at).Locator(".card-body")).ToHaveTextAsync(markup);
        }

        await Expect(watched.Page.Locator(".session-title")).ToHaveTextAsync(Hostile[1]);
        await Expect(watched.Page.Locator("main :is(script, img)")).ToHaveCountAsync(0);
        await watched.Page.GotoAsync("/");
        await Expect(watched.Page.GetByTestId("history-item")).ToContainTextAsync(Hostile[1]);
        Assert.False(await watched.Page.EvaluateAsync<bool>("() => 'ran' in window"));
        watched.AssertNoErrors();
    }

    [Fact]
    public async Task Answer_that_cannot_be_used_is_explained_and_kept_and_retry_begins_anew()
    {
        const string Refusal = "I would rather talk about the weather.";
        await using var model = await ScriptedOpenAIServer.StartAsync(TestContext.Current.CancellationToken);
        await using var host = await StartAsync(model);
        await using var watched = await browser.OpenAsync(host.Address);
        var view = new SessionView(watched.Page);
        model.Enqueue(Script.Answer("No", " idea."), Script.Answer(Refusal.Split('.')[0], "."), Ideas("A storm in a jar"));

        await view.AskForIdeasAsync(ideaCount: 1);
        await Expect(view.Status).ToHaveTextAsync("failed");
        await Expect(view.Error.Locator("code")).ToHaveTextAsync("invalid_output");
        await Expect(watched.Page.Locator(".card[data-phase=unfinished]")).ToContainTextAsync(Refusal);
        await watched.Page.ReloadAsync();
        await Expect(watched.Page.Locator(".card[data-phase=unfinished]")).ToContainTextAsync(Refusal);

        await watched.Page.GetByTestId("retry").ClickAsync();
        await view.ExpectCompletedAsync(ideaCount: 1);
        await Expect(view.IdeaCards.Locator(".card-title")).ToHaveTextAsync("A storm in a jar");
        await Expect(view.Error).ToHaveCountAsync(0);
        Assert.Equal(3, model.Requests.Count);
        watched.AssertNoErrors();
    }

    [Fact]
    public async Task Page_that_can_only_poll_drops_the_text_of_an_answer_that_was_begun_anew()
    {
        var (firstIsSeen, secondIsSeen) = (new TaskCompletionSource(), new TaskCompletionSource());
        await using var model = await ScriptedOpenAIServer.StartAsync(TestContext.Current.CancellationToken);
        await using var host = await StartAsync(model);
        await using var watched = await browser.OpenAsync(host.Address);
        var view = new SessionView(watched.Page);
        model.Enqueue(
            Script.Begin().Deltas("""{"title":"No body"}""").Gate(firstIsSeen.Task).Finish("stop").Usage().Done(),
            Script.Begin().Deltas("""{"ideas":[{"title":"A storm in a jar","body":"Half""").Gate(secondIsSeen.Task)
                .Deltas(""" is left."}]}""").Finish("stop").Usage().Done());
        await watched.Page.RouteAsync("**/api/stream/**", route => route.FulfillAsync(new() { Status = 502 }));

        await view.AskForIdeasAsync(ideaCount: 1);
        await Expect(view.Connection).ToHaveTextAsync("polling");
        await Expect(view.DraftCard.Locator(".card-title")).ToHaveTextAsync("No body");
        firstIsSeen.SetResult();
        await Expect(view.DraftCard.Locator(".card-title")).ToHaveTextAsync("A storm in a jar");
        secondIsSeen.SetResult();
        await view.ExpectCompletedAsync(ideaCount: 1);
        await Expect(view.IdeaCards.Locator(".card-body")).ToHaveTextAsync("Half is left.");
        watched.AssertOnlyNetworkErrors();
    }

    Task<ServiceHost> StartAsync(ScriptedOpenAIServer model) => ServiceHost.StartAsync(postgres,
    [
        .. PacedService.QuickRetry,
        new("Models:Provider", "openai"),
        new("Models:OpenAI:Endpoint", model.Endpoint.ToString()),
        new("Models:OpenAI:Model", "scripted-1"),
        new("Models:OpenAI:ApiKey", "none"),
    ]);

    /// <summary>A faultless answer, a few characters at a time, with the titles as bodies too.</summary>
    static Script Ideas(params string[] titles)
    {
        var json = JsonSerializer.Serialize(new { ideas = titles.Select(title => new { title, body = title }) });
        return Script.Answer([.. json.Chunk(7).Select(piece => new string(piece))]);
    }
}
