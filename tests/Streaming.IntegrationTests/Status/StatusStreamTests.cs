using System.Text;
using Streaming.IntegrationTests.Fixtures;
using Xunit;

namespace Streaming.IntegrationTests.Status;

/// <summary>The stream of the status keeps the rules of all streams, and goes on where it was left.</summary>
public sealed class StatusStreamTests(PostgresServer postgres)
{
    static readonly KeyValuePair<string, string>[] Quick = [new("Status:SampleInterval", "00:00:01"), new("Status:UpdateInterval", "00:00:00.2")];

    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Stream_begins_with_retry_then_the_history_then_figures_each_an_unnamed_event_of_one_line()
    {
        await using var host = await ServiceHost.StartAsync(postgres, Quick);
        using var response = await host.Client.OpenStreamAsync("/api/v1/status/stream", cancellation: Cancellation);
        Assert.Equal("text/event-stream", response.Content.Headers.ContentType!.MediaType);
        Assert.Equal("no-store, no-transform", response.Headers.GetValues("Cache-Control").Single());
        Assert.Equal("no", response.Headers.GetValues("X-Accel-Buffering").Single());
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(Cancellation), Encoding.UTF8);
        var lines = new List<string>();
        while (lines.Count(line => line.Contains("\"figures\"", StringComparison.Ordinal)) < 3)
            lines.Add((await reader.ReadLineAsync(Cancellation))!);

        Assert.Matches(@"^retry: \d+$", lines[0]);
        Assert.Equal("", lines[1]);
        Assert.StartsWith("data: {\"type\":\"history\",\"timestamp\":", lines[2], StringComparison.Ordinal);
        Assert.Matches(@"^id: \d{13}$", lines[3]);
        Assert.Equal("", lines[4]);
        Assert.StartsWith("data: {\"type\":\"figures\",\"timestamp\":", lines[5], StringComparison.Ordinal);
        // Nowhere to go on from.
        Assert.Equal("", lines[6]);
        Assert.All(lines, line => Assert.True(line.Length == 0 || line.StartsWith("data: {", StringComparison.Ordinal) || line.StartsWith("id: ", StringComparison.Ordinal) || line == lines[0], line));
    }

    [Fact]
    public async Task Figures_on_the_stream_follow_what_happens()
    {
        await using var host = await ServiceHost.StartAsync(postgres, Quick);
        var relay = "";
        await foreach (var item in host.Client.StreamAsync("/api/v1/status/stream", cancellation: Cancellation))
        {
            if (item.Type != "figures")
                continue;
            var now = item.Data.GetProperty("now");
            // This stream is the one that is open.
            Assert.True(now.Int("open_streams") is 0 or 1);
            if (relay.Length == 0)
            {
                Assert.Equal(0, now.Int("active_streams"));
                relay = (await host.Client.RelayAsync()).Id();
            }
            else if (now.Int("active_streams") == 1)
                break;
        }

        await host.Client.PostJsonAsync($"/api/relays/{relay}/end", null);
    }

    [Fact]
    public async Task Reader_that_was_away_gets_the_points_in_between_and_none_twice()
    {
        await using var host = await ServiceHost.StartAsync(postgres, Quick);
        var (points, cursor) = await ReadAsync(null, until: 2);
        for (var connection = 0; connection < 3; connection++)
        {
            var (more, next) = await ReadAsync(cursor, until: 2);
            points.AddRange(more);
            cursor = next;
        }

        Assert.Equal(points.Distinct().Order(), points);
        // At most one is late on a loaded machine: none was left out that the table has.
        var all = (await host.Client.StateAsync("/api/v1/status/dashboard")).GetProperty("history").GetProperty("points").EnumerateArray()
            .Select(point => point.GetProperty("at").GetDateTime()).Where(at => at <= points[^1]).ToList();
        Assert.Equal(all, points);

        async Task<(List<DateTime> Points, string? Cursor)> ReadAsync(string? after, int until)
        {
            var found = new List<DateTime>();
            string? last = null;
            await foreach (var item in host.Client.StreamAsync("/api/v1/status/stream", after, Cancellation))
            {
                if (item.Type == "history")
                {
                    Assert.Equal(after is null && last is null, item.Data.GetProperty("reset").GetBoolean());
                    found.AddRange(item.Data.GetProperty("history").GetProperty("points").EnumerateArray().Select(point => point.GetProperty("at").GetDateTime()));
                    last = item.Id;
                }

                if (found.Count >= until)
                    break;
            }

            return (found, last);
        }
    }

    [Fact]
    public async Task Cursor_of_another_time_begins_the_history_anew()
    {
        await using var host = await ServiceHost.StartAsync(postgres, Quick);
        var future = TimeProvider.System.GetUtcNow().AddDays(2).ToUnixTimeMilliseconds().ToString(System.Globalization.CultureInfo.InvariantCulture);
        await using var events = host.Client.StreamAsync("/api/v1/status/stream", future, Cancellation).GetAsyncEnumerator(Cancellation);
        Assert.True(await events.MoveNextAsync());
        Assert.True(events.Current.Data.GetProperty("reset").GetBoolean());
    }

    [Fact]
    public async Task Stream_counts_against_the_limit_and_one_more_is_sent_away()
    {
        await using var host = await ServiceHost.StartAsync(postgres, [.. Quick, new("Limits:StreamsMax", "1")]);
        using var open = await host.Client.OpenStreamAsync("/api/v1/status/stream", cancellation: Cancellation);
        var one = new List<StreamEvent>();
        await Assert.ThrowsAnyAsync<Exception>(async () =>
        {
            await foreach (var item in host.Client.StreamAsync("/api/v1/status/stream", cancellation: Cancellation))
                one.Add(item);
        });
        Assert.Equal(("status", "server_full"), (Assert.Single(one).Type, one[0].Data.GetProperty("code").GetString()));
    }

    [Fact]
    public async Task Service_that_stops_tells_its_dashboards_to_come_again()
    {
        var host = await ServiceHost.StartAsync(postgres, [.. Quick, new("Subscriptions:DrainTime", "00:00:01")]);
        var reconnects = 0;
        Task? stopping = null;
        try
        {
            await foreach (var item in host.Client.StreamAsync("/api/v1/status/stream", cancellation: Cancellation))
            {
                stopping ??= host.StopAsync();
                if (item.Type == "status" && item.Data.GetProperty("reconnect").GetBoolean())
                    reconnects++;
            }
        }
        catch (Exception fault) when (fault is HttpRequestException or IOException or HttpIOException)
        {
            // Cut, so that nobody takes it for the end.
        }

        Assert.Equal(1, reconnects);
        await stopping!;
        await host.DisposeAsync();
    }
}
