using System.Text.RegularExpressions;
using Microsoft.Playwright;
using Streaming.Images;
using Streaming.IntegrationTests.Fixtures;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace Streaming.BrowserTests;

/// <summary>A picture from the page where it is chosen to the suggestions that are made of it.</summary>
public sealed class AnalysisPageTests(Chromium browser, SlowAnalysisService service) : IClassFixture<SlowAnalysisService>
{
    static FilePayload Picture => new() { Name = "holiday.png", MimeType = "image/png", Buffer = SampleImage.Png() };

    [Fact]
    public async Task Picture_is_chosen_and_its_suggestions_appear_one_by_one()
    {
        await using var watched = await browser.OpenAsync(service.Host.Address);
        var (page, view) = (watched.Page, new SessionView(watched.Page));
        await page.GotoAsync("/");
        await page.GetByTestId("to-analysis").ClickAsync();
        await Expect(page).ToHaveURLAsync(new Regex("/analysis$"));
        await page.GetByTestId("picture").SetInputFilesAsync(Picture);
        await Expect(page.GetByTestId("picture-place").Locator("img")).ToBeVisibleAsync();
        await page.GetByTestId("context").FillAsync("A friend sent me this. What do I answer?");
        await page.GetByTestId("submit-analysis").ClickAsync();
        await Expect(page).ToHaveURLAsync(new Regex("/analysis#/analyses/."));

        await Expect(view.Status).ToHaveTextAsync("streaming");
        await Expect(page.GetByTestId("strategy")).ToHaveTextAsync("Strategy: standard");
        await Expect(page.GetByTestId("seen")).ToBeVisibleAsync();
        await Expect(page.GetByTestId("situation")).ToBeVisibleAsync();
        var suggestions = page.GetByTestId("suggestion");
        var counts = new HashSet<int>();
        await Eventually.TrueAsync(async () =>
        {
            counts.Add(await suggestions.CountAsync());
            return counts.Max() == 4;
        }, "four suggestions have appeared", TimeSpan.FromSeconds(60));
        Assert.True(counts.Count >= 3, $"seen at once: {string.Join(", ", counts)}");

        await ExpectDoneAsync(page, view);
        await Expect(page.Locator(".analysis-picture")).ToBeVisibleAsync();
        // One who comes when it is over sees the same, but for the picture, which is not kept.
        var texts = await page.Locator(".suggestion-text").AllInnerTextsAsync();
        await page.ReloadAsync();
        await ExpectDoneAsync(page, view);
        Assert.Equal(texts, await page.Locator(".suggestion-text").AllInnerTextsAsync());
        await Expect(page.Locator(".analysis-picture")).ToBeHiddenAsync();
        watched.AssertNoErrors();
    }

    [Fact]
    public async Task Picture_that_is_pasted_is_taken_and_a_reload_in_between_loses_nothing()
    {
        await using var watched = await browser.OpenAsync(service.Host.Address);
        var (page, view) = (watched.Page, new SessionView(watched.Page));
        await page.GotoAsync("/analysis");
        await page.GetByTestId("submit-analysis").ClickAsync();
        await Expect(page.GetByRole(AriaRole.Alert)).ToContainTextAsync("Choose a picture first.");
        await page.EvaluateAsync("""
            (base64) => {
              const data = new DataTransfer();
              data.items.add(new File([Uint8Array.from(atob(base64), (c) => c.charCodeAt(0))], "pasted.png", { type: "image/png" }));
              document.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
            }
            """, Convert.ToBase64String(SampleImage.Png()));
        await Expect(page.GetByTestId("picture-place")).ToContainTextAsync("pasted.png");
        await page.GetByTestId("context").FillAsync("Pasted, what now?");
        await page.GetByTestId("submit-analysis").ClickAsync();
        await Expect(page.GetByTestId("seen")).ToBeVisibleAsync();
        await page.ReloadAsync();
        await Expect(page.GetByTestId("seen")).ToBeVisibleAsync();
        await ExpectDoneAsync(page, view);
        await page.GetByRole(AriaRole.Link, new() { Name = "All analyses" }).ClickAsync();
        await Expect(page.GetByTestId("history-item").Filter(new() { HasText = "Pasted, what now?" })).ToBeVisibleAsync();
        watched.AssertNoErrors();
    }

