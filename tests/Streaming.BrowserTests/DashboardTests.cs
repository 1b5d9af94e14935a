using Dapper;
using Microsoft.Playwright;
using Npgsql;
using Streaming.IntegrationTests.Fixtures;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace Streaming.BrowserTests;

/// <summary>The page for those who run the service.</summary>
public sealed class DashboardTests(PostgresServer postgres, Chromium browser)
{
    /// <summary>How the error of a token that is not there yet, of a cut, and of a ticket that was used look in the console.</summary>
    const string Expected = "^Failed to load resource: (net::ERR_|.* (401|403|502) )";

    static readonly ViewportSize Phone = new() { Width = 390, Height = 844 };

    static readonly KeyValuePair<string, string>[] Quick =
        [.. PacedService.QuickRetry, new("Status:SampleInterval", "00:00:01"), new("Status:UpdateInterval", "00:00:00.3")];

    [Fact]
    public async Task Figures_change_without_a_reload_as_generations_come_and_go()
    {
        await using var host = await ServiceHost.StartAsync(postgres, [.. Quick, new("Models:Offline:TokensPerSecond", "60")]);
        await using var watched = await browser.OpenAsync(host.Address);
        var page = watched.Page;
        await page.GotoAsync("/dashboard");
        await Expect(page.GetByTestId("connection")).ToHaveTextAsync("live");
        await Expect(page.GetByTestId("figure-active-streams")).ToHaveTextAsync("0");
        await Expect(page.GetByTestId("health")).ToHaveTextAsync("healthy");
        // Its own stream.
        await Expect(page.GetByTestId("figure-connections")).ToHaveTextAsync("1");
        await Expect(page.GetByTestId("runs-note")).ToHaveTextAsync("Nothing has run yet.");
        await page.EvaluateAsync("window.loadedOnce = true");

        var ids = new List<string>();
        for (var i = 0; i < 4; i++)
            ids.Add((await host.Client.IdeateAsync($"Storm {i}", ideaCount: 3)).Id());
        await Expect(page.GetByTestId("figure-active-streams")).ToHaveTextAsync("4");
        await Expect(page.GetByTestId("run")).ToHaveCountAsync(4);
        await Expect(page.GetByTestId("figure-queue-utilization")).ToHaveTextAsync("6.3 %");
        foreach (var id in ids)
            await host.Client.PostJsonAsync($"/api/ideations/{id}/cancel", null);

        await Expect(page.GetByTestId("figure-active-streams")).ToHaveTextAsync("0");
        await Expect(page.GetByTestId("run").Locator(".status[data-status=cancelled]")).ToHaveCountAsync(4);
        Assert.True(await page.EvaluateAsync<bool>("window.loadedOnce"));
        watched.AssertNoErrors();
    }

    [Fact]
    public async Task Charts_draw_the_history_with_a_gap_where_there_is_one_and_say_it_in_words()
    {
        await using var host = await ServiceHost.StartAsync(postgres, [.. PacedService.QuickRetry, new("Status:UpdateInterval", "00:00:00.5")]);
        await using (var connection = new NpgsqlConnection(host.ConnectionString))
            // An hour of an instance, but for ten minutes of it.
            await connection.ExecuteAsync("""
                insert into status_samples (taken_at, instance, role, open_streams, readers, slow_readers, runs, places, queue_utilization, append_queue, messages_per_second, delivery_p50_ms,
                                            delivery_p99_ms, working_set_bytes, heap_bytes, memory_load, gc_pause_share, cpu_share, threads, active_streams, active_uploads, queued)
                select date_bin('30 s', now(), 'epoch') - n * interval '30 s', 'gone', 'all', 40, 40, 0, 1, 69, 0.5, 0, 0, 4, 20, 2e8, 1e8, 0.1, 0, 0, 10, n % 20, 1, 0
                from generate_series(1, 118) as n where n not between 40 and 60
                """);
        await using var watched = await browser.OpenAsync(host.Address);
        await watched.Page.GotoAsync("/dashboard");

        var lines = watched.Page.GetByTestId("chart-connections").Locator("path.series-0");
        await Expect(lines).ToHaveCountAsync(2);
        await Expect(watched.Page.GetByTestId("chart-work")).ToHaveAttributeAsync("aria-label", new System.Text.RegularExpressions.Regex(@"^Under way, number, last hour\. streams: now \d+, highest 19 at \d\d:\d\d\. uploads: now \d, highest 1 at"));
        await Expect(watched.Page.GetByTestId("chart-duration")).ToHaveAttributeAsync("aria-label", new System.Text.RegularExpressions.Regex("average: no values"));
        // Under the pointer is what was then.
        var box = (await watched.Page.GetByTestId("chart-connections").BoundingBoxAsync())!;
        await watched.Page.GetByTestId("chart-connections").HoverAsync(new() { Position = new() { X = box.Width * 0.6f, Y = 80 } });
        await Expect(watched.Page.GetByTestId("chart-connections-0")).ToHaveTextAsync("40");
        watched.AssertNoErrors();
    }

