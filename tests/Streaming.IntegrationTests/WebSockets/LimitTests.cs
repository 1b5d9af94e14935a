using System.Diagnostics;
using System.Net;
using System.Net.WebSockets;
using System.Text;
using Streaming.Http.Limits;
using Streaming.IntegrationTests.Fixtures;
using Streaming.IntegrationTests.Telemetry;
using Streaming.WebSockets;
using Xunit;

namespace Streaming.IntegrationTests.WebSockets;

/// <summary>Each limit of a connection, at its edge and beyond.</summary>
public sealed class LimitTests(PostgresServer postgres)
{
    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Message_of_1_MiB_is_read_and_one_byte_more_is_closed_with_1009_however_it_is_cut()
    {
        const int BytesMax = 1024 * 1024;
        await using var host = await ServiceHost.StartAsync(postgres);
        await using var reader = await WebSocketReader.OpenAsync(host.Address);
        await reader.SendTextAsync(Ping(BytesMax));
        Assert.Equal("pong", (await reader.AnswerAsync("p")).Type());
        await SendInPiecesAsync(reader, Ping(BytesMax), 16 * 1024);
        Assert.Equal("pong", (await reader.AnswerAsync("p")).Type());

        await reader.SendTextAsync(Ping(BytesMax + 1));
        Assert.Equal((1009, "message_too_large"), await reader.UntilClosedAsync());
        await using var other = await WebSocketReader.OpenAsync(host.Address);
        await SendInPiecesAsync(other, Ping(BytesMax + 1), 16 * 1024);
        Assert.Equal((1009, "message_too_large"), await other.UntilClosedAsync());

        static string Ping(int bytes) => $$"""{"type":"ping","id":"p","fill":"{{new string('x', bytes - 34)}}"}""";
    }

    [Fact]
    public async Task Message_is_as_deep_as_the_limit_at_most()
    {
        await using var host = await ServiceHost.StartAsync(postgres, [new("Limits:JsonDepthMax", "8")]);
        await using var reader = await WebSocketReader.OpenAsync(host.Address);
        await reader.SendTextAsync($$"""{"type":"ping","id":"p","payload":{{Nested(7)}}}""");
        Assert.Equal("pong", (await reader.ReceiveAsync())!.Value.Type());
        foreach (var depth in (int[])[8, 100_000])
        {
            await reader.SendTextAsync($$"""{"type":"ping","id":"p","payload":{{Nested(depth)}}}""");
            Assert.Equal("malformed_json", (await reader.ReceiveAsync())!.Value.Code());
        }

        static string Nested(int levels) => new string('[', levels) + new string(']', levels);
    }

    [Fact]
    public async Task One_message_more_than_the_burst_is_closed()
    {
        await using var host = await ServiceHost.StartAsync(postgres, [new("WebSockets:MessageBurst", "5"), new("WebSockets:MessagesPerSecond", "0.001")]);
        await using var reader = await WebSocketReader.OpenAsync(host.Address);
        for (var i = 0; i < 5; i++)
        {
            await reader.SendAsync(new { type = "ping", id = $"{i}" });
            Assert.Equal("pong", (await reader.AnswerAsync($"{i}")).Type());
        }

        await reader.SendAsync(new { type = "ping" });
        Assert.Equal((4006, "too_many_messages"), await reader.UntilClosedAsync());
    }

    [Fact]
    public async Task One_channel_more_than_the_limit_is_refused_and_those_that_are_there_stay()
    {
        await using var host = await ServiceHost.StartAsync(postgres, [new("WebSockets:ChannelsMax", "2")]);
        await using var reader = await WebSocketReader.OpenAsync(host.Address);
        await reader.SubscribeAsync("user:local:streams", "system:status");
        await reader.SendAsync(new { type = "subscribe", id = "more", payload = new { channels = new[] { "user:local:uploads" } } });
        Assert.Equal("too_many_channels", (await reader.AnswerAsync("more")).Code());
        Assert.Equal((1, 0, 1), Channels(host));
        await reader.SendAsync(new { type = "unsubscribe", id = "less", payload = new { channels = new[] { "system:status" } } });
        await reader.AnswerAsync("less");
        await reader.SubscribeAsync("user:local:uploads");
        Assert.Equal((1, 1, 0), Channels(host));

        static (int, int, int) Channels(ServiceHost host) => host.Service<OpenConnections>().Counts.Channels is var channels
            ? (channels[ChannelKind.Streams], channels[ChannelKind.Uploads], channels[ChannelKind.Status]) : default;
    }

