using System.Buffers.Binary;
using System.ComponentModel;
using System.Diagnostics;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Streaming.Benchmarks.Readers;

/// <summary>
/// One thread that reads many sockets by epoll(7), as load meters in C do: a wait, and a receive for each that has something. The
/// framework's own way costs a reader twice as much, on the processors that the service needs, and a change of threads before the clock
/// is looked at.
/// </summary>
sealed partial class ReadLoop : IDisposable
{
    const int Add = 1, Readable = 1, DontWait = 0x40, EventsMax = 256, BufferBytes = 256 * 1024;

    static readonly TimeSpan StopPatience = TimeSpan.FromMilliseconds(50);

    // struct epoll_event: uint32 events, uint64 data; packed on x86-64 alone.
    static readonly int DataAt = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 4 : 8;
    static readonly int EventBytes = DataAt + 8;

    readonly int _epoll = Checked(EpollCreate(0));
    readonly List<Socket> _sockets = [];
    readonly List<Action<ReadOnlyMemory<byte>, long>> _receivers = [];
    readonly Lock _gate = new();
    readonly Thread _thread;
    volatile bool _isStopped;

    public ReadLoop()
    {
        _thread = new Thread(Run) { IsBackground = true, Name = "readers" };
        _thread.Start();
    }

    /// <summary>Reads a socket from now on.</summary>
    /// <param name="socket">Connected, and never used asynchronously: the framework would be woken for it as well.</param>
    /// <param name="received">Gets what came, nothing at its end, and when; on the loop's thread.</param>
    public void Read(Socket socket, Action<ReadOnlyMemory<byte>, long> received)
    {
        int index;
        lock (_gate)
        {
            index = _sockets.Count;
            _sockets.Add(socket);
            _receivers.Add(received);
        }

        var entry = new byte[EventBytes];
        BinaryPrimitives.WriteUInt32LittleEndian(entry, Readable);
        BinaryPrimitives.WriteInt64LittleEndian(entry.AsSpan(DataAt), index);
        Checked(EpollControl(_epoll, Add, socket.Handle.ToInt32(), entry));
    }

    void Run()
    {
        var events = new byte[EventsMax * EventBytes];
        var buffer = new byte[BufferBytes];
        while (!_isStopped)
        {
            var count = EpollWait(_epoll, events, EventsMax, (int)StopPatience.TotalMilliseconds);
            for (var i = 0; i < count && !_isStopped; i++)
            {
                var index = (int)BinaryPrimitives.ReadInt64LittleEndian(events.AsSpan(i * EventBytes + DataAt));
                Socket socket;
                Action<ReadOnlyMemory<byte>, long> received;
                lock (_gate)
                    (socket, received) = (_sockets[index], _receivers[index]);
                var read = (int)Receive(socket.Handle.ToInt32(), buffer, buffer.Length, DontWait);
                received(buffer.AsMemory(0, Math.Max(0, read)), Stopwatch.GetTimestamp());
                if (read <= 0)
                    // Closing it takes it out.
                    socket.Dispose();
            }
        }
    }

    public void Dispose()
    {
        _isStopped = true;
        _thread.Join();
        _ = Close(_epoll);
    }

    static int Checked(int result) => result >= 0 ? result : throw new Win32Exception(Marshal.GetLastPInvokeError());

    [LibraryImport("libc", EntryPoint = "epoll_create1", SetLastError = true)]
    private static partial int EpollCreate(int flags);

    [LibraryImport("libc", EntryPoint = "epoll_ctl", SetLastError = true)]
    private static partial int EpollControl(int epoll, int operation, int descriptor, byte[] entry);

    [LibraryImport("libc", EntryPoint = "epoll_wait", SetLastError = true)]
    private static partial int EpollWait(int epoll, byte[] events, int eventsMax, int milliseconds);

    [LibraryImport("libc", EntryPoint = "recv", SetLastError = true)]
    private static partial nint Receive(int descriptor, byte[] buffer, nint length, int flags);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    private static partial int Close(int descriptor);
}
