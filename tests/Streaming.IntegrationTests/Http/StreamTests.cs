using System.Net;
using System.Text;
using System.Text.RegularExpressions;
using Streaming.IntegrationTests.Fixtures;
using Xunit;

namespace Streaming.IntegrationTests.Http;

/// <summary>The SSE rules of docs/protocol.md, by the bytes on the wire.</summary>
public sealed partial class StreamTests(ServiceFixture service) : IClassFixture<ServiceFixture>
{
    HttpClient Client => service.Host.Client;

    [GeneratedRegex("\"timestamp\":\\d{13}")]
    private static partial Regex TimestampPattern();

    [Fact]
    public async Task Headers_and_retry_leave_before_any_message_and_the_bytes_are_exact()
    {
        var relay = await Client.RelayAsync();
        await Client.PostJsonAsync($"/api/relays/{relay.Id()}/messages", new { type = "chunk", text = "é\n\"🙂\"" }, HttpStatusCode.OK);
        await Client.PostJsonAsync($"/api/relays/{relay.Id()}/end", null);
        using var response = await Client.OpenStreamAsync($"/api/stream/relay/{relay.Id()}", "1-0");

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("text/event-stream", response.Content.Headers.ContentType!.ToString());
        Assert.Equal("no-store, no-transform", response.Headers.CacheControl!.ToString());
        Assert.Equal("no", Assert.Single(response.Headers.GetValues("X-Accel-Buffering")));
        Assert.Empty(response.Content.Headers.ContentEncoding);
        var text = await response.Content.ReadAsStringAsync();
        Assert.Matches("^retry: [123]\\d{3}\n\n", text);
        text = TimestampPattern().Replace(text[(text.IndexOf("\n\n", StringComparison.Ordinal) + 2)..], "\"timestamp\":T");
        Assert.Equal(
            $$"""
            data: {"type":"chunk","index":1,"sessionId":"{{relay.Id()}}","timestamp":T,"text":"é\n\"\uD83D\uDE42\""}
            id: 1-1

            data: {"type":"end","index":2,"sessionId":"{{relay.Id()}}","timestamp":T,"status":"completed"}
            id: 1-2


            """, text);
    }

