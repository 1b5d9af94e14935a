using System.Text.Json;
using Microsoft.Playwright;
using Npgsql;
using Streaming.BrowserTests.WebClient;
using Streaming.IntegrationTests.Fixtures;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace Streaming.BrowserTests;

/// <summary>
/// Messages of types, and with fields, that nobody knows yet: written into a generation while it runs, as a later version, or any program
/// with a connection to the database, may. The page and the clients pass them over, miss nothing, and come to the end.
/// </summary>
public sealed class FutureMessagesTests(PostgresServer postgres, WebClientPackage package, Chromium browser) : IAsyncLifetime, IClassFixture<WebClientPackage>
{
    const int IdeaCount = 2;
    static readonly TimeSpan BundleTime = TimeSpan.FromMinutes(1);

    static readonly (string Type, string Data)[] Future =
    [
        ("confetti", """{"pieces":3,"colors":["red",{"is":null}],"stage":"ideas","text":"nobody knows","progress":99,"status":"sublimated","chunks":null}"""),
        ("progress", """{"stage":"ideas","stageProgress":50,"progress":50,"label":"Half way","mood":{"is":"fine"},"steps":[{"a":[1]}]}"""),
        ("info", """{"code":"tides_have_turned","message":"The tide has turned.","tide":-1}"""),
        ("chunk", """{"stage":"epilogue","text":"of a stage that was not announced","tone":4}"""),
        ("constructor", "plain text"),
    ];

    readonly TaskCompletionSource _gate = new();
    ScriptedOpenAIServer _model = null!;
    ServiceHost _host = null!;
    JsonElement _made;

    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>A generation that has written one of two ideas, and waits.</summary>
    public async ValueTask InitializeAsync()
    {
        _model = await ScriptedOpenAIServer.StartAsync(Cancellation);
        _host = await ScriptedService.StartAsync(postgres, _model);
        _model.Enqueue(Script.Begin().Deltas("""{"ideas":[{"title":"One","body":"b"},{"ti""").Gate(_gate.Task).Deltas("""tle":"Two","body":"c"}]}""").Finish("stop").Done());
        _made = await _host.Client.IdeateAsync(ideaCount: IdeaCount);
        await Eventually.TrueAsync(async () => (await _host.Client.StateAsync($"/api/ideations/{_made.Id()}")).GetProperty("ideas").GetArrayLength() == 1, "an idea is there");
    }

    public async ValueTask DisposeAsync()
    {
        await _host.DisposeAsync();
        await _model.DisposeAsync();
    }

    [Fact]
    public async Task Page_goes_on_to_the_end()
    {
        await using var watched = await browser.OpenAsync(_host.Address);
        var view = new SessionView(watched.Page);
        await watched.Page.GotoAsync($"/#/ideations/{_made.Id()}");
        await Expect(view.IdeaCards.First).ToBeVisibleAsync();
        await WriteAsync();
        await view.ExpectCompletedAsync(IdeaCount);
        watched.AssertNoErrors();
    }

    [Theory]
    [InlineData("fetch")]
    [InlineData("eventsource")]
    public async Task Browser_client_goes_on_to_the_end_and_hands_them_on(string transport)
    {
        await using var watched = await browser.OpenAsync(_host.Address);
        var client = new ClientPage(watched.Page);
        await client.LoadAsync();
        await client.WatchAsync(_made, $"{{ transport: '{transport}', share: false }}");
        await client.UntilAsync("seen.processor.state.ideas.length === 1");
        await WriteAsync();

        Assert.Equal("completed", await client.EndAsync());
        await client.AssertToldEverythingOnceAsync(_host.Client, _made);
        var told = await client.MessagesAsync();
        Assert.Equal(3, told.Single(message => message.GetProperty("type").GetString() == "confetti").GetProperty("pieces").GetInt32());
        Assert.All(Future, future => Assert.Contains(told, message => message.GetProperty("type").GetString() == future.Type));
        watched.AssertNoErrors();
    }

    [Fact]
    public async Task React_page_goes_on_to_the_end()
    {
        package.NeedsPackages();
        var (exitCode, _, faults) = await package.RunAsync(Path.Combine(package.Folder, "node_modules", ".bin", "esbuild"),
            ["examples/react/app.js", "--bundle", "--format=esm", "--outfile=examples/react/bundle.js"], BundleTime);
        Assert.True(exitCode == 0, faults);
        await using var watched = await browser.OpenAsync(_host.Address);
        await watched.Page.RouteAsync("**/react/*", route =>
            route.FulfillAsync(new() { Path = Path.Combine(package.Folder, "examples", "react", Path.GetFileName(new Uri(route.Request.Url).AbsolutePath)) }));
        await watched.Page.GotoAsync($"/react/index.html?kind=ideation&id={_made.Id()}");
        var ideas = watched.Page.GetByRole(AriaRole.Listitem);
        await Expect(ideas).ToHaveCountAsync(1);
        await WriteAsync();

        await Expect(watched.Page.Locator("#status")).ToHaveTextAsync("completed");
        await Expect(ideas).ToHaveCountAsync(IdeaCount);
        watched.AssertNoErrors();
    }

    /// <summary>Rows as any program inserts them; then the model goes on.</summary>
    async Task WriteAsync()
    {
        await using var connection = new NpgsqlConnection(_host.ConnectionString);
        await connection.OpenAsync(Cancellation);
        foreach (var (type, data) in Future)
            await Eventually.TrueAsync(async () =>
            {
                await using var command = new NpgsqlCommand(
                    "insert into transform_chunks (transform_id, chunk_index, chunk_type, chunk_data) select transform_id, max(chunk_index) + 1, $1, $2 from transform_chunks group by transform_id", connection)
                {
                    Parameters = { new NpgsqlParameter { Value = type }, new NpgsqlParameter { Value = data } },
                };
                try
                {
                    return await command.ExecuteNonQueryAsync(Cancellation) == 1;
                }
                catch (PostgresException fault) when (fault.SqlState == PostgresErrorCodes.UniqueViolation)
                {
                    // The run was faster.
                    return false;
                }
            }, $"{type} is written");
        _gate.SetResult();
    }
}
