using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Options;
using Streaming.Configuration;
using Streaming.Sse;

namespace Streaming.Http;

/// <summary>How every event stream begins, and how a connection is ended that is not at its end; docs/protocol.md.</summary>
public sealed class StreamResponse(IOptions<SubscriptionOptions> options, TimeProvider clock)
{
    // An abort straight after the flush loses the last frame on the way; 100 ms do not (docs/protocol.md, closing).
    static readonly TimeSpan FarewellMin = TimeSpan.FromMilliseconds(100);
    static readonly TimeSpan FarewellMax = TimeSpan.FromMilliseconds(250);

    // Over a limit: `retry:` is so many times longer, and the status says which limit it is.
    const int BusyRetryFactor = 5;
    public const string ServerFull = "server_full";
    public const string TooManyStreams = "too_many_streams";

    public long Now => clock.GetUtcNow().ToUnixTimeMilliseconds();

    /// <summary>Headers and <c>retry:</c> leave at once, before there is any message.</summary>
    public async Task BeginAsync(HttpContext http, int retryFactor = 1)
    {
        http.Features.Get<IHttpResponseBodyFeature>()?.DisableBuffering();
        http.Response.ContentType = "text/event-stream";
        http.Response.Headers.CacheControl = "no-store, no-transform";
        http.Response.Headers["X-Accel-Buffering"] = "no";
        FrameWriter.WriteRetry(http.Response.BodyWriter, retryFactor * Jittered(options.Value.RetryMin, options.Value.RetryMax));
        await http.Response.BodyWriter.FlushAsync(http.RequestAborted);
    }

    /// <summary>Over a limit. No 429: it may pass, and an EventSource would give up for good (docs/decisions/0007).</summary>
    /// <param name="code">The limit.</param>
    /// <param name="sessionId">The session; null on a connection of several.</param>
    /// <param name="http">A request that was not answered yet.</param>
    public async Task<IResult> BusyAsync(string code, Guid? sessionId, HttpContext http)
    {
        await BeginAsync(http, BusyRetryFactor);
        await ReconnectAsync(sessionId, http, code);
        return Results.Empty;
    }

    public async Task ReconnectAsync(Guid? sessionId, HttpContext http, string? code = null)
    {
        FrameWriter.WriteReconnect(http.Response.BodyWriter, sessionId, Now, code);
        await FarewellAsync(http);
    }

    /// <summary>Ends a connection, not the stream: the body is cut, so that no client takes it for the end.</summary>
    public async Task FarewellAsync(HttpContext http)
    {
        await http.Response.BodyWriter.FlushAsync(http.RequestAborted);
        await Task.Delay(Jittered(FarewellMin, FarewellMax), clock, http.RequestAborted);
        http.Abort();
    }

    /// <summary>The cursor of a request; null if it has none. The header wins: it is what a browser sends by itself when it reconnects.</summary>
    public static string? Cursor(HttpRequest request) =>
        request.Headers["Last-Event-ID"] is [{ Length: > 0 } header, ..] ? header
        : request.Query["lastEventId"] is [{ Length: > 0 } query, ..] ? query
        : null;

    static TimeSpan Jittered(TimeSpan min, TimeSpan max) => min + (max - min) * Random.Shared.NextDouble();
}
