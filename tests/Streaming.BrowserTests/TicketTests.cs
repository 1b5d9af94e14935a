using System.Net;
using Streaming.IntegrationTests.Fixtures;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace Streaming.BrowserTests;

/// <summary>Tickets in a real browser: what its <c>EventSource</c> does with one by itself, and what the page does beyond that.</summary>
public sealed class TicketTests(PostgresServer postgres, Chromium browser)
{
    readonly JwtSettings _jwt = new();

    [Fact]
    public async Task Event_source_with_a_ticket_resumes_by_itself_with_the_same_address_to_the_end()
    {
        await using var host = await ServiceHost.StartAsync(postgres,
            [.. _jwt.Settings, .. PacedService.QuickRetry, new("Models:Offline:TokensPerSecond", "120")]);
        using var ada = _jwt.ClientOf(host.Address, "ada");
        await using var proxy = new CuttableProxy(host.Address);
        await using var watched = await browser.OpenAsync(proxy.Address);
        // Of the same origin, and no script of the page's in it.
        await watched.Page.GotoAsync("/health/live");
        var state = await ada.IdeateAsync(ideaCount: 2);
        var made = await ada.PostJsonAsync("/api/stream-tickets", new { kind = "ideation", id = state.Id() }, HttpStatusCode.Created);
        var address = $"{state.GetProperty("streamUrl").GetString()}?ticket={made.GetProperty("ticket").GetString()}";

        await NativeSource.OpenAsync(watched.Page, address);
        await NativeSource.UntilAsync(watched.Page, "seen.messages.length >= 20");
        proxy.Cut();
        await NativeSource.UntilAsync(watched.Page, "seen.isClosed");

        await NativeSource.AssertGaplessAsync(await NativeSource.MessagesAsync(watched.Page), ada, state.Id());
        var requests = watched.StreamRequests;
        Assert.All(requests, request => Assert.EndsWith(address, request.Url, StringComparison.Ordinal));
        var cursors = await Task.WhenAll(requests.Select(request => request.HeaderValueAsync("last-event-id")));
        Assert.Null(cursors[0]);
        Assert.All(cursors[1..], cursor => Assert.Matches(@"^1-\d+$", cursor));
        Assert.Equal(HttpStatusCode.NoContent, (HttpStatusCode)(await requests[^1].ResponseAsync())!.Status);
        Assert.True(requests.Count >= 3, "the first, one after the cut, and the one that got 204");
        watched.AssertOnlyNetworkErrors();
    }

    /// <summary>A browser has no cursor before the first message, so what it repeats by itself looks like a stolen address.</summary>
    [Fact]
    public async Task Ticket_that_is_refused_after_a_cut_before_the_first_message_is_replaced_by_the_page()
    {
        var mayEnd = new TaskCompletionSource();
        await using var model = await ScriptedOpenAIServer.StartAsync(TestContext.Current.CancellationToken);
        await using var host = await ScriptedService.StartAsync(postgres, model, _jwt.Settings);
        await using var proxy = new CuttableProxy(host.Address);
        await using var watched = await browser.OpenAsync(proxy.Address);
        using var ada = _jwt.ClientOf(host.Address, "ada");
        var view = new SessionView(watched.Page);
        model.Enqueue(Script.Begin().Deltas("""{"ideas":[{"title":"One","body":"Half of""").Gate(mayEnd.Task)
            .Deltas(""" a storm."}]}""").Finish("stop").Usage().Done());
        var path = $"/api/ideations/{(await ada.IdeateAsync(ideaCount: 1)).Id()}";
        await Eventually.TrueAsync(async () => (await ada.GetStringAsync(path)).Contains("Half of", StringComparison.Ordinal), "the model writes");

        await watched.Page.GotoAsync($"/#{path["/api".Length..]}");
        await view.SignInAsync(_jwt.Token("ada"), "ada");
        await Expect(view.Connection).ToHaveTextAsync("live");
        await Expect(view.DraftCard.Locator(".card-body")).ToHaveTextAsync("Half of");
        var first = Assert.Single(watched.StreamRequests).Url;
        proxy.Cut();
        await Eventually.TrueAsync(() => Task.FromResult(watched.StreamRequests.Any(request => request.Url != first)), "the page has a new ticket");
        await Expect(view.Connection).ToHaveTextAsync("live");
        mayEnd.SetResult();
        await view.ExpectCompletedAsync(ideaCount: 1);

        var requests = watched.StreamRequests;
        // The page's, the browser's own with the used ticket, and the page's with another.
        Assert.Equal(first, requests[1].Url);
        Assert.Equal(HttpStatusCode.Unauthorized, (HttpStatusCode)(await requests[1].ResponseAsync())!.Status);
        Assert.All(requests, request => Assert.Contains("&lastEventId=1-", request.Url, StringComparison.Ordinal));
        Assert.Equal(3, requests.Count);
        await Expect(view.IdeaCards.First.Locator(".card-body")).ToHaveTextAsync("Half of a storm.");
        await Expect(view.CutLog).ToContainTextAsync("nothing missed");
    }
}
