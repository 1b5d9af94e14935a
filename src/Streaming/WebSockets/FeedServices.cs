using Microsoft.Extensions.Options;
using Streaming.Configuration;
using Streaming.Sessions;
using Streaming.Subscriptions;
using Streaming.Telemetry;

namespace Streaming.WebSockets;

/// <summary>What the feeds of all channels use.</summary>
public sealed class FeedServices(
    FollowedSessions sessions, SessionReader reader, ShortStreamReader shortened, SessionWatch watch, LiveReaders readers, SubscriptionWriter writer,
    ServiceMetrics metrics, IEnumerable<ISessionKind> kinds, IOptions<WebSocketsOptions> options, TimeProvider clock)
{
    public FollowedSessions Sessions => sessions;
    public SessionReader Reader => reader;
    public ShortStreamReader Shortened => shortened;
    public SessionWatch Watch => watch;
    public LiveReaders Readers => readers;
    public SubscriptionWriter Writer => writer;
    public ServiceMetrics Metrics => metrics;
    public IReadOnlyDictionary<string, ISessionKind> Kinds { get; } = kinds.ToDictionary(kind => kind.Name);
    public WebSocketsOptions Options => options.Value;
    public TimeProvider Clock => clock;
}
