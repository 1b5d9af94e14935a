using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Streaming.Http.Limits;
using Streaming.IntegrationTests.Fixtures;
using Streaming.IntegrationTests.Telemetry;
using Streaming.WebSockets;
using Xunit;

namespace Streaming.IntegrationTests.WebSockets;

/// <summary>Weighs the heap of this process, so nothing else may run in it meanwhile.</summary>
[Collection(nameof(BacklogTests))]
[CollectionDefinition(nameof(BacklogTests), DisableParallelization = true)]
public sealed class BacklogTests(PostgresServer postgres)
{
    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Reader_that_takes_nothing_is_closed_and_the_backlog_is_not_kept_for_it()
    {
        const int Messages = 120;
        await using var host = await ServiceHost.StartAsync(postgres, [
            new("WebSockets:SlowTimeout", "00:00:02"), new("WebSockets:CloseTimeout", "00:00:01"), new("WebSockets:PingInterval", "00:10:00"), new("Messages:DataBytesMax", "300000"),
            new("Subscriptions:WindowMessagesMax", "8")]);
        using var measured = new Measurements(host);
        var relay = (await host.Client.RelayAsync()).Id();
        using var socket = await NarrowAsync(host.Address, relay);
        await Eventually.TrueAsync(() => Task.FromResult(host.Service<OpenConnections>().Counts.Channels[ChannelKind.Session] == 1), "it has subscribed");
        var text = new string('x', 200_000);
        // What the requests themselves leave in pools is there before.
        var other = (await host.Client.RelayAsync()).Id();
        await AppendAsync(other, Messages);
        var before = GC.GetTotalMemory(forceFullCollection: true);
        await AppendAsync(relay, Messages);
        await Eventually.TrueAsync(() => Task.FromResult(measured["streaming.websocket.closes", "streaming.websocket.close.reason=slow"].Sum() == 1), "it is closed as slow");
        var grown = GC.GetTotalMemory(forceFullCollection: true) - before;
        TestContext.Current.SendDiagnosticMessage($"{Messages * text.Length:N0} bytes were written, the heap grew by {grown:N0}");
        Assert.True(grown < Messages * text.Length / 3, $"the heap grew by {grown:N0} bytes");
        Assert.Equal((0, 0), (host.Service<OpenConnections>().Count, host.Service<OpenStreams>().Count));

        // Somebody who reads has everything, from the table.
        await using var reader = await WebSocketReader.OpenAsync(host.Address);
        await reader.SubscribeAsync($"session:{relay}");
        for (var next = 0; next <= Messages;)
            next = (await reader.UntilAsync("stream_update")).GetProperty("payload").GetProperty("index").GetInt32() + 1;

        async Task AppendAsync(string id, int count)
        {
            for (var i = 0; i < count; i++)
                await host.Client.PostJsonAsync($"/api/relays/{id}/messages", new { type = "chunk", text = $"{i}:{text}" }, HttpStatusCode.OK);
        }
    }

    /// <summary>A connection that has subscribed to a session and reads nothing, by hand, so that its system takes little for it.</summary>
    static async Task<Socket> NarrowAsync(Uri address, string session)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = 4096 };
        await socket.ConnectAsync(IPAddress.Loopback, address.Port, Cancellation);
        await socket.SendAsync(Encoding.ASCII.GetBytes(
            $"GET /ws HTTP/1.1\r\nHost: {address.Authority}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"), Cancellation);
        var payload = JsonSerializer.SerializeToUtf8Bytes(new { type = "subscribe", payload = new { channels = new[] { $"session:{session}" } } });
        // Masked, with a mask of zeros.
        await socket.SendAsync((byte[])[0x81, (byte)(0x80 | payload.Length), 0, 0, 0, 0, .. payload], Cancellation);
        return socket;
    }
}