    [Fact]
    public async Task Connections_take_places_of_the_streams_and_one_too_many_is_closed_with_the_reason()
    {
        var jwt = new JwtSettings();
        await using var host = await ServiceHost.StartAsync(postgres, [.. jwt.Settings, new("Limits:StreamsPerUserMax", "1"), new("Limits:StreamsMax", "2")]);
        await using var ada = await WebSocketReader.OpenAsync(host.Address, token: jwt.Token("ada"));
        await using var second = await WebSocketReader.ConnectAsync(host.Address, token: jwt.Token("ada"));
        Assert.Equal((4005, "too_many_streams"), await second.UntilClosedAsync());
        // The same for one that says later who it is.
        await Eventually.TrueAsync(() => Task.FromResult(host.Service<OpenStreams>().Count == 1), "its place is free");
        await using var late = await WebSocketReader.ConnectAsync(host.Address);
        await late.SendAsync(new { type = "authenticate", payload = new { token = jwt.Token("ada") } });
        Assert.Equal((4005, "too_many_streams"), await late.UntilClosedAsync());

        await Eventually.TrueAsync(() => Task.FromResult(host.Service<OpenStreams>().Count == 1), "its place is free");
        await using var eve = await WebSocketReader.OpenAsync(host.Address, token: jwt.Token("eve"));
        await using var third = await WebSocketReader.ConnectAsync(host.Address, token: jwt.Token("tom"));
        Assert.Equal((1013, "server_full"), await third.UntilClosedAsync());
        await ada.Socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, Cancellation);
        await Eventually.TrueAsync(() => Task.FromResult(host.Service<OpenStreams>().Count == 1), "its place is free");
        await using var again = await WebSocketReader.OpenAsync(host.Address, token: jwt.Token("ada"));
    }

    [Fact]
    public async Task User_who_connects_too_often_is_closed_with_the_reason()
    {
        var jwt = new JwtSettings();
        await using var host = await ServiceHost.StartAsync(postgres, [.. jwt.Settings, new("Limits:RequestsPerSecond", "0.001"), new("Limits:RequestBurst", "1")]);
        await using var first = await WebSocketReader.OpenAsync(host.Address, token: jwt.Token("ada"));
        await using var second = await WebSocketReader.ConnectAsync(host.Address, token: jwt.Token("ada"));
        Assert.Equal((1013, "too_many_requests"), await second.UntilClosedAsync());
    }

    [Fact]
    public async Task Connection_without_a_channel_that_says_nothing_is_closed_and_one_with_a_channel_is_not()
    {
        await using var host = await ServiceHost.StartAsync(postgres, [new("WebSockets:IdleTimeout", "00:00:01")]);
        await using var listening = await WebSocketReader.OpenAsync(host.Address);
        await listening.SubscribeAsync("user:local:streams");
        await using var idle = await WebSocketReader.OpenAsync(host.Address);
        Assert.Equal((4007, "idle"), await idle.UntilClosedAsync());
        await listening.SendAsync(new { type = "ping", id = "p" });
        Assert.Equal("pong", (await listening.AnswerAsync("p")).Type());
    }

    [Fact]
    public async Task Peer_that_answers_no_ping_is_given_up()
    {
        await using var host = await ServiceHost.StartAsync(postgres, [new("WebSockets:PingInterval", "00:00:00.2"), new("WebSockets:PongTimeout", "00:00:00.5")]);
        using var measured = new Measurements(host);
        await using var proxy = new CuttableProxy(host.Address);
        await using var reader = await WebSocketReader.OpenAsync(proxy.Address);
        await reader.SubscribeAsync("user:local:streams");
        proxy.Blackhole();
        await Eventually.TrueAsync(() => Task.FromResult(host.Service<OpenConnections>().Count == 0), "it is given up");
        Assert.Equal(1, measured["streaming.websocket.closes", "streaming.websocket.close.reason=lost"].Sum());
    }

    [Fact]
    public async Task Reader_that_is_slow_and_then_reads_is_told_that_it_was_and_goes_on_from_its_cursor()
    {
        await using var host = await ServiceHost.StartAsync(postgres, [
            new("WebSockets:SlowTimeout", "00:00:01"), new("WebSockets:CloseTimeout", "00:00:20"), new("Messages:DataBytesMax", "300000")]);
        var relay = (await host.Client.RelayAsync()).Id();
        await using var reader = await WebSocketReader.OpenAsync(host.Address);
        await reader.SubscribeAsync($"session:{relay}");
        // More than sockets and pipes hold.
        var text = new string('x', 200_000);
        for (var i = 0; i < 100; i++)
            await host.Client.PostJsonAsync($"/api/relays/{relay}/messages", new { type = "chunk", text = $"{i}:{text}" }, HttpStatusCode.OK);
        var connection = host.Service<OpenConnections>().All.Single();
        await Eventually.TrueAsync(() => Task.FromResult(connection.IsSlow), "it was too slow");
        var last = "";
        while (await reader.ReceiveAsync() is { } message)
            last = message.TryGetProperty("eventId", out var id) ? id.GetString()! : last;
        Assert.Equal((4008, "slow"), reader.Closed);

        await using var again = await WebSocketReader.OpenAsync(host.Address);
        await again.SubscribeAsync(new { channel = $"session:{relay}", cursor = last });
        var next = await again.UntilAsync("stream_update");
        Assert.Equal(int.Parse(last[2..], System.Globalization.CultureInfo.InvariantCulture) + 1, next.GetProperty("payload").TryGetProperty("first", out var first) ? first.GetInt32() : next.GetProperty("payload").GetProperty("index").GetInt32());
    }

    [Fact]
    public async Task Compression_is_agreed_on_only_where_it_is_asked_for()
    {
        foreach (var (setting, isOn) in ((string, bool)[])[("false", false), ("true", true)])
        {
            await using var host = await ServiceHost.StartAsync(postgres, [new("WebSockets:Compression", setting)]);
            await using var reader = await WebSocketReader.ConnectAsync(host.Address, options: options =>
            {
                options.DangerousDeflateOptions = new WebSocketDeflateOptions();
                options.CollectHttpResponseDetails = true;
            });
            await reader.UntilAsync("authenticated");
            Assert.Equal(isOn, reader.Socket.HttpResponseHeaders!.ContainsKey("Sec-WebSocket-Extensions"));
        }
    }

    [Fact]
    public async Task Connections_are_told_of_a_restart_at_moments_of_their_own_and_the_stop_takes_no_longer()
    {
        const int Connections = 200;
        var drainTime = TimeSpan.FromSeconds(2);
        await using var host = await ServiceHost.StartAsync(postgres, [new("Subscriptions:DrainTime", $"{drainTime}")]);
        var readers = await Task.WhenAll(Enumerable.Range(0, Connections).Select(_ => WebSocketReader.OpenAsync(host.Address)));
        // One that does not answer the close.
        await using var silent = await WebSocketReader.OpenAsync(host.Address);
        await Task.WhenAll(readers.Select(reader => reader.SubscribeAsync("user:local:streams")));

        var stopped = Stopwatch.GetTimestamp();
        var stopping = host.StopAsync();
        var moments = (await Task.WhenAll(readers.Select(async reader =>
        {
            Assert.Equal((1012, "service_restart"), await reader.UntilClosedAsync());
            return Stopwatch.GetElapsedTime(stopped).TotalSeconds;
        }))).Order().ToArray();
        await stopping;
        var took = Stopwatch.GetElapsedTime(stopped);
        TestContext.Current.SendDiagnosticMessage($"half of {Connections} after {moments[Connections / 2]:N2} s, the last after {moments[^1]:N2} s, stopped after {took.TotalSeconds:N2} s");

        Assert.True(moments[Connections / 10] < drainTime.TotalSeconds / 2, $"{moments[Connections / 10]}");
        Assert.True(moments[^(Connections / 10)] > drainTime.TotalSeconds / 2, $"{moments[^(Connections / 10)]}");
        // The close of a silent one is waited for, for two seconds.
        Assert.True(took < TimeSpan.FromSeconds(10), $"{took}");
        foreach (var reader in readers)
            await reader.DisposeAsync();
    }

    [Fact]
    public async Task What_connections_do_is_measured()
    {
        await using var host = await ServiceHost.StartAsync(postgres);
        using var measured = new Measurements(host);
        await using (var reader = await WebSocketReader.OpenAsync(host.Address))
        {
            var relay = (await host.Client.RelayAsync()).Id();
            await reader.SubscribeAsync($"session:{relay}");
            await reader.UntilAsync("stream_update");
            Assert.Equal([1], measured["streaming.websocket.connections.open"]);
            await reader.Socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, Cancellation);
        }

        await Eventually.TrueAsync(() => Task.FromResult(measured["streaming.websocket.connections.open"] is [0]), "nothing is open");
        Assert.Equal(1, measured["streaming.websocket.closes", "streaming.websocket.close.reason=closed"].Sum());
        Assert.Equal(1, measured["streaming.websocket.messages.received"].Sum());
        Assert.Equal(1, measured["streaming.websocket.messages.sent", "streaming.websocket.message.type=stream_update"].Sum());
        Assert.Equal(3, measured["streaming.websocket.messages.sent"].Sum());
        Assert.Equal(1, measured["streaming.messages.delivered"].Sum());
    }

    static async Task SendInPiecesAsync(WebSocketReader reader, string text, int pieceBytes)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        for (var sent = 0; sent < bytes.Length; sent += pieceBytes)
            await reader.SendAsync(bytes[sent..Math.Min(bytes.Length, sent + pieceBytes)], WebSocketMessageType.Text, sent + pieceBytes >= bytes.Length);
    }
}
