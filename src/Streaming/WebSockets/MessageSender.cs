using System.Buffers;
using System.Net.WebSockets;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Streaming.Configuration;
using Streaming.Telemetry;

namespace Streaming.WebSockets;

/// <summary>
/// Sends the messages of one connection, one at a time, each in one frame. What waits is one message: a client that does not take it
/// within <c>WebSockets:SlowTimeout</c> is closed.
/// </summary>
/// <param name="socket">The connection.</param>
/// <param name="cut">Breaks it, whatever is under way.</param>
/// <param name="options">The limits.</param>
/// <param name="metrics">Counts.</param>
/// <param name="clock">The time.</param>
public sealed class MessageSender(WebSocket socket, Action cut, WebSocketsOptions options, ServiceMetrics metrics, TimeProvider clock)
{
    static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    long _sentAt = clock.GetTimestamp();

    /// <summary>Since when nothing was sent.</summary>
    public TimeSpan Silence => clock.GetElapsedTime(_sentAt);

    /// <summary>Messages sent.</summary>
    public long Count { get; private set; }

    /// <summary>A message has not left within <c>WebSockets:SlowTimeout</c>.</summary>
    public bool IsSlow { get; private set; }

    /// <summary>A message with its own fields.</summary>
    /// <param name="type">Its type.</param>
    /// <param name="fields">Writes the fields after the type.</param>
    /// <param name="stop">The connection is to end: a send that hangs is given up.</param>
    /// <exception cref="ConnectionClosingException">The client is too slow.</exception>
    public async ValueTask SendAsync(string type, Action<Utf8JsonWriter> fields, CancellationToken stop)
    {
        var buffer = new ArrayBufferWriter<byte>(256);
        using (var json = new Utf8JsonWriter(buffer, Options))
        {
            json.WriteStartObject();
            json.WriteString("type", type);
            fields(json);
            json.WriteEndObject();
        }

        await SendAsync(buffer.WrittenMemory, type, stop);
    }

    /// <summary>The answer to a message of the client's, with its <c>id</c> if it had one.</summary>
    /// <param name="type">Its type.</param>
    /// <param name="id">Of what it answers.</param>
    /// <param name="payload">Writes the fields of the payload.</param>
    /// <param name="stop">As above.</param>
    public ValueTask SendReplyAsync(string type, string? id, Action<Utf8JsonWriter> payload, CancellationToken stop) => SendAsync(type, json =>
    {
        if (id is not null)
            json.WriteString("id", id);
        json.WriteStartObject("payload");
        payload(json);
        json.WriteEndObject();
    }, stop);

    /// <summary>The answer that says what was wrong.</summary>
    public ValueTask SendErrorAsync(string? id, string code, string message, string? channel, CancellationToken stop) => SendReplyAsync("error", id, json =>
    {
        json.WriteString("code", code);
        json.WriteString("message", message);
        if (channel is not null)
            json.WriteString("channel", channel);
    }, stop);

    /// <summary>A message of a session, as it was framed for all of its readers.</summary>
    public async ValueTask SendUpdateAsync(ChannelName channel, EventId id, ReadOnlyMemory<byte> message, CancellationToken stop)
    {
        var head = channel.UpdateHead;
        var bytes = ArrayPool<byte>.Shared.Rent(head.Length + message.Length + 64);
        try
        {
            var length = 0;
            Add(head.Span);
            Add(",\"eventId\":\""u8);
            length += Encoding.ASCII.GetBytes(id.ToString(), bytes.AsSpan(length));
            Add("\",\"payload\":"u8);
            Add(message.Span);
            Add("}"u8);
            await SendAsync(bytes.AsMemory(0, length), channel.UpdateType, stop);

            void Add(ReadOnlySpan<byte> part)
            {
                part.CopyTo(bytes.AsSpan(length));
                length += part.Length;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(bytes);
        }
    }

    /// <summary>A status of a channel, which is no message of a session: it has no event id.</summary>
    public ValueTask SendUpdateAsync(ChannelName channel, Action<Utf8JsonWriter> fields, CancellationToken stop) => SendAsync(channel.UpdateType, json =>
    {
        json.WriteString("channel", channel.Text);
        json.WriteStartObject("payload");
        json.WriteString("type", "status");
        fields(json);
        json.WriteNumber("timestamp", Now);
        json.WriteEndObject();
    }, stop);

    public ValueTask SendHeartbeatAsync(CancellationToken stop) => SendAsync("heartbeat", json => json.WriteNumber("timestamp", Now), stop);

    /// <summary>What was serialised before.</summary>
    public async ValueTask SendAsync(ReadOnlyMemory<byte> message, string type, CancellationToken stop)
    {
        // Never cancelled: that would cut the connection before its close.
        var send = socket.SendAsync(message, WebSocketMessageType.Text, WebSocketMessageFlags.EndOfMessage, CancellationToken.None);
        if (send.IsCompleted)
            await send;
        else
            await FinishAsync(send.AsTask(), stop);
        _sentAt = clock.GetTimestamp();
        Count++;
        metrics.WebSocketMessageSent(type);
    }

    public long Now => clock.GetUtcNow().ToUnixTimeMilliseconds();

    async Task FinishAsync(Task send, CancellationToken stop)
    {
        var reason = CloseReason.Slow;
        try
        {
            await send.WaitAsync(options.SlowTimeout, clock, stop);
            return;
        }
        catch (TimeoutException)
        {
            IsSlow = true;
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            reason = CloseReason.ServiceRestart;
        }

        // A little more, or the reason would be cut off with the rest.
        try
        {
            await send.WaitAsync(options.CloseTimeout, clock, CancellationToken.None);
        }
        catch (TimeoutException)
        {
            // The buffer of the send is the socket's until it has ended.
            cut();
            await send.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        throw new ConnectionClosingException(reason);
    }
}
