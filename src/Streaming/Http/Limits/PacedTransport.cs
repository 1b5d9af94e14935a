using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Options;
using Streaming.Configuration;

namespace Streaming.Http.Limits;

/// <summary>
/// Kestrel's sockets, accepted at <c>Limits:ConnectionsPerSecond</c> at most. A connection costs some 0.3 ms of a processor until its
/// stream is open, and memory that is collected around: when ten thousand clients come back at once, they wait in
/// the kernel's backlog, instead of in front of the streams that are live.
/// </summary>
/// <remarks>
/// Beyond the backlog (4,096 where the kernel is set up as usual: <c>net.core.somaxconn</c>) a client's kernel asks again after
/// one second, and after three. Requests on a connection that is there are not held up.
/// </remarks>
public sealed class PacedTransport(IOptions<SocketTransportOptions> sockets, IOptions<LimitOptions> limits, ILoggerFactory logs, TimeProvider clock)
    : IConnectionListenerFactory, IConnectionListenerFactorySelector
{
    const int PerProcessorDefault = 1400;

    readonly SocketTransportFactory _sockets = new(sockets, logs);

    public bool CanBind(EndPoint endpoint) => _sockets.CanBind(endpoint);

    public async ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        var listener = await _sockets.BindAsync(endpoint, cancellationToken);
        var perSecond = limits.Value.ConnectionsPerSecond ?? PerProcessorDefault * Environment.ProcessorCount;
        return perSecond == 0 ? listener : new Listener(listener, new Pace(perSecond, clock));
    }

    sealed class Listener(IConnectionListener sockets, Pace pace) : IConnectionListener
    {
        public EndPoint EndPoint => sockets.EndPoint;

        public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
        {
            await pace.WaitAsync();
            return await sockets.AcceptAsync(cancellationToken);
        }

        public ValueTask UnbindAsync(CancellationToken cancellationToken = default) => sockets.UnbindAsync(cancellationToken);

        public ValueTask DisposeAsync() => sockets.DisposeAsync();
    }
}
