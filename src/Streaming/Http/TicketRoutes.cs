using System.Text.Json;
using Microsoft.Extensions.Options;
using Streaming.Configuration;
using Streaming.Http.Authentication;
using Streaming.Sessions;

namespace Streaming.Http;

/// <summary><c>POST /api/stream-tickets</c>: a key to one stream, of one session or of several, or to a WebSocket, for a browser, which cannot send a token with either.</summary>
public static class TicketRoutes
{
    const int NameCharactersMax = 64;

    public static void Map(IEndpointRouteBuilder routes)
    {
        HashSet<string> kinds = [.. routes.ServiceProvider.GetServices<ISessionKind>().Select(kind => kind.Name)];
        routes.MapPost("/api/stream-tickets", async (HttpContext http, Tickets tickets, IOptions<LimitOptions> limits) =>
            {
                var (body, problem) = await JsonBody.ReadAsync(http.Request, http.RequestAborted);
                if (body is null)
                    return problem!;
                if (body.Property("webSocket") is { } webSocket)
                    return WebSocket(webSocket, body) ?? Answer(await tickets.CreateAsync([], http.Id(), http.RequestAborted));
                if (body.Property("ids") is { } ids)
                    return Ids(ids, body, limits.Value.SessionsPerStreamMax, out var sessionIds) ?? Answer(await tickets.CreateAsync(sessionIds, http.Id(), http.RequestAborted));
                var kind = body.Text("kind", NameCharactersMax, isRequired: true);
                if (kind == StatusRoutes.TicketKind)
                    return body.Property("id") is not null ? Problems.InvalidFields.Problem(errors: new Dictionary<string, string[]> { ["id"] = ["Must not come with the kind status."] })
                        : http.IsAdmin() ? Answer(await tickets.CreateForStatusAsync(http.Id(), http.RequestAborted))
                        : Problems.AdminOnly.Problem();
                var id = body.Text("id", NameCharactersMax, isRequired: true);
                if (!Guid.TryParse(id, out var sessionId) && !body.Errors.ContainsKey("id"))
                    body.Fail("id", "Must be the id of a session.");
                if (body.Errors.Count > 0)
                    return Problems.InvalidFields.Problem(errors: body.Errors);
                if (!kinds.Contains(kind!))
                    return Problems.UnknownKind.Problem();
                return Answer(await tickets.CreateAsync(kind!, sessionId, http.Id(), http.RequestAborted));
            })
            .WithTags("stream").WithSummary("A ticket to connect to one stream once, as ?ticket=").Accepts<StreamTicketRequest>("application/json")
            .Produces<StreamTicket>(201).ProducesProblem(400).ProducesProblem(401).ProducesProblem(403).ProducesProblem(404).WithMetadata(new ForAdmins(OthersToo: true));
    }

    /// <summary>A ticket for <c>/ws</c> is one for no session, and has nothing else; or what is wrong with it.</summary>
    static IResult? WebSocket(JsonElement given, JsonBody body)
    {
        if (given.ValueKind != JsonValueKind.True)
            body.Fail("webSocket", "Must be true.");
        else if (body.Property("ids") is not null || body.Property("kind") is not null || body.Property("id") is not null)
            body.Fail("webSocket", "Must not come with kind, id or ids: it is for no stream.");
        return body.Errors.Count > 0 ? Problems.InvalidFields.Problem(errors: body.Errors) : null;
    }

    /// <summary>The ids of a ticket for several sessions; or what is wrong with them.</summary>
    static IResult? Ids(JsonElement given, JsonBody body, int max, out Guid[] sessionIds)
    {
        sessionIds = [];
        if (given.ValueKind != JsonValueKind.Array)
            body.Fail("ids", "Must be an array of ids of sessions.");
        else if (body.Property("kind") is not null || body.Property("id") is not null)
            body.Fail("ids", "Must not come with kind and id: they are for the stream of one session.");
        var texts = body.Errors.Count > 0 ? [] : given.EnumerateArray().Take(max + 1).Select(id => body.Text(id, "ids", NameCharactersMax, isRequired: true) ?? "").ToList();
        return body.Errors.Count > 0 ? Problems.InvalidFields.Problem(errors: body.Errors) : MultiStreamRoutes.Read(texts, max, out sessionIds);
    }

    static IResult Answer((string Ticket, DateTime ExpiresAt)? made) => made is { } ticket
        ? Results.Json(new StreamTicket(ticket.Ticket, ticket.ExpiresAt), statusCode: StatusCodes.Status201Created)
        : Problems.NotFound.Problem();

    /// <summary>Either kind and id, or ids, or webSocket, or the kind status alone.</summary>
    public sealed record StreamTicketRequest(string? Kind = null, Guid? Id = null, Guid[]? Ids = null, bool? WebSocket = null);

    public sealed record StreamTicket(string Ticket, DateTime ExpiresAt);
}
