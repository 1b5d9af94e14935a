using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Options;
using Streaming.Configuration;
using Streaming.Protocol;
using Streaming.Sessions;

namespace Streaming.Http;

/// <summary>Relays: streams whose messages another program writes, over HTTP.</summary>
public static class RelayRoutes
{
    const int TitleCharactersMax = 500;

    public static void Map(IEndpointRouteBuilder routes)
    {
        var kind = routes.ServiceProvider.GetRequiredService<RelayKind>();
        SessionRoutes.Map<RelayState>(routes, kind);
        var group = routes.MapGroup("/api/relays").WithTags("relays");
        group.MapPost("/", (HttpContext http, SessionRoutes sessions) => CreateAsync(kind, http, sessions))
            .WithSummary("Makes a relay; it streams at once").Accepts<RelayRequest>("application/json").Produces<RelayState>(201).ProducesProblem(400).ProducesProblem(429);
        group.MapPost("/{id}/messages", AppendAsync)
            .WithSummary("Appends one message or several; answered when they are durable").Accepts<JsonElement>("application/json")
            .Produces<RelayAppended>().ProducesProblem(400).ProducesProblem(404).ProducesProblem(409);
        group.MapPost("/{id}/end", EndAsync)
            .WithSummary("Ends the relay").Accepts<RelayEndRequest>("application/json").Produces<RelayEnded>(202).ProducesProblem(404).ProducesProblem(409);
    }

    static async Task<IResult> CreateAsync(RelayKind kind, HttpContext http, SessionRoutes sessions)
    {
        var input = new JsonObject();
        if (JsonBody.IsIn(http.Request))
        {
            var (body, problem) = await JsonBody.ReadAsync(http.Request, http.RequestAborted);
            if (body is null)
                return problem!;
            if (body.Text("title", TitleCharactersMax) is { } title)
                input["title"] = title;
            if (body.Errors.Count > 0)
                return Problems.InvalidFields.Problem(errors: body.Errors);
        }

        return await sessions.CreateAsync(kind, http,
            input.ToJsonString(new JsonSerializerOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }), [], StatusCodes.Status201Created);
    }

    static async Task<IResult> AppendAsync(string id, HttpContext http, RelayWriter relays, IOptions<LimitOptions> limits, IOptions<MessageOptions> messages)
    {
        if (!Guid.TryParse(id, out var sessionId))
            return Problems.InvalidId.Problem();
        var (body, problem) = await JsonBody.ReadAsync(http.Request, http.RequestAborted);
        if (body is null)
            return problem!;
        var appends = new RelayMessages(body, http.Request.Query, limits.Value.RelayMessagesMax, messages.Value.DataBytesMax).Read();
        if (body.Errors.Count > 0)
            return Problems.InvalidFields.Problem(errors: body.Errors);
        var outcome = await relays.AppendAsync(sessionId, http.Id(), appends, http.RequestAborted);
        return outcome switch
        {
            null => Problems.NotFound.Problem(),
            { Appended: null } => Problems.Conflict.Problem("The relay has ended."),
            { Appended: { } appended } => Results.Json(appended, ProtocolJson.Wire.RelayAppended),
        };
    }

    static async Task<IResult> EndAsync(string id, HttpContext http, RelayWriter relays)
    {
        if (!Guid.TryParse(id, out var sessionId))
            return Problems.InvalidId.Problem();
        var status = "completed";
        if (JsonBody.IsIn(http.Request))
        {
            var (body, problem) = await JsonBody.ReadAsync(http.Request, http.RequestAborted);
            if (body is null)
                return problem!;
            status = body.Text("status", 20) ?? status;
            if (status is not ("completed" or "failed"))
                body.Fail("status", "Must be completed or failed.");
            if (body.Errors.Count > 0)
                return Problems.InvalidFields.Problem(errors: body.Errors);
        }

        var before = await relays.EndAsync(sessionId, http.Id(), status, http.RequestAborted);
        if (before is null)
            return Problems.NotFound.Problem();
        // Ending what has ended in that way already is no conflict: the first answer may have been lost.
        return before == "running" || before == status
            ? Results.Json(new RelayEnded(sessionId, status), ProtocolJson.Wire.RelayEnded, statusCode: StatusCodes.Status202Accepted)
            : Problems.Conflict.Problem($"The relay is {SessionVersion.Public(before)} already.");
    }
}
