using System.Globalization;
using System.Net;
using Streaming.BrowserTests.WebClient;
using Streaming.IntegrationTests.Fixtures;
using Xunit;
using static Streaming.BrowserTests.OtherClients.OtherClients;

namespace Streaming.BrowserTests.OtherClients;

/// <summary>
/// Clients that nobody here wrote, over a way that is cut: nothing is lost, and nothing comes twice. <c>STREAMING_CUTS</c> sets the number of
/// cuts (default 25), <c>STREAMING_FAULT_SEED</c> their places.
/// </summary>
public sealed class OtherClientTests(PostgresServer postgres, TestPackages packages, Chromium browser) : IClassFixture<TestPackages>
{
    const int CutsDefault = 25;
    const int IdeaCount = 10;
    const int RelayMessages = 6;
    const int TriesMax = 10;
    // Over plain HTTP Chromium takes headers that were cut for whole ones. Its EventSource then gives up for good if it misses the content type.
    const int HeaderBytesMax = 1_500;

    static readonly KeyValuePair<string, string>[] Quick =
    [
        new("Models:Offline:TokensPerSecond", "400"), new("Subscriptions:RetryMin", "00:00:00.02"), new("Subscriptions:RetryMax", "00:00:00.05"),
        // Frames of a catch-up that are small beside the cuts.
        new("Subscriptions:MergedBytesMax", "1024"),
    ];

    readonly OtherClients _clients = new(packages, browser);

    [Theory]
    [InlineData(EventSourcePackage)]
    [InlineData(ParserPackage)]
    [InlineData(FetchEventSource)]
    [InlineData(ChromiumEventSource)]
    [InlineData(SseParser)]
    [InlineData(SseParserLastEventId)]
    public async Task Client_of_others_is_told_everything_once_when_its_connections_are_cut_at_random_bytes(string name)
    {
        var seed = Setting("STREAMING_FAULT_SEED") ?? Environment.TickCount;
        var cutsMin = Setting("STREAMING_CUTS") ?? CutsDefault;
        TestContext.Current.SendDiagnosticMessage($"{name}: seed {seed}");
        var random = new Random(seed);
        await using var host = await ServiceHost.StartAsync(postgres, Quick);
        await using var proxy = new CuttableProxy(host.Address);
        var (messages, ownFaults) = (0, 0);
        // A connection may end before it comes to the byte at which it was to be cut.
        for (var rounds = 0; proxy.PlannedCuts < cutsMin && rounds < cutsMin; rounds++)
        {
            proxy.Plan = null;
            var made = await host.Client.IdeateAsync(ideaCount: IdeaCount);
            var path = made.GetProperty("streamUrl").GetString()!;
            var followed = await _clients.FollowAsync(name, proxy, path, () => proxy.PlannedCuts < cutsMin
                ? new Cut(random.Next(name == ChromiumEventSource ? HeaderBytesMax : 1, 4_000), random.Next(2) == 0 ? CutKind.Fin : CutKind.Rst) : null);
            await host.Client.EndedAsync($"/api/ideations/{made.Id()}");
            var all = await host.Client.ReadStreamAsync(path);
            var lost = Judge(followed, all, $"{name}, seed {seed}");
            messages += all[^1].Index!.Value + 1;
            ownFaults += lost;
            if (name is not (FetchEventSource or SseParserLastEventId))
                Assert.Equal(0, lost);
        }

        TestContext.Current.SendDiagnosticMessage(
            $"{name}: {proxy.PlannedCuts} cuts, {messages} messages, 0 repeated, {ownFaults} events lost by its own fault, seed {seed}");
        Assert.True(proxy.PlannedCuts >= cutsMin, $"{proxy.PlannedCuts} cuts");
    }

