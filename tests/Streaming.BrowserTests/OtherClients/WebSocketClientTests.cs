using System.Globalization;
using System.Net;
using System.Text.Json;
using Streaming.IntegrationTests.Fixtures;
using Xunit;

namespace Streaming.BrowserTests.OtherClients;

/// <summary>
/// WebSocket clients that nobody here wrote, over a way that is cut at random bytes: every message of every session comes once, and in order.
/// <c>STREAMING_CUTS</c> sets the number of cuts (default 25), <c>STREAMING_FAULT_SEED</c> their places.
/// </summary>
public sealed class WebSocketClientTests(PostgresServer postgres, TestPackages packages, Chromium browser) : IClassFixture<TestPackages>
{
    const int CutsDefault = 25;
    static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    [Theory]
    [InlineData("ws")]
    [InlineData("Chromium")]
    public async Task Client_of_others_is_told_everything_once_when_its_connections_are_cut_at_random_bytes(string name)
    {
        var seed = Setting("STREAMING_FAULT_SEED") ?? Environment.TickCount;
        var cutsMin = Setting("STREAMING_CUTS") ?? CutsDefault;
        TestContext.Current.SendDiagnosticMessage($"{name}: seed {seed}");
        var random = new Random(seed);
        await using var host = await ServiceHost.StartAsync(postgres, [new("Models:Offline:TokensPerSecond", "400"), new("Subscriptions:MergedBytesMax", "1024")]);
        await using var proxy = new CuttableProxy(host.Address);
        JsonElement cursor;
        await using (var first = await WebSocketReader.OpenAsync(host.Address))
            cursor = (await first.SubscribeAsync("user:local:streams"))[0].GetProperty("cursor");
        var following = await FollowAsync(name, proxy, cursor, () => proxy.PlannedCuts < cutsMin ? new Cut(random.Next(1, 8_000), random.Next(2) == 0 ? CutKind.Fin : CutKind.Rst) : null);

        var sessions = new List<string>();
        for (var rounds = 0; proxy.PlannedCuts < cutsMin && rounds < 2 * cutsMin && !following.IsCompleted; rounds++)
        {
            var (generation, relay) = ((await host.Client.IdeateAsync(ideaCount: 3)).Id(), (await host.Client.RelayAsync()).Id());
            sessions.AddRange([generation, relay]);
            await host.Client.PostJsonAsync($"/api/relays/{relay}/messages", Enumerable.Range(0, 30).Select(i => new { type = $"note_{i}" }), HttpStatusCode.OK);
            await host.Client.PostJsonAsync($"/api/relays/{relay}/end", null);
            await host.Client.EndedAsync($"/api/ideations/{generation}");
        }

        var last = (await host.Client.RelayAsync()).Id();
        await host.Client.PostJsonAsync($"/api/relays/{last}/messages", new { type = "done" }, HttpStatusCode.OK);
        await host.Client.PostJsonAsync($"/api/relays/{last}/end", null);
        var (connections, log) = Read(await following.WaitAsync(Patience));

        TestContext.Current.SendDiagnosticMessage(
            $"{name}: {proxy.PlannedCuts} cuts, {connections} connections, {sessions.Count} sessions, {log.Messages.Count} messages, seed {seed}");
        Assert.True(proxy.PlannedCuts >= cutsMin, $"{proxy.PlannedCuts} cuts");
        Assert.All(log.Messages, message => Assert.NotNull(message.Id));
        foreach (var id in sessions)
        {
            Assert.True(log.Fault(id) is null, $"{name}, seed {seed}: {log.Fault(id)}");
            var kind = log.Of(id).First().Data.GetProperty("kind").GetString();
            var single = await host.Client.ReadStreamAsync($"/api/stream/{kind}/{id}");
            Assert.Equal((single.TextOf(), single[^1].Id), (log.Of(id).TextOf(), log.Of(id).Last().Id));
        }
    }

    /// <summary>Begins to follow; what comes of it is what channel.js returns.</summary>
    async Task<Task<string>> FollowAsync(string name, CuttableProxy proxy, JsonElement cursor, Func<Cut?> plan)
    {
        packages.NeedsPackages();
        if (name == "ws")
        {
            proxy.Plan = plan;
            return RunAsync();
        }

        var function = await File.ReadAllTextAsync(Path.Combine(packages.Folder, "channel.js"));
        var watched = await browser.OpenAsync(proxy.Address);
        await watched.Page.GotoAsync("/favicon.svg");
        proxy.Plan = plan;
        return EvaluateAsync();

        async Task<string> RunAsync()
        {
            var (exitCode, output, faults) = await packages.RunAsync("node", ["follow-channel.js", $"ws://{proxy.Address.Authority}/ws", cursor.GetRawText()], Patience);
            Assert.True(exitCode == 0, faults);
            return output;
        }

        async Task<string> EvaluateAsync()
        {
            await using var page = watched;
            return await page.Page.EvaluateAsync<string>(
                $$"""
                async (cursor) => {
                  {{function.Replace("export function", "function", StringComparison.Ordinal)}}
                  return JSON.stringify(await follow(WebSocket, `ws://${location.host}/ws`, JSON.parse(cursor)));
                }
                """, cursor.GetRawText());
        }
    }

    static (int Connections, ChannelLog Log) Read(string output)
    {
        var (result, log) = (JsonElement.Parse(output), new ChannelLog());
        foreach (var update in result.GetProperty("updates").EnumerateArray())
            log.Messages.Add(new StreamEvent(update.TryGetProperty("eventId", out var id) ? id.GetString() : null, update.GetProperty("payload")));
        return (result.GetProperty("connections").GetInt32(), log);
    }

    static int? Setting(string name) => int.TryParse(Environment.GetEnvironmentVariable(name), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
}
