using Microsoft.Extensions.Options;
using Streaming.Configuration;
using Streaming.Database;
using Streaming.Http.Authentication;
using Streaming.Http.Limits;
using Streaming.Sessions;
using Streaming.Sse;
using Streaming.Subscriptions;
using Streaming.Telemetry;

namespace Streaming.Http;

/// <summary>
/// <c>GET /api/stream?ids=</c>: the messages of several sessions on one connection. What <see cref="StreamRoutes"/> is for one
/// session: the ids of its events say how far every session has come.
/// </summary>
public sealed class MultiStreamRoutes(
    SessionReader reader, SubscriptionWriter writer, ShortStreamReader shortened, Tickets tickets, OpenStreams open, RequestRates rates,
    StreamResponse response, IEnumerable<ISessionKind> kinds, IOptions<LimitOptions> limits)
{
    readonly Dictionary<string, ISessionKind> _kinds = kinds.ToDictionary(kind => kind.Name);
    readonly int _max = limits.Value.SessionsPerStreamMax;

    public static void Map(IEndpointRouteBuilder routes)
    {
        var services = routes.ServiceProvider;
        routes.MapGet("/api/stream", (string? ids, HttpContext http) => services.GetRequiredService<MultiStreamRoutes>().StreamAsync(ids, http))
            .WithTags("stream").WithSummary("The messages of several sessions on one connection; ids: their ids, with commas between them")
            .Produces<string>(StatusCodes.Status200OK, "text/event-stream").Produces(StatusCodes.Status204NoContent)
            .ProducesProblem(400).ProducesProblem(401).ProducesProblem(404).WithMetadata(new TakesTicket()).DisableRateLimiting();
    }

    async Task<IResult> StreamAsync(string? ids, HttpContext http)
    {
        if (Read(ids?.Split(',', _max + 1) ?? [], _max, out var sessionIds) is { } problem)
            return problem;
        MultiCursor? asked = null;
        if (StreamResponse.Cursor(http.Request) is { } text && !MultiCursor.TryParse(text, sessionIds.Length, out asked))
            return Problems.InvalidCursor.Problem("Last-Event-ID is not an event id of a stream of these sessions.");

        // Before the ticket is used up: whoever comes again later needs it.
        using var place = open.Take();
        if (place is null)
            return await response.BusyAsync(StreamResponse.ServerFull, null, http);

        string? user;
        Dictionary<Guid, (string Kind, SessionVersion Version)> versions;
        try
        {
            user = http.User.Identity?.Name ?? await tickets.UseAsync(
                http.Request.Query[Tickets.Parameter].ToString(), sessionIds, Tickets.IsResume(http.Request), http.RequestAborted);
            if (user is null)
                return Authenticator.Challenge(Problems.InvalidTicket, "Ask for a new one, and connect with it and ?lastEventId=.");
            if (!rates.TryAcquire(user))
                return await response.BusyAsync(Problems.TooManyRequests.Code, null, http);
            if (!place.TryTakeFor(user))
                return await response.BusyAsync(StreamResponse.TooManyStreams, null, http);
            versions = await reader.ReadVersionsAsync(sessionIds, user, http.RequestAborted);
        }
        catch (DatabaseUnavailableException)
        {
            // As for one session: an EventSource gives up for good on anything but 200 and 204.
            await response.BeginAsync(http);
            await response.ReconnectAsync(null, http);
            return Results.Empty;
        }

        // With a cursor the reader has been here before: what is not there any more was deleted since, and the others go on.
        if (asked is null && versions.Count < sessionIds.Length)
            return Problems.NotFound.Problem("One of them, or more.");
        var cursor = asked ?? new MultiCursor(sessionIds.Length);
        if (Enumerable.Range(0, sessionIds.Length).All(i => versions.TryGetValue(sessionIds[i], out var found) ? IsAtEnd(found.Version, cursor, i) : cursor.IsDeleted(i)))
            return Results.NoContent();

        foreach (var (_, version) in versions.Values)
            Traces.Follow(version.TransformId, version.Traceparent);
        await response.BeginAsync(http);
        try
        {
            await StreamAsync(sessionIds, user, cursor, versions, http);
        }
        catch (DatabaseUnavailableException)
        {
            await response.ReconnectAsync(null, http);
        }
        catch (Exception fault) when (fault is OperationCanceledException or IOException)
        {
            // The client has gone. Nothing to tell it.
        }

        return Results.Empty;
    }

    /// <summary>The ids of a stream in their order; or what is wrong with them.</summary>
    public static IResult? Read(IReadOnlyList<string> parts, int max, out Guid[] ids)
    {
        ids = [];
        if (parts is [] or [""])
            return Fault("Must be the ids of sessions, one or more.");
        if (parts.Count > max)
            return Fault($"Must be {max} ids at most.");
        ids = new Guid[parts.Count];
        for (var i = 0; i < parts.Count; i++)
            if (!Guid.TryParse(parts[i], out ids[i]))
                return Problems.InvalidId.Problem("One of the ids is not a UUID.");
        return ids.Distinct().Count() < ids.Length ? Fault("Must not have the same id twice.") : null;

        static IResult Fault(string message) => Problems.InvalidFields.Problem(errors: new Dictionary<string, string[]> { ["ids"] = [message] });
    }

    static bool IsAtEnd(SessionVersion version, MultiCursor cursor, int place) => version.HasEnded && cursor.Last(place) is { } last && last == version.LastEventId;

    /// <summary>
    /// Everything after the cursor. A session whose messages are removed under the reader begins anew with what is left; one
    /// that is deleted ends with a status that says so. Neither stops the others.
    /// </summary>
    async Task StreamAsync(
        Guid[] ids, string user, MultiCursor cursor, Dictionary<Guid, (string Kind, SessionVersion Version)> versions, HttpContext http)
    {
        var output = http.Response.BodyWriter;
        var subscriptions = new List<Subscription>();
        List<int> toBegin = [.. Enumerable.Range(0, ids.Length)];
        var isAnew = false;
        while (true)
        {
            var changed = new List<int>();
            foreach (var place in toBegin)
                if (!await BeginAsync(place))
                    changed.Add(place);
            // What was said of sessions that have gone must not wait for a message of another.
            await output.FlushAsync(http.RequestAborted);
            if (changed.Count == 0)
            {
                if (subscriptions.Count == 0)
                    return;
                var outcome = await writer.WriteAsync(subscriptions, cursor, output, http.RequestAborted);
                if (outcome == StreamOutcome.Recycled)
                    await response.FarewellAsync(http);
                if (outcome != StreamOutcome.Vanished)
                    return;
                changed.AddRange(subscriptions.Where(subscription => subscription.Outcome == StreamOutcome.Vanished).Select(subscription => subscription.Place));
                subscriptions.RemoveAll(subscription => subscription.Outcome is not null);
            }

            (toBegin, isAnew) = (changed, true);
            versions = await reader.ReadVersionsAsync([.. toBegin.Select(place => ids[place])], user, http.RequestAborted);
        }

        // False: meanwhile the session is another than its version says.
        async Task<bool> BeginAsync(int place)
        {
            if (!versions.TryGetValue(ids[place], out var found))
            {
                if (!cursor.IsDeleted(place))
                {
                    cursor.Delete(place);
                    FrameWriter.WriteDeleted(output, ids[place], response.Now, cursor);
                }

                return true;
            }

            var next = 0;
            if (!isAnew && cursor.Last(place) is { } last && found.Version.CanGoOnAfter(last))
            {
                if (IsAtEnd(found.Version, cursor, place))
                    return true;
                next = last.Index + 1;
            }
            else if (isAnew || cursor.IsBegun(place))
            {
                cursor.Forget(place);
                FrameWriter.WriteReset(output, ids[place], response.Now);
            }

            if (!found.Version.IsShortened)
            {
                subscriptions.Add(new Subscription(found.Version.Target(ids[place]), next, place));
                return true;
            }

            if (await shortened.ReadAsync(_kinds[found.Kind], ids[place], user, next, http.RequestAborted) is not { } rest)
                return false;
            foreach (var frame in rest.Frames)
                SubscriptionWriter.WriteWithId(frame, new Subscription(rest.Target, next, place), cursor, output);
            return true;
        }
    }
}
