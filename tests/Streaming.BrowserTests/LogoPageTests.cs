using System.Text.RegularExpressions;
using Microsoft.Playwright;
using Streaming.IntegrationTests.Fixtures;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace Streaming.BrowserTests;

/// <summary>A logo on the page: from the first line that is drawn to the files.</summary>
public sealed class LogoPageTests(PostgresServer postgres, PacedLogoService service, Chromium browser) : IClassFixture<PacedLogoService>
{
    static readonly object Asked = new { brandName = "Harbor & Pine", description = "Boats, built by hand.", style = "calm", colors = new[] { "#1d3557", "orange" } };

    static readonly string[] AssetNames =
    [
        "logo.svg", "logo-monochrome.svg", "logo-reversed.svg", "logo-icon.svg", "guidelines.html",
        "logo.png", "logo-monochrome.png", "logo-reversed.png", "logo-icon.png",
    ];

    [Fact]
    public async Task Logo_is_watched_from_the_form_to_its_files_while_previews_appear()
    {
        await using var watched = await browser.OpenAsync(service.Host.Address);
        var (page, view) = (watched.Page, new SessionView(watched.Page));
        await page.GotoAsync("/");
        await page.GetByTestId("brand-name").FillAsync("Harbor & Pine");
        await page.GetByTestId("brand-description").FillAsync("Boats, built by hand.");
        await page.GetByTestId("submit-logo").ClickAsync();
        await Expect(page).ToHaveURLAsync(new Regex("#/logos/."));

        var pictures = new HashSet<string>();
        await Eventually.TrueAsync(async () =>
        {
            if (await page.GetByTestId("logo-drawing").GetAttributeAsync("src") is { } picture)
                pictures.Add(picture);
            return pictures.Count >= 5;
        }, "five drawings were seen, one after the other", TimeSpan.FromSeconds(60));
        await Expect(view.Status).ToHaveTextAsync("streaming");
        await Expect(page.GetByTestId("logo-figure")).ToHaveAttributeAsync("data-final", "false");

        await ExpectDoneAsync(page, view);
        Assert.All(pictures, picture => Assert.StartsWith("data:image/svg+xml", picture, StringComparison.Ordinal));
        watched.AssertNoErrors();
    }

    [Fact]
    public async Task Reload_in_mid_drawing_shows_what_was_complete_and_goes_on()
    {
        await using var watched = await browser.OpenAsync(service.Host.Address);
        var (page, view) = (watched.Page, new SessionView(watched.Page));
        var state = await service.Host.Client.PostJsonAsync("/api/logos", Asked);
        await page.GotoAsync($"/#/logos/{state.Id()}");
        await Expect(page.GetByTestId("logo-concepts").GetByRole(AriaRole.Listitem).Nth(1)).ToBeVisibleAsync();
        await page.ReloadAsync();
        await Expect(page.GetByTestId("logo-concepts").Locator("img[src^='data:image/svg']").Nth(1)).ToBeVisibleAsync();
        await Expect(page.GetByTestId("logo-drawing")).ToBeVisibleAsync();
        await Expect(view.Status).ToHaveTextAsync("streaming");

        await ExpectDoneAsync(page, view);
        // One who comes when it is over sees the same.
        await page.ReloadAsync();
        await ExpectDoneAsync(page, view);
        watched.AssertNoErrors();
    }

