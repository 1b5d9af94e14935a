using System.Net;
using System.Net.Sockets;
using System.Text;
using Streaming.Http.Limits;
using Streaming.IntegrationTests.Fixtures;
using Xunit;

namespace Streaming.IntegrationTests.Http.Limits;

/// <summary>Streams and waiting reads are bounded; whoever is one too many comes again later, and no place is ever lost.</summary>
public sealed class StreamLimitTests(PostgresServer postgres)
{
    readonly JwtSettings _jwt = new();

    [Fact]
    public async Task One_stream_more_than_a_user_may_have_is_told_to_come_again()
    {
        await using var host = await ServiceHost.StartAsync(postgres, [.. _jwt.Settings, new("Limits:StreamsPerUserMax", "3")]);
        using var ada = _jwt.ClientOf(host.Address, "ada");
        using var eve = _jwt.ClientOf(host.Address, "eve");
        var path = $"/api/stream/relay/{(await ada.RelayAsync()).Id()}";
        var open = new List<HttpResponseMessage>();
        for (var i = 0; i < 3; i++)
            open.Add(await OpenedAsync(ada, path));

        await SentAwayAsync(ada, path, "too_many_streams");
        using (await OpenedAsync(eve, $"/api/stream/relay/{(await eve.RelayAsync()).Id()}"))
        {
            // Another user has places of his own.
        }

        open[0].Dispose();
        await Eventually.TrueAsync(async () => await StartsAsync(ada, path), "a stream that was closed leaves its place");
        open.ForEach(response => response.Dispose());
    }

    [Fact]
    public async Task One_stream_more_than_the_process_may_hold_is_told_to_come_again()
    {
        await using var host = await ServiceHost.StartAsync(postgres, [new("Limits:StreamsMax", "3")]);
        var path = $"/api/stream/relay/{(await host.Client.RelayAsync()).Id()}";
        var open = new List<HttpResponseMessage>();
        for (var i = 0; i < 3; i++)
            open.Add(await OpenedAsync(host.Client, path));
        Assert.Equal(3, host.Service<OpenStreams>().Count);

        await SentAwayAsync(host.Client, path, "server_full");
        Assert.Equal(3, host.Service<OpenStreams>().Count);
        // Everything else is answered as ever.
        Assert.Equal(HttpStatusCode.OK, (await host.Client.GetAsync("/api/relays")).StatusCode);
        open.ForEach(response => response.Dispose());
        await Eventually.TrueAsync(async () => await StartsAsync(host.Client, path), "streams that were closed leave their places");
    }

    [Fact]
    public async Task Ticket_of_a_stream_that_found_the_process_full_can_still_be_used()
    {
        await using var host = await ServiceHost.StartAsync(postgres, [.. _jwt.Settings, new("Limits:StreamsMax", "1")]);
        using var ada = _jwt.ClientOf(host.Address, "ada");
        var relay = (await ada.RelayAsync()).Id();
        var ticket = (await ada.PostJsonAsync("/api/stream-tickets", new { kind = "relay", id = relay }, HttpStatusCode.Created)).GetProperty("ticket").GetString();
        var path = $"/api/stream/relay/{relay}?ticket={ticket}";
        using (await OpenedAsync(ada, $"/api/stream/relay/{relay}"))
            await SentAwayAsync(host.Client, path, "server_full");
        await Eventually.TrueAsync(() => Task.FromResult(host.Service<OpenStreams>().Count == 0), "the place is free");
        using (await OpenedAsync(host.Client, path))
        {
        }
    }

