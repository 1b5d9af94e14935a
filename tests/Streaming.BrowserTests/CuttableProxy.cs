using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace Streaming.BrowserTests;

/// <summary>Passes bytes between browser and service, and breaks their connections on command, as tunnels and lifts do.</summary>
public sealed class CuttableProxy : IAsyncDisposable
{
    readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    readonly ConcurrentDictionary<Link, Task> _links = new();
    readonly Uri _target;
    readonly Task _accepting;
    volatile bool _isDown;

    public CuttableProxy(Uri target)
    {
        _target = target;
        _listener.Start();
        Address = new Uri($"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}");
        _accepting = AcceptAsync();
    }

    /// <summary>Where the browser connects to.</summary>
    public Uri Address { get; }

    /// <summary>Resets every connection there is.</summary>
    public void Cut()
    {
        foreach (var link in _links.Keys)
            link.Dispose();
    }

    /// <summary>Resets every connection there is and, until <see cref="Up"/>, every new one.</summary>
    public void Down()
    {
        _isDown = true;
        Cut();
    }

    public void Up() => _isDown = false;

    public async ValueTask DisposeAsync()
    {
        _listener.Dispose();
        await _accepting;
        Down();
        await Task.WhenAll(_links.Values);
    }

    /// <summary>Ends when the listener is disposed.</summary>
    async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var link = new Link(await _listener.AcceptSocketAsync());
                _links.TryAdd(link, ForwardAsync(link));
                if (_isDown)
                    link.Dispose();
            }
        }
        catch (Exception fault) when (fault is SocketException or ObjectDisposedException)
        {
            // The listener was disposed.
        }
    }

    async Task ForwardAsync(Link link)
    {
        await link.ForwardAsync(_target);
        _links.TryRemove(link, out _);
    }

    /// <summary>One connection of the browser, and the one to the service that belongs to it.</summary>
    sealed class Link(Socket browser) : IDisposable
    {
        readonly Socket _service = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };

        /// <summary>Ends when both sides have closed, or one has broken.</summary>
        public async Task ForwardAsync(Uri target)
        {
            await BreakTogetherAsync(() => _service.ConnectAsync(target.Host, target.Port));
            await Task.WhenAll(
                BreakTogetherAsync(() => CopyAsync(browser, _service)), BreakTogetherAsync(() => CopyAsync(_service, browser)));
            Dispose();
        }

        /// <summary>Resets both.</summary>
        public void Dispose()
        {
            // No time to linger in: the other end gets a RST.
            browser.Close(0);
            _service.Close(0);
        }

        /// <summary>One side broke, or was cut: the other is not to wait for it.</summary>
        async Task BreakTogetherAsync(Func<Task> step)
        {
            try
            {
                await step();
            }
            catch (Exception fault) when (fault is SocketException or IOException or ObjectDisposedException)
            {
                Dispose();
            }
        }

        static async Task CopyAsync(Socket from, Socket to)
        {
            await using var source = new NetworkStream(from);
            await using var destination = new NetworkStream(to);
            await source.CopyToAsync(destination);
            to.Shutdown(SocketShutdown.Send);
        }
    }
}
