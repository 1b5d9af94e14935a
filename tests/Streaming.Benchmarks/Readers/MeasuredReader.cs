using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Streaming.Benchmarks.Readers;

/// <summary>
/// One reader of one stream: a socket, and a <see cref="FrameScanner"/> for what comes out of it. Costs little beside the
/// service: no parse, no allocation a message.
/// </summary>
/// <param name="address">Of the service.</param>
/// <param name="path">Of the stream.</param>
/// <param name="part">When it counts.</param>
/// <param name="cursor">Index of the last message that it has, of the session's first transform; none: from the beginning.</param>
/// <param name="grown">Called after each frame that brought messages.</param>
/// <param name="bufferBytes">Of its buffer: ten thousand large ones are collections of garbage in the time that is measured.</param>
sealed class MeasuredReader(
    IPEndPoint address, string path, MeasuredPart part, int? cursor = null, Action? grown = null, int bufferBytes = 64 * 1024) : IDisposable
{
    readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
    readonly byte[] _buffer = new byte[bufferBytes];
    ResponseBody? _body;
    bool _isClosing;

    /// <summary>What it has found. Its fault, if any, makes the run void.</summary>
    public FrameScanner Scanner { get; } = new(part, cursor + 1 ?? 0, Math.Min(bufferBytes, 16 * 1024)) { Grown = grown };

    /// <summary>Connects and asks; the task of the result reads until <see cref="Dispose"/> or a fault, and never throws.</summary>
    public async Task<Task> OpenAsync(CancellationToken cancellation)
    {
        await _socket.ConnectAsync(address, cancellation);
        await _socket.SendAsync(Request(), cancellation);
        return ReadAsync();
    }

    /// <summary>The same, with the reading left to <paramref name="loop"/>, which is to be disposed before this.</summary>
    public void Open(ReadLoop loop)
    {
        _socket.Connect(address);
        _socket.Send(Request());
        loop.Read(_socket, (bytes, at) => Accept(bytes.Span, at));
    }

    byte[] Request() => Encoding.ASCII.GetBytes(
        $"GET {path} HTTP/1.1\r\nHost: {address}\r\nAccept: text/event-stream\r\n{(cursor is null ? "" : $"Last-Event-ID: 1-{cursor}\r\n")}\r\n");

    async Task ReadAsync()
    {
        try
        {
            while (Scanner.Fault is null)
            {
                var read = await _socket.ReceiveAsync(_buffer, SocketFlags.None);
                Accept(_buffer.AsSpan(0, read), Stopwatch.GetTimestamp());
            }
        }
        catch (Exception) when (_isClosing)
        {
        }
        catch (SocketException fault)
        {
            Scanner.Fail(fault.Message);
        }
    }

    void Accept(ReadOnlySpan<byte> bytes, long receivedAt)
    {
        try
        {
            if (bytes.IsEmpty)
                throw new InvalidDataException("the connection was closed");
            (_body ??= new ResponseBody(Scanner)).Push(bytes, receivedAt);
        }
        catch (InvalidDataException fault)
        {
            Scanner.Fail(fault.Message);
        }
    }

    public void Dispose()
    {
        _isClosing = true;
        _socket.Dispose();
    }
}
