using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Options;
using Streaming.Configuration;
using Streaming.Database;
using Streaming.Http.Authentication;
using Streaming.Http.Limits;
using Streaming.Sessions;
using Streaming.Sse;
using Streaming.Subscriptions;

namespace Streaming.Http;

/// <summary><c>GET /api/stream/{kind}/{id}</c>: Server-Sent Events by the rules of docs/protocol.md.</summary>
public sealed class StreamRoutes(
    SessionReader reader, SubscriptionWriter writer, ShortStreamWriter shortened, Tickets tickets, OpenStreams open, RequestRates rates,
    IEnumerable<ISessionKind> kinds, IOptions<SubscriptionOptions> options, TimeProvider clock)
{
    // An abort straight after the flush loses the last frame on the way; 100 ms do not (docs/protocol.md, closing).
    static readonly TimeSpan FarewellMin = TimeSpan.FromMilliseconds(100);
    static readonly TimeSpan FarewellMax = TimeSpan.FromMilliseconds(250);

    // Over a limit: `retry:` is so many times longer, and the status says which limit it is.
    const int BusyRetryFactor = 5;
    const string ServerFull = "server_full";
    const string TooManyStreams = "too_many_streams";

    readonly Dictionary<string, ISessionKind> _kinds = kinds.ToDictionary(kind => kind.Name);

    public static void Map(IEndpointRouteBuilder routes) =>
        routes.MapGet("/api/stream/{kind}/{id}", (string kind, string id, HttpContext http, StreamRoutes self) => self.StreamAsync(kind, id, http))
            .WithTags("stream").WithSummary("The messages of a session: what is missing since Last-Event-ID, then live, then end")
            .Produces<string>(StatusCodes.Status200OK, "text/event-stream").Produces(StatusCodes.Status204NoContent)
            .ProducesProblem(400).ProducesProblem(401).ProducesProblem(404).WithMetadata(new TakesTicket(), new LimitsItself());

    async Task<IResult> StreamAsync(string kind, string id, HttpContext http)
    {
        if (!_kinds.TryGetValue(kind, out var sessionKind))
            return Problems.UnknownKind.Problem();
        if (!Guid.TryParse(id, out var sessionId))
            return Problems.InvalidId.Problem();
        if (!TryReadCursor(http.Request, out var cursor))
            return Problems.InvalidCursor.Problem("Last-Event-ID is not an event id of ours.");

        // Before the ticket is used up: whoever comes again later needs it.
        using var place = open.Take();
        if (place is null)
            return await BusyAsync(ServerFull, sessionId, http);

        SessionVersion? version;
        string? user;
        try
        {
            user = await UserAsync(kind, sessionId, http);
            if (user is null)
                return Authenticator.Challenge(Problems.InvalidTicket, "Ask for a new one, and connect with it and ?lastEventId=.");
            if (!rates.TryAcquire(user))
                return await BusyAsync(Problems.TooManyRequests.Code, sessionId, http);
            if (!place.TryTakeFor(user))
                return await BusyAsync(TooManyStreams, sessionId, http);
            version = await reader.ReadVersionAsync(kind, sessionId, user, http.RequestAborted);
        }
        catch (DatabaseUnavailableException)
        {
            // An EventSource gives up for good on anything but 200 and 204, so it is asked to come again instead.
            await BeginAsync(http);
            await ReconnectAsync(sessionId, http);
            return Results.Empty;
        }

        if (version is null)
            return Problems.NotFound.Problem();
        if (version.HasEnded && cursor == version.LastEventId)
            return Results.NoContent();

        await BeginAsync(http);
        var next = 0;
        if (cursor is { } c && version.CanGoOnAfter(c))
            next = c.Index + 1;
        else if (cursor is not null)
            FrameWriter.WriteReset(http.Response.BodyWriter, sessionId, Now);
        try
        {
            await StreamAsync(sessionKind, sessionId, user, version, next, http);
        }
        catch (DatabaseUnavailableException)
        {
            await ReconnectAsync(sessionId, http);
        }
        catch (Exception fault) when (fault is OperationCanceledException or IOException)
        {
            // The client has gone. Nothing to tell it.
        }

        return Results.Empty;
    }

    /// <summary>Who was signed in, or else whose the ticket is; null if it is refused.</summary>
    Task<string?> UserAsync(string kind, Guid sessionId, HttpContext http)
    {
        if (http.User.Identity?.Name is { } user)
            return Task.FromResult<string?>(user);
        // Only the header tells a browser that reconnects from somebody who found the address in a log and repeats it.
        var isResume = http.Request.Headers["Last-Event-ID"] is [{ Length: > 0 }, ..];
        return tickets.UseAsync(http.Request.Query[Tickets.Parameter].ToString(), kind, sessionId, isResume, http.RequestAborted);
    }

    /// <summary>
    /// Messages from index <paramref name="next"/> on. When retention takes them away under the reader, it begins anew with
    /// what is left; when the session was deleted, it is sent away, and its next request is answered 404, which is final.
    /// </summary>
    async Task StreamAsync(ISessionKind kind, Guid sessionId, string userId, SessionVersion? version, int next, HttpContext http)
    {
        while (version is not null)
        {
            if (version.IsShortened)
            {
                if (await shortened.WriteAsync(kind, sessionId, userId, next, http.Response.BodyWriter, http.RequestAborted))
                    return;
            }
            else
            {
                var outcome = await writer.WriteAsync(version.Target(sessionId), next, http.Response.BodyWriter, http.RequestAborted);
                if (outcome == StreamOutcome.Recycled)
                    await FarewellAsync(http);
                if (outcome != StreamOutcome.Vanished)
                    return;
            }

            version = await reader.ReadVersionAsync(kind.Name, sessionId, userId, http.RequestAborted);
            next = 0;
            if (version is not null)
                FrameWriter.WriteReset(http.Response.BodyWriter, sessionId, Now);
        }

        await ReconnectAsync(sessionId, http);
    }

    /// <summary>The header wins over the query: it is what a browser sends by itself when it reconnects.</summary>
    static bool TryReadCursor(HttpRequest request, out EventId? cursor)
    {
        cursor = null;
        var text = request.Headers["Last-Event-ID"] is [{ Length: > 0 } header, ..] ? header
            : request.Query["lastEventId"] is [{ Length: > 0 } query, ..] ? query
            : null;
        if (text is null)
            return true;
        if (!EventId.TryParse(text, out var id))
            return false;
        cursor = id;
        return true;
    }

    /// <summary>Over a limit. No 429: it may pass, and an EventSource would give up for good (docs/decisions/0007).</summary>
    async Task<IResult> BusyAsync(string code, Guid sessionId, HttpContext http)
    {
        await BeginAsync(http, BusyRetryFactor);
        await ReconnectAsync(sessionId, http, code);
        return Results.Empty;
    }

    /// <summary>Headers and <c>retry:</c> leave at once, before there is any message.</summary>
    async Task BeginAsync(HttpContext http, int retryFactor = 1)
    {
        http.Features.Get<IHttpResponseBodyFeature>()?.DisableBuffering();
        http.Response.ContentType = "text/event-stream";
        http.Response.Headers.CacheControl = "no-store, no-transform";
        http.Response.Headers["X-Accel-Buffering"] = "no";
        FrameWriter.WriteRetry(http.Response.BodyWriter, retryFactor * Jittered(options.Value.RetryMin, options.Value.RetryMax));
        await http.Response.BodyWriter.FlushAsync(http.RequestAborted);
    }

    async Task ReconnectAsync(Guid sessionId, HttpContext http, string? code = null)
    {
        FrameWriter.WriteReconnect(http.Response.BodyWriter, sessionId, Now, code);
        await FarewellAsync(http);
    }

    /// <summary>Ends a connection, not the stream: the body is cut, so that no client takes it for the end.</summary>
    async Task FarewellAsync(HttpContext http)
    {
        await http.Response.BodyWriter.FlushAsync(http.RequestAborted);
        await Task.Delay(Jittered(FarewellMin, FarewellMax), clock, http.RequestAborted);
        http.Abort();
    }

    long Now => clock.GetUtcNow().ToUnixTimeMilliseconds();

    static TimeSpan Jittered(TimeSpan min, TimeSpan max) => min + (max - min) * Random.Shared.NextDouble();
}