    [Fact]
    public async Task Readers_that_vanish_leave_no_place_taken()
    {
        const int Max = 200;
        await using var host = await ServiceHost.StartAsync(postgres,
            [.. _jwt.Settings, new("Limits:StreamsMax", $"{Max}"), new("Limits:StreamsPerUserMax", $"{Max}"), new("Limits:RequestsPerSecond", "0")]);
        using var ada = _jwt.ClientOf(host.Address, "ada");
        var places = host.Service<OpenStreams>();
        var relay = (await ada.RelayAsync()).Id();
        var ended = (await ada.RelayAsync()).Id();
        await ada.PostJsonAsync($"/api/relays/{ended}/end", null);

        for (var round = 0; round < 3; round++)
        {
            // By FIN, by RST, and before a single byte was read.
            var sockets = await Task.WhenAll(Enumerable.Range(0, Max).Select(async i =>
            {
                var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
                await socket.ConnectAsync(host.Address.Host, host.Address.Port);
                await socket.SendAsync(Encoding.ASCII.GetBytes(
                    $"GET /api/stream/relay/{relay} HTTP/1.1\r\nHost: {host.Address.Authority}\r\nAuthorization: Bearer {_jwt.Token("ada")}\r\n\r\n"));
                if (i % 3 != 0)
                    await socket.ReceiveAsync(new byte[16]);
                return socket;
            }));
            await Eventually.TrueAsync(() => Task.FromResult(places.Count == Max), $"all places are taken ({places.Count})");
            for (var i = 0; i < Max; i++)
            {
                if (i % 2 == 0)
                    sockets[i].LingerState = new LingerOption(true, 0);
                sockets[i].Close();
            }

            await Eventually.TrueAsync(() => Task.FromResult(places.Count == 0), $"those of readers that vanished are free ({places.Count})");

            // What is refused, and what ends, gives its place back as well. (While none is free, these are told to come again.)
            foreach (var path in (string[])[$"/api/stream/relay/{Guid.NewGuid()}", "/api/stream/relay/17", $"/api/stream/relay/{ended}"])
                using (await ada.GetAsync(path))
                {
                }

            await Eventually.TrueAsync(() => Task.FromResult(places.Count == 0), $"all places are free ({places.Count})");
        }

        // The user's own count is back as well: exactly so many get in.
        var open = new List<HttpResponseMessage>();
        for (var i = 0; i < Max; i++)
            open.Add(await OpenedAsync(ada, $"/api/stream/relay/{relay}"));
        open.ForEach(response => response.Dispose());
    }

    [Fact]
    public async Task Waiting_reads_take_places_and_one_too_many_is_answered_at_once()
    {
        await using var host = await ServiceHost.StartAsync(postgres, [new("Limits:StreamsPerUserMax", "2")]);
        var relay = await host.Client.RelayAsync();
        var path = $"/api/relays/{relay.Id()}?after={relay.GetProperty("lastEventId").GetString()}";
        using var gone = new CancellationTokenSource();
        var held = Enumerable.Range(0, 2).Select(_ => WaitingAsync(gone.Token)).ToList();
        await Eventually.TrueAsync(() => Task.FromResult(host.Service<OpenStreams>().Count == 2), "both wait");

        using var third = await WaitingAsync(CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(10));
        Assert.Equal(HttpStatusCode.OK, third.StatusCode);
        Assert.False(third.Headers.Contains("Preference-Applied"));
        Assert.DoesNotContain(held, read => read.IsCompleted);
        await SentAwayAsync(host.Client, $"/api/stream/relay/{relay.Id()}", "too_many_streams");

        await gone.CancelAsync();
        await Eventually.TrueAsync(() => Task.FromResult(host.Service<OpenStreams>().Count == 0), "their places are free");
        foreach (var read in held)
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => read);

        Task<HttpResponseMessage> WaitingAsync(CancellationToken cancellation)
        {
            var request = new HttpRequestMessage(HttpMethod.Get, path);
            request.Headers.Add("Prefer", "wait=30");
            return host.Client.SendAsync(request, cancellation);
        }
    }

    /// <summary>A stream that has sent its first message, still open.</summary>
    static async Task<HttpResponseMessage> OpenedAsync(HttpClient client, string path)
    {
        var response = await client.OpenStreamAsync(path);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Contains("\"start\"", await BeginningAsync(response), StringComparison.Ordinal);
        return response;
    }

    static async Task<bool> StartsAsync(HttpClient client, string path)
    {
        using var response = await client.OpenStreamAsync(path);
        return (await BeginningAsync(response)).Contains("\"start\"", StringComparison.Ordinal);
    }

    /// <summary>Up to the end of the first event.</summary>
    static async Task<string> BeginningAsync(HttpResponseMessage response)
    {
        var body = await response.Content.ReadAsStreamAsync();
        var text = new StringBuilder();
        var buffer = new byte[1024];
        while (!text.ToString().Contains("}\n", StringComparison.Ordinal) && await body.ReadAsync(buffer) is > 0 and var count)
            text.Append(Encoding.UTF8.GetString(buffer, 0, count));
        return text.ToString();
    }

    /// <summary>200, a longer <c>retry:</c>, why, and a cut: an EventSource comes again by itself.</summary>
    static async Task SentAwayAsync(HttpClient client, string path, string code)
    {
        using var response = await client.OpenStreamAsync(path);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("text/event-stream", response.Content.Headers.ContentType!.MediaType);
        var body = await response.Content.ReadAsStreamAsync();
        var text = new MemoryStream();
        await Assert.ThrowsAnyAsync<IOException>(() => body.CopyToAsync(text).WaitAsync(TimeSpan.FromSeconds(10)));
        Assert.Matches($$"""^retry: (5|6|7|8|9|1[0-5])\d{3}\n\ndata: \{"type":"status","reconnect":true,"code":"{{code}}","sessionId":"[^"]+","timestamp":\d+\}\n\n$""",
            Encoding.UTF8.GetString(text.ToArray()));
    }
}