    [Fact]
    public async Task Files_that_are_clicked_are_delivered_alone_and_in_a_zip()
    {
        await using var watched = await browser.OpenAsync(service.Host.Address);
        var page = watched.Page;
        var state = await service.Host.Client.PostJsonAsync("/api/logos", Asked);
        await page.GotoAsync($"/#/logos/{state.Id()}");
        await Expect(page.GetByTestId("status")).ToHaveTextAsync("completed", new() { Timeout = 90_000 });

        var assets = (await service.Host.Client.StateAsync($"/api/logos/{state.Id()}")).GetProperty("assets").EnumerateArray().ToList();
        foreach (var (name, magic) in ((string, string)[])[("logo.png", "89504E47"), ("logo.svg", "3C737667"), ("guidelines.html", "3C21646F")])
        {
            var bytes = await DownloadAsync(page, () => page.GetByRole(AriaRole.Button, new() { Name = $"Download {name}", Exact = true }).ClickAsync(), name);
            Assert.Equal(assets.Single(asset => asset.GetProperty("name").GetString() == name).GetProperty("bytes").GetInt32(), bytes.Length);
            Assert.Equal(magic, Convert.ToHexString(bytes[..4]));
        }

        var zip = await DownloadAsync(page, () => page.GetByTestId("logo-zip").ClickAsync(), "harbor-pine.zip");
        Assert.Equal("504B0304", Convert.ToHexString(zip[..4]));
        using var archive = new System.IO.Compression.ZipArchive(new MemoryStream(zip));
        Assert.Superset(AssetNames.ToHashSet(), archive.Entries.Select(entry => entry.FullName).ToHashSet());
        watched.AssertNoErrors();
    }

    [Fact]
    public async Task Retry_shows_nothing_of_the_drawing_that_was_broken_off()
    {
        var (mayDraw, mayFail, mayGoOn, mayDrawAgain, mayEnd) = (
            new TaskCompletionSource(), new TaskCompletionSource(), new TaskCompletionSource(), new TaskCompletionSource(), new TaskCompletionSource());
        await using var model = await ScriptedOpenAIServer.StartAsync(TestContext.Current.CancellationToken);
        await using var host = await ScriptedService.StartAsync(postgres, model, [new("Models:RetriesMax", "0"), new("Messages:ProgressInterval", "00:00:00")]);
        await using var watched = await browser.OpenAsync(host.Address);
        var (page, view) = (watched.Page, new SessionView(watched.Page));
        model.Enqueue(
            Script.Answer(Brief), Script.Answer(Concepts("#111111", "#222222", "#333333")), Script.Answer(SecondChoice),
            Script.Begin().Gate(mayDraw.Task).Deltas(Elements("#ab12cd"), "\"<rect ").Gate(mayFail.Task).Close(),
            Script.Begin().Gate(mayGoOn.Task).Deltas(Brief).Finish("stop").Usage().Done(),
            Script.Answer(Concepts("#444444", "#555555", "#666666")), Script.Answer(SecondChoice),
            Script.Begin().Gate(mayDrawAgain.Task).Deltas(Elements("#00aa11"), "\"<rect ").Gate(mayEnd.Task).Close());
        var state = await host.Client.PostJsonAsync("/api/logos", Asked);
        await page.GotoAsync($"/#/logos/{state.Id()}");
        var drawing = page.GetByTestId("logo-drawing");
        await Expect(view.Connection).ToHaveTextAsync("live");
        mayDraw.SetResult();
        await Expect(drawing).ToHaveAttributeAsync("src", Filled("#ab12cd"));

        mayFail.SetResult();
        await Expect(view.Status).ToHaveTextAsync("failed");
        // What was broken off is not the result; the concept that was chosen is the best there is.
        await Expect(drawing).ToHaveAttributeAsync("src", Filled("#222222"));
        await page.GetByTestId("retry").ClickAsync();
        await Expect(view.Status).ToHaveTextAsync("streaming");
        await Expect(page.GetByTestId("logo-figure")).ToBeHiddenAsync();
        await Expect(page.GetByTestId("logo-concepts").GetByRole(AriaRole.Listitem)).ToHaveCountAsync(0);
        mayGoOn.SetResult();
        await Expect(page.GetByTestId("logo-concepts").Locator("img").Nth(1)).ToHaveAttributeAsync("src", Filled("#555555"));
        await Expect(page.Locator(".logo img[src*='222222'], .logo img[src*='ab12cd']")).ToHaveCountAsync(0);
        mayDrawAgain.SetResult();
        await Expect(drawing).ToHaveAttributeAsync("src", Filled("#00aa11"));
        mayEnd.SetResult();
        await Expect(drawing).ToHaveAttributeAsync("src", Filled("#555555"));
        watched.AssertNoErrors();
    }

