namespace Streaming.Models;

/// <summary>The HTTP client of a provider's SDK: no time limit of its own, for an answer may stream for many
/// minutes.</summary>
public static class ProviderHttp
{
    /// <param name="outer">Handlers around the connection, outermost first.</param>
    public static HttpClient Create(params ReadOnlySpan<DelegatingHandler> outer)
    {
        HttpMessageHandler handler = new SocketsHttpHandler
        {
            ConnectTimeout = TimeSpan.FromSeconds(10),
            // A client that lives as long as the service would keep to an address that its name has left.
            PooledConnectionLifetime = TimeSpan.FromMinutes(5),
            // A provider is told nothing of our traces.
            ActivityHeadersPropagator = null,
        };
        for (var i = outer.Length - 1; i >= 0; i--)
        {
            outer[i].InnerHandler = handler;
            handler = outer[i];
        }
        return new HttpClient(handler) { Timeout = Timeout.InfiniteTimeSpan };
    }
}
