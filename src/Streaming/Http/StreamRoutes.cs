using System.Buffers;
using Streaming.Database;
using Streaming.Http.Authentication;
using Streaming.Http.Limits;
using Streaming.Sessions;
using Streaming.Sse;
using Streaming.Subscriptions;
using Streaming.Telemetry;

namespace Streaming.Http;

/// <summary><c>GET /api/stream/{kind}/{id}</c>: Server-Sent Events by the rules of docs/protocol.md.</summary>
public sealed class StreamRoutes(
    SessionReader reader, SubscriptionWriter writer, ShortStreamReader shortened, Tickets tickets, OpenStreams open, RequestRates rates,
    StreamResponse response, IEnumerable<ISessionKind> kinds)
{
    readonly Dictionary<string, ISessionKind> _kinds = kinds.ToDictionary(kind => kind.Name);

    public static void Map(IEndpointRouteBuilder routes)
    {
        // Not a parameter: a scope of services would stay with each open stream.
        var services = routes.ServiceProvider;
        routes.MapGet("/api/stream/{kind}/{id}", (string kind, string id, HttpContext http) => services.GetRequiredService<StreamRoutes>().StreamAsync(kind, id, http))
            .WithTags("stream").WithSummary("The messages of a session: what is missing since Last-Event-ID, then live, then end")
            .Produces<string>(StatusCodes.Status200OK, "text/event-stream").Produces(StatusCodes.Status204NoContent)
            .ProducesProblem(400).ProducesProblem(401).ProducesProblem(404).WithMetadata(new TakesTicket()).DisableRateLimiting();
    }

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
            return await response.BusyAsync(StreamResponse.ServerFull, sessionId, http);

        SessionVersion? version;
        string? user;
        try
        {
            user = await UserAsync(kind, sessionId, http);
            if (user is null)
                return Authenticator.Challenge(Problems.InvalidTicket, "Ask for a new one, and connect with it and ?lastEventId=.");
            if (!rates.TryAcquire(user))
                return await response.BusyAsync(Problems.TooManyRequests.Code, sessionId, http);
            if (!place.TryTakeFor(user))
                return await response.BusyAsync(StreamResponse.TooManyStreams, sessionId, http);
            version = await reader.ReadVersionAsync(kind, sessionId, user, http.RequestAborted);
        }
        catch (DatabaseUnavailableException)
        {
            // An EventSource gives up for good on anything but 200 and 204, so it is asked to come again instead.
            await response.BeginAsync(http);
            await response.ReconnectAsync(sessionId, http);
            return Results.Empty;
        }

        if (version is null)
            return Problems.NotFound.Problem();
        if (version.HasEnded && cursor == version.LastEventId)
            return Results.NoContent();

        Traces.About(sessionId);
        Traces.Follow(version.TransformId, version.Traceparent);
        await response.BeginAsync(http);
        var next = 0;
        if (cursor is { } c && version.CanGoOnAfter(c))
            next = c.Index + 1;
        else if (cursor is not null)
            FrameWriter.WriteReset(http.Response.BodyWriter, sessionId, response.Now);
        try
        {
            await StreamAsync(sessionKind, sessionId, user, version, next, http);
        }
        catch (DatabaseUnavailableException)
        {
            await response.ReconnectAsync(sessionId, http);
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
        return tickets.UseAsync(http.Request.Query[Tickets.Parameter].ToString(), kind, sessionId, Tickets.IsResume(http.Request), http.RequestAborted);
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
                if (await shortened.ReadAsync(kind, sessionId, userId, next, http.RequestAborted) is { Frames: var frames })
                {
                    foreach (var frame in frames)
                        http.Response.BodyWriter.Write(frame.Bytes);
                    await http.Response.BodyWriter.FlushAsync(http.RequestAborted);
                    return;
                }
            }
            else
            {
                var outcome = await writer.WriteAsync(version.Target(sessionId), next, http.Response.BodyWriter, http.RequestAborted);
                if (outcome == StreamOutcome.Recycled)
                    await response.FarewellAsync(http);
                if (outcome != StreamOutcome.Vanished)
                    return;
            }

            version = await reader.ReadVersionAsync(kind.Name, sessionId, userId, http.RequestAborted);
            next = 0;
            if (version is not null)
                FrameWriter.WriteReset(http.Response.BodyWriter, sessionId, response.Now);
        }

        await response.ReconnectAsync(sessionId, http);
    }

    static bool TryReadCursor(HttpRequest request, out EventId? cursor)
    {
        cursor = null;
        if (StreamResponse.Cursor(request) is not { } text)
            return true;
        if (!EventId.TryParse(text, out var id))
            return false;
        cursor = id;
        return true;
    }
}