    [Theory]
    [InlineData(EventSourcePackage, 0)]
    [InlineData(ParserPackage, 0)]
    [InlineData(FetchEventSource, 1)]
    [InlineData(ChromiumEventSource, 0)]
    [InlineData(SseParser, 0)]
    [InlineData(SseParserLastEventId, 1)]
    public async Task Cut_between_the_id_and_the_end_of_its_event_costs_a_message_only_where_the_client_keeps_the_id_too_early(string name, int lost)
    {
        await using var host = await ServiceHost.StartAsync(postgres, Quick);
        var path = await EndedRelayAsync(host.Client);
        var all = await host.Client.ReadStreamAsync(path);
        // A browser that learns of the cut before its script has read what came may drop that, and then nothing is kept too early.
        var found = 0;
        for (var tries = 0; found == 0 && tries < (lost == 0 ? 1 : TriesMax); tries++)
        {
            await using var proxy = new CuttableProxy(host.Address);
            found = Judge(await _clients.FollowAsync(name, proxy, path, OnceAfter(proxy, "\nid: 1-3\n")), all, name);
            Assert.NotEqual(0, proxy.PlannedCuts);
        }

        Assert.Equal(lost, found);
    }

    [Theory]
    [InlineData("fetch")]
    [InlineData("eventsource")]
    public async Task Our_own_client_loses_nothing_by_a_cut_there(string transport)
    {
        await using var host = await ServiceHost.StartAsync(postgres, Quick);
        var path = await EndedRelayAsync(host.Client);
        await using var proxy = new CuttableProxy(host.Address);
        await using var watched = await browser.OpenAsync(proxy.Address);
        var page = new ClientPage(watched.Page);
        await page.LoadAsync();
        proxy.Plan = OnceAfter(proxy, "\nid: 1-3\n");
        proxy.Cut();
        await watched.Page.EvaluateAsync($"url => watch(url, {{ transport: '{transport}', share: false }})", path);

        Assert.Equal("completed", await page.EndAsync());
        Assert.NotEqual(0, proxy.PlannedCuts);
        var told = (await page.MessagesAsync()).Where(message => message.TryGetProperty("index", out _)).Select(message => new StreamEvent(null, message)).ToList();
        Assert.Equal(0, Judge(new Followed(told, []), await host.Client.ReadStreamAsync(path), transport));
    }

    /// <summary>On whichever connection the text comes: a browser opens some ahead, so it may be cut there more than once.</summary>
    static Func<Cut?> OnceAfter(CuttableProxy proxy, string text) => () => proxy.PlannedCuts == 0 ? Cut.After(text, CutKind.Fin) : null;

    /// <summary>
    /// Fails if a message came twice or was changed, or is missing without the client having asked for what follows it: that is its own
    /// fault, and counted. An event that stands for several counts once.
    /// </summary>
    static int Judge(Followed followed, List<StreamEvent> all, string who)
    {
        var (next, lost) = (0, 0);
        foreach (var message in followed.Messages.Where(message => message.Index is not null))
        {
            Assert.True(message.First >= next, $"{who}: {message.First} comes again after {next - 1}");
            if (message.First > next)
            {
                Assert.True(followed.Asked.Contains($"1-{message.First - 1}"), $"{who}: {next} to {message.First - 1} are missing, and the client asked for them");
                lost++;
            }

            Assert.True(message.Id is null or "" || message.Id == $"1-{message.Index}", $"{who}: {message.Id}");
            next = message.Index!.Value + 1;
        }

        if (next <= all[^1].Index)
        {
            Assert.Contains(all[^1].Id, followed.Asked);
            lost++;
        }

        Assert.True(lost > 0 || followed.Messages.TextOf() == all.TextOf(), $"{who}: the text is another");
        var types = all.ToDictionary(message => message.Index!.Value, message => message.Type);
        Assert.All(followed.Messages.Where(message => message.Index is not null && message.Type != "chunk"), message => Assert.Equal(types[message.Index!.Value], message.Type));
        return lost;
    }

    static async Task<string> EndedRelayAsync(HttpClient client)
    {
        var relay = await client.RelayAsync();
        await client.PostJsonAsync($"/api/relays/{relay.Id()}/messages", Enumerable.Range(0, RelayMessages).Select(i => new { type = $"note_{i}", text = $"{i}" }), HttpStatusCode.OK);
        await client.PostJsonAsync($"/api/relays/{relay.Id()}/end", null);
        return relay.GetProperty("streamUrl").GetString()!;
    }

    static int? Setting(string name) => int.TryParse(Environment.GetEnvironmentVariable(name), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
}