    [Theory]
    [InlineData(390, ColorScheme.Dark)]
    [InlineData(390, ColorScheme.Light)]
    [InlineData(1280, ColorScheme.Dark)]
    public async Task Logo_fits_from_side_to_side_in_mid_drawing_and_when_it_is_done(int width, ColorScheme scheme)
    {
        await using var watched = await browser.OpenAsync(service.Host.Address, new() { Width = width, Height = 844 });
        var (page, view) = (watched.Page, new SessionView(watched.Page));
        await page.EmulateMediaAsync(new() { ColorScheme = scheme });
        var state = await service.Host.Client.PostJsonAsync("/api/logos",
            new { brandName = string.Concat(Enumerable.Repeat("Donaudampfschifffahrt", 4)), description = "Boats, built by hand.", style = "calm" });
        await page.GotoAsync($"/#/logos/{state.Id()}");
        await Expect(page.GetByTestId("logo-concepts").GetByRole(AriaRole.Listitem).First).ToBeVisibleAsync();
        await AssertFitsAsync(page);
        await ExpectDoneAsync(page, view);
        await AssertFitsAsync(page);
        watched.AssertNoErrors();
    }

    static async Task ExpectDoneAsync(IPage page, SessionView view)
    {
        await Expect(view.Status).ToHaveTextAsync("completed", new() { Timeout = 90_000 });
        await Expect(view.Connection).ToHaveTextAsync("ended");
        await view.ExpectNothingMissedAsync();
        await Expect(page.GetByTestId("logo-figure")).ToHaveAttributeAsync("data-final", "true");
        await Expect(page.GetByTestId("logo-concepts").GetByRole(AriaRole.Listitem)).ToHaveCountAsync(3);
        await Expect(page.GetByTestId("logo-variations").Locator("img[src^='data:image/svg']")).ToHaveCountAsync(3);
        await Expect(page.GetByTestId("logo-guidelines").GetByRole(AriaRole.Heading).Nth(2)).ToBeVisibleAsync();
        await Expect(page.GetByTestId("logo-files").Locator(".file-name")).ToHaveTextAsync(AssetNames);
        // Each picture is one that the browser could draw.
        Assert.Equal(0, await page.EvaluateAsync<int>("() => [...document.querySelectorAll('.logo img')].filter((image) => image.src && !(image.complete && image.naturalWidth > 0)).length"));
        await Expect(page.Locator(".logo :is(iframe, svg, script)")).ToHaveCountAsync(0);
    }

    static async Task AssertFitsAsync(IPage page) =>
        Assert.InRange(await page.EvaluateAsync<int>("() => document.documentElement.scrollWidth - innerWidth"), int.MinValue, 0);

    static async Task<byte[]> DownloadAsync(IPage page, Func<Task> click, string name)
    {
        var download = await page.RunAndWaitForDownloadAsync(click);
        Assert.Equal(name, download.SuggestedFilename);
        await using var content = await download.CreateReadStreamAsync();
        using var bytes = new MemoryStream();
        await content.CopyToAsync(bytes);
        return bytes.ToArray();
    }

    const string Brief = """{"essence":"Calm","audience":"Sailors","keywords":["boat","pine","hand"]}""";
    const string SecondChoice = """{"concept":2,"reason":"The calmest."}""";

    static string Elements(string color) => $$"""{"elements":["<circle cx='256' cy='256' r='90' fill='{{color}}'/>",""";

    static string Concepts(params IEnumerable<string> colors) =>
        $$"""{"concepts":[{{string.Join(',', colors.Select(color => $$"""{"title":"A {{color}} circle","idea":"A circle.","palette":["{{color}}"],{{Elements(color)[1..^1]}}]}"""))}}]}""";

    static Regex Filled(string color) => new(Uri.EscapeDataString(color));
}

/// <summary>One service that draws slowly enough to look on.</summary>
public sealed class PacedLogoService(PostgresServer postgres) : IAsyncLifetime
{
    public ServiceHost Host { get; private set; } = null!;

    public async ValueTask InitializeAsync() => Host = await ServiceHost.StartAsync(postgres,
        [.. PacedService.QuickRetry, new("Models:Offline:TokensPerSecond", "600"), new("Messages:ProgressInterval", "00:00:00.1")]);

    public ValueTask DisposeAsync() => Host.DisposeAsync();
}
