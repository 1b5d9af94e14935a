using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Streaming.IntegrationTests.Fixtures;

/// <summary>How a connection is broken.</summary>
public enum CutKind
{
    /// <summary>Both ends get a FIN: what was on its way arrives, and nothing after it.</summary>
    Fin,

    /// <summary>Both ends get a RST: what was on its way may be lost.</summary>
    Rst,
}

/// <summary>After how many bytes towards the client a connection is broken, and how.</summary>
/// <param name="AfterBytes">The last that pass.</param>
/// <param name="Kind">How.</param>
/// <param name="AfterText">If not null, it is broken earlier, if this has passed: right after it.</param>
public readonly record struct Cut(long AfterBytes, CutKind Kind, string? AfterText = null)
{
    /// <summary>Right after a text, wherever that is; the connection stands still for a moment first, so that all before it is read.</summary>
    public static Cut After(string text, CutKind kind) => new(long.MaxValue, kind, text);
}

/// <summary>
/// Passes bytes between clients and a server, and does to their connections what tunnels, lifts and firewalls do: on
/// command (<see cref="Cut()"/>, <see cref="Down"/>, <see cref="Blackhole"/>, <see cref="Delay"/>) or by a plan for each.
/// </summary>
public sealed class CuttableProxy : IAsyncDisposable
{
    const int PieceBytes = 16 * 1024;
    static readonly TimeSpan StandStill = TimeSpan.FromMilliseconds(300);

    readonly TcpListener _listener;
    readonly ConcurrentDictionary<Link, Task> _links = new();
    readonly Task _accepting;
    volatile IReadOnlyList<EndPoint> _targets;
    volatile TaskCompletionSource _open = Opened();
    volatile bool _isDown;
    int _turn;

    public CuttableProxy(Uri target)
        : this([new DnsEndPoint(target.Host, target.Port, AddressFamily.InterNetwork)])
    {
    }

    /// <param name="targets">New connections go to them in turn; one that refuses is passed over.</param>
    /// <param name="port">Default: a free one.</param>
    public CuttableProxy(IReadOnlyList<EndPoint> targets, int port = 0)
    {
        _targets = targets;
        _listener = new TcpListener(IPAddress.Loopback, port);
        // The default of some systems is 128, and thousands come at once.
        _listener.Start(backlog: 4096);
        Port = ((IPEndPoint)_listener.LocalEndpoint).Port;
        Address = new Uri($"http://127.0.0.1:{Port}");
        _accepting = AcceptAsync();
    }

    /// <summary>Where clients connect to.</summary>
    public Uri Address { get; }

    public int Port { get; }

    /// <summary>Where new connections go; those there are stay where they are.</summary>
    public IReadOnlyList<EndPoint> Targets
    {
        get => _targets;
        set => _targets = value;
    }

    /// <summary>What is planned for each new connection; null, or a plan of null, leaves it alone.</summary>
    public Func<Cut?>? Plan { get; set; }

    /// <summary>How long each piece is held up on its way, in both directions; default not at all.</summary>
    public TimeSpan Delay { get; set; }

    /// <summary>Connections that are open at the moment.</summary>
    public int LinkCount => _links.Count;

    /// <summary>Breaks that a plan has brought about.</summary>
    public int PlannedCuts => _plannedCuts;

    int _plannedCuts;

    /// <summary>Resets every connection there is.</summary>
    public void Cut() => Cut(CutKind.Rst);

    public void Cut(CutKind kind)
    {
        foreach (var link in _links.Keys)
            link.Break(kind);
    }

    /// <summary>Resets every connection there is and, until <see cref="Up"/>, every new one.</summary>
    public void Down()
    {
        _isDown = true;
        Cut();
    }

    public void Up() => _isDown = false;

    /// <summary>Until <see cref="Pass"/>, connections stay open, new ones are accepted, and no byte goes through.</summary>
    public void Blackhole() => _open = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Ends a <see cref="Blackhole"/>; what was held back goes on its way.</summary>
    public void Pass() => _open.TrySetResult();

    public async ValueTask DisposeAsync()
    {
        _listener.Dispose();
        await _accepting;
        Pass();
        Down();
        await Task.WhenAll(_links.Values);
    }

    static TaskCompletionSource Opened()
    {
        var opened = new TaskCompletionSource();
        opened.SetResult();
        return opened;
    }

