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
    bool _isClosing;

    /// <summary>What it has found. Its fault, if any, makes the run void.</summary>
    public FrameScanner Scanner { get; } = new(part, cursor + 1 ?? 0) { Grown = grown };

    /// <summary>Connects and asks; the task of the result reads until <see cref="Dispose"/> or a fault, and never throws.</summary>
    public async Task<Task> OpenAsync(CancellationToken cancellation)
    {
        await AskAsync(cancellation);
        return ReadAsync(buffer => _socket.ReceiveAsync(buffer, SocketFlags.None));
    }

    /// <summary>The same, on a thread of its own: what ten thousand other readers of this program do does not count as its time.</summary>
    public async Task<Task> OpenApartAsync(CancellationToken cancellation)
    {
        await AskAsync(cancellation);
        // Every read is complete when it returns, so the loop never leaves its thread.
        return Task.Factory.StartNew(
            () => ReadAsync(buffer => ValueTask.FromResult(_socket.Receive(buffer.Span))), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default).Unwrap();
    }

    async Task AskAsync(CancellationToken cancellation)
    {
        await _socket.ConnectAsync(address, cancellation);
        var request = $"GET {path} HTTP/1.1\r\nHost: {address}\r\nAccept: text/event-stream\r\n{(cursor is null ? "" : $"Last-Event-ID: 1-{cursor}\r\n")}\r\n";
        await _socket.SendAsync(Encoding.ASCII.GetBytes(request), cancellation);
    }

    async Task ReadAsync(Func<Memory<byte>, ValueTask<int>> receive)
    {
        var buffer = new byte[bufferBytes];
        var body = new ResponseBody(Scanner);
        try
        {
            while (Scanner.Fault is null)
            {
                var read = await receive(buffer);
                if (read == 0)
                    throw new InvalidDataException("the connection was closed");
                body.Push(buffer.AsSpan(0, read), Stopwatch.GetTimestamp());
            }
        }
        catch (Exception) when (_isClosing)
        {
        }
        catch (Exception fault) when (fault is SocketException or InvalidDataException)
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
