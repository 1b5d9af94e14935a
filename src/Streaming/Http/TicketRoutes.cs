using Streaming.Http.Authentication;
using Streaming.Sessions;

namespace Streaming.Http;

/// <summary><c>POST /api/stream-tickets</c>: a key to one stream, for an <c>EventSource</c>, which cannot send a token.</summary>
public static class TicketRoutes
{
    const int NameCharactersMax = 64;

    public static void Map(IEndpointRouteBuilder routes)
    {
        HashSet<string> kinds = [.. routes.ServiceProvider.GetServices<ISessionKind>().Select(kind => kind.Name)];
        routes.MapPost("/api/stream-tickets", async (HttpContext http, Tickets tickets) =>
            {
                var (body, problem) = await JsonBody.ReadAsync(http.Request, http.RequestAborted);
                if (body is null)
                    return problem!;
                var kind = body.Text("kind", NameCharactersMax, isRequired: true);
                var id = body.Text("id", NameCharactersMax, isRequired: true);
                if (!Guid.TryParse(id, out var sessionId) && !body.Errors.ContainsKey("id"))
                    body.Fail("id", "Must be the id of a session.");
                if (body.Errors.Count > 0)
                    return Problems.InvalidFields.Problem(errors: body.Errors);
                if (!kinds.Contains(kind!))
                    return Problems.UnknownKind.Problem();
                return await tickets.CreateAsync(kind!, sessionId, http.Id(), http.RequestAborted) is { } made
                    ? Results.Json(new StreamTicket(made.Ticket, made.ExpiresAt), statusCode: StatusCodes.Status201Created)
                    : Problems.NotFound.Problem();
            })
            .WithTags("stream").WithSummary("A ticket to connect to one stream once, as ?ticket=").Accepts<StreamTicketRequest>("application/json")
            .Produces<StreamTicket>(201).ProducesProblem(400).ProducesProblem(401).ProducesProblem(404);
    }

    public sealed record StreamTicketRequest(string Kind, Guid Id);

    public sealed record StreamTicket(string Ticket, DateTime ExpiresAt);
}