    [Fact]
    public async Task Picture_that_is_refused_says_why_and_the_form_stays()
    {
        await using var watched = await browser.OpenAsync(service.Host.Address);
        var page = watched.Page;
        await page.GotoAsync("/analysis");
        await page.GetByTestId("picture").SetInputFilesAsync(new FilePayload { Name = "half.png", MimeType = "image/png", Buffer = SampleImage.Png()[..^9] });
        await page.GetByTestId("submit-analysis").ClickAsync();
        await Expect(page.GetByRole(AriaRole.Alert)).ToContainTextAsync("image_truncated");
        await Expect(page.GetByTestId("submit-analysis")).ToBeEnabledAsync();
        watched.AssertOnlyErrors("422");
    }

    [Theory]
    [InlineData(390, ColorScheme.Dark)]
    [InlineData(390, ColorScheme.Light)]
    [InlineData(1280, ColorScheme.Dark)]
    [InlineData(1280, ColorScheme.Light)]
    public async Task Analysis_fits_from_side_to_side_before_while_and_after(int width, ColorScheme scheme)
    {
        await using var watched = await browser.OpenAsync(service.Host.Address, new() { Width = width, Height = 844 });
        var (page, view) = (watched.Page, new SessionView(watched.Page));
        await page.EmulateMediaAsync(new() { ColorScheme = scheme });
        await page.GotoAsync("/analysis");
        await page.GetByTestId("picture").SetInputFilesAsync(Picture);
        await page.GetByTestId("context").FillAsync($"{width} {scheme}: {string.Concat(Enumerable.Repeat("Donaudampfschifffahrt", 4))}");
        await AssertFitsAsync(page, $"form-{width}-{scheme}");
        await page.GetByTestId("submit-analysis").ClickAsync();
        await Expect(page.GetByTestId("suggestion").First).ToBeVisibleAsync();
        await AssertFitsAsync(page, $"live-{width}-{scheme}");
        await Expect(view.Status).ToHaveTextAsync("completed", new() { Timeout = 60_000 });
        await AssertFitsAsync(page, $"done-{width}-{scheme}");
        watched.AssertNoErrors();
    }

    static async Task AssertFitsAsync(IPage page, string name)
    {
        // For a person to look at.
        if (Environment.GetEnvironmentVariable("SCREENSHOTS") is { Length: > 0 } folder)
            await page.ScreenshotAsync(new() { Path = Path.Combine(folder, $"analysis-{name}.png"), FullPage = true });
        Assert.InRange(await page.EvaluateAsync<int>("() => document.documentElement.scrollWidth - innerWidth"), int.MinValue, 0);
    }

    static async Task ExpectDoneAsync(IPage page, SessionView view)
    {
        await Expect(view.Status).ToHaveTextAsync("completed", new() { Timeout = 60_000 });
        await Expect(view.Connection).ToHaveTextAsync("ended");
        await view.ExpectNothingMissedAsync();
        await Expect(page.GetByTestId("analysis-outcome")).ToContainTextAsync("Over after");
        Assert.NotEqual(0, await page.GetByTestId("suggestion").CountAsync());
    }
}

/// <summary>One service that writes slowly enough to look on: a simulated model, and all of its time for each.</summary>
public sealed class SlowAnalysisService(PostgresServer postgres) : IAsyncLifetime
{
    public ServiceHost Host { get; private set; } = null!;

    public async ValueTask InitializeAsync() => Host = await ServiceHost.StartAsync(postgres,
        [.. PacedService.QuickRetry, new("Models:Offline:TokensPerSecond", "25"), new("Messages:ProgressInterval", "00:00:00.1"), new("Analyses:HistoryAge", "00:00:00.001")]);

    public ValueTask DisposeAsync() => Host.DisposeAsync();
}
