using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Microsoft.Playwright;
using Streaming.IntegrationTests.Fixtures;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace Streaming.BrowserTests;

/// <summary>A manuscript on the page: from the file that is chosen to its outline.</summary>
public sealed class DocumentPageTests(PostgresServer postgres, Chromium browser) : IDisposable
{
    const int Size = 12_000_000;

    readonly TemporaryDirectory _folder = new();

    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Manuscript_is_uploaded_over_a_cut_and_read_to_its_outline()
    {
        await using var host = await ServiceHost.StartAsync(postgres, PacedService.QuickRetry);
        await using var proxy = new CuttableProxy(host.Address);
        await using var watched = await browser.OpenAsync(proxy.Address);
        var (page, view) = (watched.Page, new SessionView(watched.Page));
        var offsets = WatchOffsets(page);
        page.Request += (_, request) =>
        {
            if (request.Method == "PATCH" && offsets.Count == 2)
                proxy.Down();
        };
        await page.GotoAsync("/");
        await page.GetByTestId("document-file").SetInputFilesAsync(await WriteAsync("The Ledger of Storms.md"));
        await page.GetByTestId("submit-document").ClickAsync();
        await Expect(page.GetByTestId("upload-text")).ToContainTextAsync("It goes on by itself");
        proxy.Up();
        await Expect(page).ToHaveURLAsync(new Regex("#/outlines/."), new() { Timeout = 60_000 });
        // Never from the beginning again.
        Assert.All(offsets.Skip(1), offset => Assert.True(offset > 0));

        var seen = new HashSet<string>();
        await Eventually.TrueAsync(async () =>
        {
            if (await page.Locator(".progress-label").First.TextContentAsync() is { } label && label.StartsWith("Read ", StringComparison.Ordinal))
                seen.Add(label);
            return await view.Status.TextContentAsync() == "completed";
        }, "the outline is made", TimeSpan.FromSeconds(90));
        Assert.NotEmpty(seen);
        await Expect(page.GetByRole(AriaRole.Heading, new() { Level = 1 })).ToHaveTextAsync("The Ledger of Storms");
        await Expect(page.GetByText("The Ledger of Storms.md")).ToBeVisibleAsync();
        await Expect(page.GetByTestId("component-synopsis")).ToBeVisibleAsync();
        await page.GetByText("What was read of it").ClickAsync();
        await Expect(page.GetByTestId("document-summary")).ToContainTextAsync("lighthouse");
        watched.AssertOnlyNetworkErrors();
    }

    [Fact]
    public async Task Upload_that_a_reload_broke_off_goes_on_where_it_was()
    {
        await using var host = await ServiceHost.StartAsync(postgres);
        await using var watched = await browser.OpenAsync(host.Address);
        var page = watched.Page;
        var offsets = WatchOffsets(page);
        var isHeld = true;
        await page.RouteAsync("**/api/files/*", async route =>
        {
            // The third piece never leaves.
            if (route.Request.Method != "PATCH" || offsets.Count < 3 || !Volatile.Read(ref isHeld))
                await route.ContinueAsync();
        });
        await page.GotoAsync("/");
        var path = await WriteAsync("novel.txt");
        await page.GetByTestId("document-file").SetInputFilesAsync(path);
        await page.GetByTestId("submit-document").ClickAsync();
        await Eventually.TrueAsync(() => Task.FromResult(offsets.Count == 3), "two pieces are there");
        await page.ReloadAsync();
        Volatile.Write(ref isHeld, false);
        await Expect(page.GetByTestId("document-hint")).ToContainTextAsync(new Regex(@"novel\.txt broke off at \d+%"));
        await page.GetByTestId("document-file").SetInputFilesAsync(path);
        await page.GetByTestId("submit-document").ClickAsync();
        await Expect(page).ToHaveURLAsync(new Regex("#/outlines/."), new() { Timeout = 60_000 });
        Assert.Equal(offsets.ElementAt(2), offsets.ElementAt(3));
        Assert.Equal(1, offsets.Count(offset => offset == 0));

        // Chosen once more, it is not sent again.
        var sent = offsets.Count;
        await page.GotoAsync("/");
        await page.GetByTestId("document-file").SetInputFilesAsync(path);
        await page.GetByTestId("submit-document").ClickAsync();
        await Expect(page).ToHaveURLAsync(new Regex("#/outlines/."), new() { Timeout = 60_000 });
        Assert.Equal(sent, offsets.Count);
        watched.AssertNoErrors();
    }

    [Fact]
    public async Task File_that_is_refused_says_why_and_one_that_is_missing_is_asked_for()
    {
        await using var host = await ServiceHost.StartAsync(postgres);
        await using var watched = await browser.OpenAsync(host.Address);
        var page = watched.Page;
        await page.GotoAsync("/");
        await page.GetByTestId("submit-document").ClickAsync();
        await Expect(page.GetByTestId("document-hint")).ToHaveTextAsync("Choose a text file first.");
        await page.GetByTestId("document-file").SetInputFilesAsync(new FilePayload { Name = "novel.txt", MimeType = "text/plain", Buffer = [0x50, 0x4B, 3, 4, 0, 0] });
        await page.GetByTestId("submit-document").ClickAsync();
        await Expect(page.GetByRole(AriaRole.Alert).Filter(new() { HasText = "document_unsupported" })).ToBeVisibleAsync();
        watched.AssertOnlyErrors("415");
    }

    /// <summary>Where each piece that is sent begins.</summary>
    static ConcurrentQueue<long> WatchOffsets(IPage page)
    {
        var offsets = new ConcurrentQueue<long>();
        page.Request += (_, request) =>
        {
            if (request.Method == "PATCH")
                offsets.Enqueue(long.Parse(request.Headers["upload-offset"], CultureInfo.InvariantCulture));
        };
        return offsets;
    }

    async Task<string> WriteAsync(string name)
    {
        var path = Path.Combine(_folder.Path, name);
        await File.WriteAllTextAsync(path, Manuscripts.Text(Size), new UTF8Encoding(false), Cancellation);
        return path;
    }

    public void Dispose() => _folder.Dispose();
}