    [Fact]
    public async Task Dashboard_goes_on_after_a_cut_and_has_the_points_in_between()
    {
        await using var host = await ServiceHost.StartAsync(postgres, Quick);
        await using var proxy = new CuttableProxy(host.Address);
        await using var watched = await browser.OpenAsync(proxy.Address);
        var page = watched.Page;
        await page.GotoAsync("/dashboard");
        await Expect(page.GetByTestId("connection")).ToHaveTextAsync("live");
        var resumed = page.WaitForRequestAsync(request => request.Url.Contains("/api/v1/status/stream", StringComparison.Ordinal));
        proxy.Down();
        await Expect(page.GetByTestId("connection")).ToHaveTextAsync("connecting again");
        var relay = (await host.Client.RelayAsync()).Id();
        proxy.Up();

        await resumed;
        await Expect(page.GetByTestId("connection")).ToHaveTextAsync("live");
        await Expect(page.GetByTestId("figure-active-streams")).ToHaveTextAsync("1");
        await host.Client.PostJsonAsync($"/api/relays/{relay}/end", null);
        await Expect(page.GetByTestId("figure-active-streams")).ToHaveTextAsync("0");
        watched.AssertOnlyErrors(Expected);
    }

    [Fact]
    public async Task Runs_are_read_page_by_page_to_a_thousand_and_lead_to_their_sessions()
    {
        await using var host = await ServiceHost.StartAsync(postgres, Quick);
        var id = (await host.Client.IdeateAsync("A storm in a jar", ideaCount: 1)).Id();
        await host.Client.EndedAsync($"/api/ideations/{id}");
        await using (var connection = new NpgsqlConnection(host.ConnectionString))
            // Older ones, by their ids.
            await connection.ExecuteAsync("""
                insert into sessions (id, kind, user_id, input) select ('01000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, 'ideation', 'local', '{}' from generate_series(1, 1100) as n;
                insert into transforms (id, session_id, ordinal, kind, status, created_at, started_at, ended_at)
                select ('01000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, ('01000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, 1, 'ideation', 'completed',
                       now() - interval '1 day', now() - interval '1 day', now() - interval '1 day' + interval '5 s'
                from generate_series(1, 1100) as n
                """);
        await using var watched = await browser.OpenAsync(host.Address, Phone);
        var page = watched.Page;
        await page.GotoAsync("/dashboard");
        var (runs, more) = (page.GetByTestId("run"), page.GetByTestId("more-runs"));
        await Expect(runs).ToHaveCountAsync(50);
        for (var count = 150; count <= 1000; count = Math.Min(1000, count + 100))
        {
            await more.ClickAsync();
            await Expect(runs).ToHaveCountAsync(count);
            if (count == 1000)
                break;
        }

        await Expect(more).ToBeHiddenAsync();
        await AssertFitsAsync(page);
        Assert.Equal(1000, await runs.EvaluateAllAsync<int>("rows => new Set(rows.map(row => row.dataset.id)).size"));
        await runs.First.GetByRole(AriaRole.Link).ClickAsync();
        await Expect(page).ToHaveURLAsync(new Uri(host.Address, $"/#/ideations/{id}").ToString());
        await Expect(page.GetByText("A storm in a jar")).ToBeVisibleAsync();
        watched.AssertNoErrors();
    }

    [Fact]
    public async Task Dashboard_asks_for_a_token_and_says_when_it_lacks_the_role()
    {
        var jwt = new JwtSettings();
        await using var host = await ServiceHost.StartAsync(postgres, [.. jwt.Settings, .. Quick]);
        await using (var watched = await browser.OpenAsync(host.Address))
        {
            await watched.Page.GotoAsync("/dashboard");
            await new SessionView(watched.Page).SignInAsync(jwt.Token("ada"), "ada");
            await Expect(watched.Page.GetByText("This is for those who run the service.")).ToBeVisibleAsync();
            await Expect(watched.Page.GetByTestId("figure-active-streams")).ToBeHiddenAsync();
            watched.AssertOnlyErrors(Expected);
        }

        await using var proxy = new CuttableProxy(host.Address);
        await using (var watched = await browser.OpenAsync(proxy.Address))
        {
            var page = watched.Page;
            await page.GotoAsync("/dashboard");
            await new SessionView(page).SignInAsync(jwt.Token("root", claims: new { role = "admin" }), "root");
            await Expect(page.GetByTestId("connection")).ToHaveTextAsync("live");
            await Expect(page.GetByTestId("figure-connections")).ToHaveTextAsync("1");
            // The ticket resumes.
            proxy.Cut();
            await Expect(page.GetByTestId("figure-connections")).ToHaveTextAsync("1");
            await Expect(page.GetByTestId("connection")).ToHaveTextAsync("live");
            using var ada = jwt.ClientOf(host.Address, "ada");
            var relay = (await ada.RelayAsync()).Id();
            await Expect(page.GetByTestId("figure-active-streams")).ToHaveTextAsync("1");
            // Another user's run leads nowhere.
            await Expect(page.GetByTestId("run")).ToHaveCountAsync(1);
            await Expect(page.GetByTestId("run").GetByRole(AriaRole.Link)).ToHaveCountAsync(0);
            await ada.PostJsonAsync($"/api/relays/{relay}/end", null);
            watched.AssertOnlyErrors(Expected);
        }
    }

    [Fact]
    public async Task Dashboard_fits_a_phone_under_load()
    {
        await using var host = await ServiceHost.StartAsync(postgres, [.. Quick, new("Models:Offline:TokensPerSecond", "120")]);
        await using var watched = await browser.OpenAsync(host.Address, Phone);
        await watched.Page.GotoAsync("/dashboard");
        for (var i = 0; i < 6; i++)
            await host.Client.IdeateAsync($"Storm {i}");
        await Expect(watched.Page.GetByTestId("run")).ToHaveCountAsync(6);
        await AssertFitsAsync(watched.Page);
        watched.AssertNoErrors();
    }

    static async Task AssertFitsAsync(IPage page) =>
        Assert.InRange(await page.EvaluateAsync<int>("() => document.documentElement.scrollWidth - innerWidth"), int.MinValue, 0);
}
