using System.Buffers;
using System.Net.WebSockets;
using System.Threading.Channels;
using Streaming.Configuration;
using Streaming.Subscriptions;

namespace Streaming.WebSockets;

/// <summary>
/// Reads the messages of one client, within its limits, and hands them to the connection's loop. While that is busy with a few, nothing
/// more is read. It goes on until the client has closed or gone, so that a close of ours is answered.
/// </summary>
/// <param name="socket">The connection.</param>
/// <param name="wake">Wakes the connection's loop.</param>
/// <param name="options">The limits.</param>
/// <param name="jsonDepthMax">Levels of a message at most.</param>
/// <param name="clock">The time.</param>
public sealed class MessageReceiver(WebSocket socket, WakeSignal wake, WebSocketsOptions options, int jsonDepthMax, TimeProvider clock)
{
    const int PieceBytes = 1024;
    const int WaitingMax = 16;

    readonly Channel<ClientMessage> _messages =
        Channel.CreateBounded<ClientMessage>(new BoundedChannelOptions(WaitingMax) { SingleReader = true, SingleWriter = true });
    readonly byte[] _piece = new byte[PieceBytes];
    ArrayBufferWriter<byte>? _pieces;
    double _tokens = options.MessageBurst;
    long _filledAt = clock.GetTimestamp();
    long _receivedAt = clock.GetTimestamp();
    volatile CloseReason? _reason;

    /// <summary>What waits for the connection's loop.</summary>
    public ChannelReader<ClientMessage> Messages => _messages.Reader;

    /// <summary>Why the connection is to end, as far as the client is concerned; null while it goes on.</summary>
    public CloseReason? Reason => _reason;

    /// <summary>Since when nothing came.</summary>
    public TimeSpan Silence => clock.GetElapsedTime(Volatile.Read(ref _receivedAt));

    /// <summary>The connection's loop has ended: what still comes is dropped.</summary>
    public void Discard() => _messages.Writer.TryComplete();

    /// <summary>Ends when the client has closed or gone. Never throws.</summary>
    public async Task RunAsync(CancellationToken aborted)
    {
        try
        {
            while (await ReceiveAsync(aborted))
            {
            }

            End(CloseReason.Closed);
        }
        catch (WebSocketException fault) when (fault.WebSocketErrorCode != WebSocketError.ConnectionClosedPrematurely && socket.State == WebSocketState.Aborted && fault.InnerException is null)
        {
            End(CloseReason.ProtocolError);
        }
        catch (Exception fault) when (fault is WebSocketException or OperationCanceledException or IOException or ObjectDisposedException)
        {
            End(CloseReason.Lost);
        }
    }

    void End(CloseReason reason)
    {
        _reason ??= reason;
        wake.Set();
    }

    /// <summary>One frame, or a part of it; false if it closes.</summary>
    async ValueTask<bool> ReceiveAsync(CancellationToken aborted)
    {
        var received = await socket.ReceiveAsync(_piece.AsMemory(), aborted);
        if (received.MessageType == WebSocketMessageType.Close)
            return false;
        Volatile.Write(ref _receivedAt, clock.GetTimestamp());
        if (_reason is not null)
            return true;
        if ((_pieces?.WrittenCount ?? 0) + received.Count > options.MessageBytesMax)
        {
            _pieces = null;
            End(CloseReason.MessageTooLarge);
            return true;
        }

        if (!received.EndOfMessage)
        {
            (_pieces ??= new ArrayBufferWriter<byte>(4 * PieceBytes)).Write(_piece.AsSpan(0, received.Count));
            return true;
        }

        ReadOnlyMemory<byte> message = _piece.AsMemory(0, received.Count);
        if (_pieces is not null)
        {
            _pieces.Write(message.Span);
            (message, _pieces) = (_pieces.WrittenMemory, null);
        }

        if (!TryTake())
        {
            End(CloseReason.TooManyMessages);
            return true;
        }

        var read = received.MessageType == WebSocketMessageType.Text
            ? ClientMessage.Parse(message, jsonDepthMax)
            : new ClientMessage.Invalid(null, ErrorCodes.BinaryNotSupported, "Messages are JSON in text frames.");
        try
        {
            await _messages.Writer.WriteAsync(read, aborted);
            wake.Set();
        }
        catch (ChannelClosedException)
        {
        }

        return true;
    }

    /// <summary>A token bucket.</summary>
    bool TryTake()
    {
        var now = clock.GetTimestamp();
        _tokens = Math.Min(options.MessageBurst, _tokens + (clock.GetElapsedTime(_filledAt, now).TotalSeconds * options.MessagesPerSecond));
        _filledAt = now;
        return --_tokens >= 0;
    }
}
