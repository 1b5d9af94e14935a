using Microsoft.Playwright;
using Xunit;

namespace Streaming.BrowserTests;

/// <summary>One headless browser for a whole test run.</summary>
public sealed class Chromium : IAsyncLifetime
{
    const string Executable = "/usr/bin/chromium";

    /// <summary>Longest wait for anything a page is to show.</summary>
    const float TimeoutMs = 20_000;

    IPlaywright? _playwright;
    IBrowser? _browser;

    public async ValueTask InitializeAsync()
    {
        if (!File.Exists(Executable))
            return;
        Assertions.SetDefaultExpectTimeout(TimeoutMs);
        _playwright = await Playwright.CreateAsync();
        _browser = await _playwright.Chromium.LaunchAsync(new()
        {
            ExecutablePath = Executable,
            Headless = true,
            // Root has no sandbox; the rest keeps the browser from calling home.
            Args =
            [
                "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
                "--disable-component-update", "--disable-sync",
            ],
        });
    }

    /// <summary>A page with storage, cache and connections of its own; skips the test where there is no browser.</summary>
    public async Task<WatchedPage> OpenAsync(Uri address, ViewportSize? viewport = null)
    {
        Assert.SkipWhen(_browser is null, $"There is no {Executable}: apt-get install chromium.");
        var context = await _browser!.NewContextAsync(new()
        {
            BaseURL = address.ToString(),
            ViewportSize = viewport ?? new ViewportSize { Width = 1280, Height = 860 },
            Locale = "en-GB",
        });
        context.SetDefaultTimeout(TimeoutMs);
        return new WatchedPage(context, await context.NewPageAsync());
    }

    /// <summary>A tab that can be hidden, with storage, cache and connections of its own; skips the test where there is no browser.</summary>
    public Task<BackgroundTab> OpenTabAsync(Uri address)
    {
        Assert.SkipWhen(_browser is null, $"There is no {Executable}: apt-get install chromium.");
        return BackgroundTab.OpenAsync(_browser!, address);
    }

    public async ValueTask DisposeAsync()
    {
        if (_browser is not null)
            await _browser.DisposeAsync();
        _playwright?.Dispose();
    }
}