    [Fact]
    public async Task Stream_of_a_silent_relay_has_its_headers_at_once()
    {
        var relay = await Client.RelayAsync();
        using var response = await Client.OpenStreamAsync($"/api/stream/relay/{relay.Id()}", "1-0").WaitAsync(TimeSpan.FromSeconds(5));
        await using var body = await response.Content.ReadAsStreamAsync();
        var line = new byte["retry: 1000\n\n".Length];
        await body.ReadExactlyAsync(line).AsTask().WaitAsync(TimeSpan.FromSeconds(5));
        Assert.StartsWith("retry: ", Encoding.UTF8.GetString(line), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("1")]
    [InlineData("x")]
    [InlineData("1-x")]
    [InlineData("1-2-3")]
    [InlineData("99999999999999999999-1")]
    public async Task Malformed_cursor_is_refused_wherever_it_stands(string cursor)
    {
        var relay = await Client.RelayAsync();
        using var byHeader = await Client.OpenStreamAsync($"/api/stream/relay/{relay.Id()}", cursor);
        using var byQuery = await Client.OpenStreamAsync($"/api/stream/relay/{relay.Id()}?lastEventId={cursor}");
        Assert.Equal((HttpStatusCode.BadRequest, HttpStatusCode.BadRequest), (byHeader.StatusCode, byQuery.StatusCode));
        Assert.Contains("invalid_cursor", await byHeader.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Header_wins_over_the_query()
    {
        var relay = await EndedRelayAsync("a", "b", "c");
        var events = await Client.ReadStreamAsync($"/api/stream/relay/{relay}?lastEventId=1-0", "1-2");
        Assert.Equal("c", events.TextOf());
        Assert.Equal("abc", (await Client.ReadStreamAsync($"/api/stream/relay/{relay}?lastEventId=1-0")).TextOf());
    }

    [Theory]
    [InlineData("1-999")]
    [InlineData("2-0")]
    [InlineData("7-3")]
    public async Task Cursor_that_is_none_of_the_streams_gets_a_reset_and_the_whole_stream(string cursor)
    {
        var relay = await EndedRelayAsync("a", "b");
        var events = await Client.ReadStreamAsync($"/api/stream/relay/{relay}", cursor);
        Assert.True(events[0].Data.GetProperty("reset").GetBoolean());
        Assert.Equal("status", events[0].Type);
        Assert.Equal("ab", events.TextOf());
        Assert.Equal("start", events[1].Type);
    }

    [Fact]
    public async Task Reconnect_at_the_end_gets_no_content()
    {
        var relay = await EndedRelayAsync("a");
        using var response = await Client.OpenStreamAsync($"/api/stream/relay/{relay}", "1-2");
        Assert.Equal(HttpStatusCode.NoContent, response.StatusCode);
    }

    [Theory]
    [InlineData("/api/stream/nonsense/0198c0de-0000-7000-8000-000000000001", HttpStatusCode.NotFound, "unknown_kind")]
    [InlineData("/api/stream/relay/0198c0de-0000-7000-8000-000000000001", HttpStatusCode.NotFound, "not_found")]
    [InlineData("/api/stream/relay/17", HttpStatusCode.BadRequest, "invalid_id")]
    public async Task What_is_not_there_is_a_problem_with_a_code(string path, HttpStatusCode status, string code)
    {
        using var response = await Client.OpenStreamAsync(path);
        Assert.Equal(status, response.StatusCode);
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType!.MediaType);
        Assert.Contains($"\"code\":\"{code}\"", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Session_of_another_kind_is_not_found()
    {
        var relay = await Client.RelayAsync();
        using var response = await Client.OpenStreamAsync($"/api/stream/ideation/{relay.Id()}");
        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
    }

    [Fact]
    public async Task Silence_is_broken_by_heartbeats_without_an_id()
    {
        await using var host = await ServiceHost.StartAsync(service.Postgres, [new("Subscriptions:HeartbeatInterval", "00:00:00.2")]);
        var relay = await host.Client.RelayAsync();
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        var heartbeats = 0;
        await foreach (var item in host.Client.StreamAsync($"/api/stream/relay/{relay.Id()}", "1-0", deadline.Token))
        {
            Assert.Equal(("heartbeat", null), (item.Type, item.Index));
            // The parser keeps the last id it has seen; none was sent.
            Assert.True(string.IsNullOrEmpty(item.Id));
            if (++heartbeats == 3)
                break;
        }

        Assert.Equal(3, heartbeats);
    }

    [Fact]
    public async Task Stopping_service_tells_its_readers_to_reconnect_and_cuts_the_body()
    {
        var host = await ServiceHost.StartAsync(service.Postgres);
        var relay = await host.Client.RelayAsync();
        using var response = await host.Client.OpenStreamAsync($"/api/stream/relay/{relay.Id()}");
        await using var body = await response.Content.ReadAsStreamAsync();
        var events = new List<StreamEvent>();
        var reading = Task.Run(async () =>
        {
            await foreach (var item in body.EventsAsync())
            {
                events.Add(item);
                if (item.Type == "start")
                    _ = host.DisposeAsync().AsTask();
            }
        });
        await Assert.ThrowsAnyAsync<IOException>(() => reading.WaitAsync(TimeSpan.FromSeconds(10)));
        Assert.True(events[^1].Data.GetProperty("reconnect").GetBoolean());
        Assert.DoesNotContain(events, e => e.Type == "end");
    }

    async Task<string> EndedRelayAsync(params string[] texts)
    {
        var relay = await Client.RelayAsync();
        await Client.PostJsonAsync($"/api/relays/{relay.Id()}/messages", texts.Select(text => new { type = "chunk", text }), HttpStatusCode.OK);
        await Client.PostJsonAsync($"/api/relays/{relay.Id()}/end", null);
        return relay.Id();
    }
}
