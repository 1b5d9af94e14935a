using System.Globalization;
using System.Net;
using Microsoft.Playwright;
using Streaming.IntegrationTests.Fixtures;
using Xunit;

namespace Streaming.BrowserTests.WebClient;

/// <summary>The client in a real browser, against the real service, over ways that break.</summary>
public sealed class InterruptionTests(PacedService service, PostgresServer postgres, Chromium browser) : IClassFixture<PacedService>
{
    const int Cuts = 20;
    const int NewMessages = 100;

    HttpClient Client => service.Host.Client;

    [Theory]
    [InlineData("fetch")]
    [InlineData("eventsource")]
    public async Task Every_message_comes_once_and_in_order_when_the_way_is_cut_at_20_random_bytes(string transport)
    {
        var seed = Random.Shared.Next();
        TestContext.Current.SendDiagnosticMessage($"seed {seed}");
        var random = new Random(seed);
        var planned = 0;
        await using var proxy = new CuttableProxy(service.Host.Address);
        await using var watched = await browser.OpenAsync(proxy.Address);
        var client = new ClientPage(watched.Page);
        await client.LoadAsync();
        // Waits after so many cuts in a row add up to minutes with bad luck, and here only what is told matters.
        await watched.Page.EvaluateAsync("() => { const random = Math.random; Math.random = () => random() / 20; }");

        proxy.Plan = () => Interlocked.Increment(ref planned) <= Cuts
            ? new Cut(random.Next(200, 4_000), random.Next(2) == 0 ? CutKind.Fin : CutKind.Rst)
            : null;
        proxy.Cut(); // no connection from before the plan is left
        var state = await Client.IdeateAsync(ideaCount: 10);
        await client.WatchAsync(state, $"{{ transport: '{transport}', failuresMax: 1000, share: false }}");

        Assert.Equal("completed", await client.EndAsync());
        Assert.Equal(Cuts, proxy.PlannedCuts);
        await client.AssertToldEverythingOnceAsync(Client, state);
        watched.AssertOnlyNetworkErrors();
    }

    [Theory]
    [InlineData("fetch")]
    [InlineData("eventsource")]
    public async Task Browser_that_is_offline_in_mid_stream_goes_on_where_it_was(string transport)
    {
        await using var proxy = new CuttableProxy(service.Host.Address);
        await using var watched = await browser.OpenAsync(proxy.Address);
        var client = new ClientPage(watched.Page);
        await client.LoadAsync();
        var state = await Client.IdeateAsync(ideaCount: 10);
        await client.WatchAsync(state, $"{{ transport: '{transport}' }}");
        await client.UntilAsync("seen.messages.length > 20");

        // The browser's switch alone leaves connections as they are.
        await watched.Page.Context.SetOfflineAsync(true);
        proxy.Down();
        var head = await HeadAsync(state.Id());
        await Eventually.TrueAsync(async () => await HeadAsync(state.Id()) > head + NewMessages, "the generation has gone on without the browser");
        await client.UntilAsync("seen.connections.includes('reconnecting')");
        proxy.Up();
        await watched.Page.Context.SetOfflineAsync(false);

        Assert.Equal("completed", await client.EndAsync());
        await client.AssertToldEverythingOnceAsync(Client, state);
        watched.AssertOnlyNetworkErrors();
    }

    [Theory]
    [InlineData("fetch")]
    [InlineData("eventsource")]
    public async Task Service_that_is_restarted_in_mid_stream_is_found_again(string transport)
    {
        KeyValuePair<string, string>[] settings = [.. PacedService.QuickRetry, new("Models:Offline:TokensPerSecond", "120")];
        await using var first = await ServiceHost.StartAsync(postgres, settings);
        await using var proxy = new CuttableProxy(first.Address);
        await using var watched = await browser.OpenAsync(proxy.Address);
        var client = new ClientPage(watched.Page);
        await client.LoadAsync();
        var state = await first.Client.IdeateAsync(ideaCount: 5);
        await client.WatchAsync(state, $"{{ transport: '{transport}' }}");
        await client.UntilAsync("seen.messages.length > 20");

        await first.StopAsync();
        await client.UntilAsync("seen.connections.includes('reconnecting')");
        await using var second = await ServiceHost.StartAsync(postgres, settings, first.ConnectionString);
        proxy.Targets = [new DnsEndPoint(second.Address.Host, second.Address.Port)];

        Assert.Equal("completed", await client.EndAsync());
        await client.AssertToldEverythingOnceAsync(second.Client, state);
        watched.AssertOnlyNetworkErrors();
    }

    [Theory]
    [InlineData("fetch")]
    [InlineData("eventsource")]
    public async Task Stream_that_is_held_back_on_its_way_is_polled_around_to_the_end(string transport)
    {
        await using var watched = await browser.OpenAsync(service.Host.Address);
        var client = new ClientPage(watched.Page);
        await client.LoadAsync();
        // Gives nothing away before it has everything, as some proxies and virus scanners do.
        await watched.Page.RouteAsync("**/api/stream/**", async route =>
        {
            var answer = await route.FetchAsync(new() { Timeout = 0 });
            await route.FulfillAsync(new() { Response = answer });
        });
        var state = await Client.IdeateAsync(ideaCount: 10);
        await client.WatchAsync(state, $"{{ transport: '{transport}', openTimeoutMs: 2000, from: 'state' }}");
        await client.UntilAsync("seen.connections.includes('polling') && seen.processor.state.ideas.length > 0 && seen.status === undefined");

        Assert.Equal("completed", await client.EndAsync());
        await client.AssertHoldsResultAsync(Client, state);
        await watched.Page.UnrouteAllAsync(new() { Behavior = UnrouteBehavior.IgnoreErrors });
    }

    async Task<int> HeadAsync(string id) =>
        int.Parse((await Client.StateAsync($"/api/ideations/{id}")).GetProperty("lastEventId").GetString()!.Split('-')[1], CultureInfo.InvariantCulture);
}