    /// <summary>Ends when the listener is disposed.</summary>
    async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var link = new Link(this, await _listener.AcceptSocketAsync(), Plan?.Invoke());
                _links.TryAdd(link, Task.CompletedTask);
                _links[link] = ForwardAsync(link);
                if (link.IsBroken)
                    _links.TryRemove(link, out _);
                if (_isDown)
                    link.Break(CutKind.Rst);
            }
        }
        catch (Exception fault) when (fault is SocketException or ObjectDisposedException)
        {
            // The listener was disposed.
        }
    }

    async Task ForwardAsync(Link link)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        await link.ForwardAsync();
        _links.TryRemove(link, out _);
    }

    /// <summary>A connection to the first target, in turn, that does not refuse; null if all do.</summary>
    async Task<Socket?> ConnectAsync()
    {
        var (targets, turn) = (_targets, Interlocked.Increment(ref _turn));
        for (var i = 0; i < targets.Count; i++)
        {
            var target = targets[(int)((uint)(turn + i) % targets.Count)];
            var socket = target is UnixDomainSocketEndPoint
                ? new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified)
                : new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            try
            {
                await socket.ConnectAsync(target);
                return socket;
            }
            catch (SocketException)
            {
                socket.Dispose();
            }
        }

        return null;
    }

    /// <summary>One connection of a client, and the one to the server that belongs to it.</summary>
    sealed class Link(CuttableProxy proxy, Socket client, Cut? plan)
    {
        readonly Lock _gate = new();
        Socket? _server;

        public bool IsBroken { get; private set; }

        /// <summary>Ends when both sides have closed, or one has broken.</summary>
        public async Task ForwardAsync()
        {
            await proxy._open.Task;
            if (await proxy.ConnectAsync() is not { } server || !TryTake(server))
            {
                Break(CutKind.Rst);
                return;
            }

            await Task.WhenAll(
                BreakTogetherAsync(() => CopyAsync(client, server, null)), BreakTogetherAsync(() => CopyAsync(server, client, plan)));
            Break(CutKind.Fin);
        }

        bool TryTake(Socket server)
        {
            lock (_gate)
            {
                if (!IsBroken)
                {
                    _server = server;
                    return true;
                }
            }

            server.Dispose();
            return false;
        }

        /// <summary>Closes both; the first call decides how.</summary>
        public void Break(CutKind kind)
        {
            lock (_gate)
            {
                if (IsBroken)
                    return;
                IsBroken = true;
            }

            foreach (var socket in (Socket?[])[client, _server])
                if (kind == CutKind.Rst)
                    // No time to linger in: the other end gets a RST.
                    socket?.Close(0);
                else
                    Finish(socket);
        }

        static void Finish(Socket? socket)
        {
            try
            {
                socket?.Shutdown(SocketShutdown.Both);
            }
            catch (SocketException)
            {
                // The other end was faster.
            }

            socket?.Dispose();
        }

        /// <summary>One side broke, or was cut: the other is not to wait for it.</summary>
        async Task BreakTogetherAsync(Func<Task> step)
        {
            try
            {
                await step();
            }
            catch (Exception fault) when (fault is SocketException or ObjectDisposedException)
            {
                Break(CutKind.Rst);
            }
        }

        async Task CopyAsync(Socket from, Socket to, Cut? cut)
        {
            var buffer = new byte[PieceBytes];
            var left = cut?.AfterBytes ?? long.MaxValue;
            var text = cut?.AfterText is { } after ? Encoding.UTF8.GetBytes(after) : null;
            // The text may lie in two pieces: the end of what has passed is looked at again.
            byte[] passedBefore = [];
            while (await from.ReceiveAsync(buffer) is > 0 and var count)
            {
                if (proxy.Delay is { Ticks: > 0 } delay)
                    await Task.Delay(delay, TimeProvider.System);
                await proxy._open.Task;
                if (text is not null)
                {
                    byte[] looked = [.. passedBefore, .. buffer.AsSpan(0, count)];
                    if (looked.AsSpan().IndexOf(text) is >= 0 and var found)
                        left = found + text.Length - passedBefore.Length;
                    passedBefore = looked[^Math.Min(looked.Length, text.Length - 1)..];
                }

                var passed = (int)Math.Min(count, left);
                for (var sent = 0; sent < passed;)
                    sent += await to.SendAsync(buffer.AsMemory(sent, passed - sent));
                left -= passed;
                if (left == 0)
                {
                    if (text is not null)
                        await Task.Delay(StandStill, TimeProvider.System);
                    Interlocked.Increment(ref proxy._plannedCuts);
                    Break(cut!.Value.Kind);
                    return;
                }
            }

            to.Shutdown(SocketShutdown.Send);
        }
    }
}
