using System.Buffers;
using System.Net.Mime;
using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.Extensions.Options;
using Streaming.Configuration;
using Streaming.Http.Limits;
using Streaming.Protocol;
using Streaming.Sessions;
using Streaming.Telemetry;

namespace Streaming.Http;

/// <summary>What is the same for every kind: read, list, cancel, retry, delete, and the answer to a request that made a session.</summary>
public sealed class SessionRoutes(
    SessionReader reader, FreshStateReader freshStates, SessionWriter writer, GuidanceWriter guidance, StateWaiter waiter,
    IOptions<SubscriptionOptions> subscriptions, IOptions<LimitOptions> limits, UserLimits users, OpenStreams open)
{
    const int PageDefault = 20;

    public static void Map<TState>(IEndpointRouteBuilder routes, ISessionKind kind)
    {
        var group = MapReads<TState>(routes, kind);
        group.MapPost("/{id}/cancel", (string id, HttpContext http, SessionRoutes self) => self.CancelAsync(kind, id, http))
            .WithSummary("Ends the generation; what was made is kept").Produces<TState>(202).ProducesProblem(404).ProducesProblem(409);
        group.MapDelete("/{id}", (string id, HttpContext http, SessionRoutes self) => self.DeleteAsync(kind, id, http))
            .WithSummary($"Removes the {kind.Name} and everything below it").Produces(204).ProducesProblem(400).ProducesProblem(404);
        ArtifactRoutes.Map(group, kind);
        if (kind.Stages.Count == 0)
            return;
        group.MapPost("/{id}/retry", (string id, HttpContext http, SessionRoutes self) => self.RetryAsync(kind, id, http))
            .WithSummary("Runs a failed or cancelled generation again").Produces<TState>(202).ProducesProblem(404).ProducesProblem(409).ProducesProblem(429);
        group.MapPost("/{id}/pause", (string id, HttpContext http, SessionRoutes self) => self.PauseAsync(kind, id, http))
            .WithSummary("Stops the generation until it is resumed").Produces<TState>(202).ProducesProblem(404).ProducesProblem(409);
        group.MapPost("/{id}/resume", (string id, HttpContext http, SessionRoutes self) => self.ResumeAsync(kind, id, http))
            .WithSummary("Goes on with a paused generation").Produces<TState>(202).ProducesProblem(404).ProducesProblem(409);
        if (!kind.HasModel)
            return;
        group.MapPost("/{id}/messages", (string id, HttpContext http, SessionRoutes self) => self.GuideAsync(kind, id, http))
            .WithSummary("Tells a generation that goes on what to go by from now on").Accepts<GuidanceRequest>("application/json")
            .Produces<TState>(202).ProducesProblem(400).ProducesProblem(404).ProducesProblem(409).ProducesProblem(413).ProducesProblem(415).ProducesProblem(422);
    }

    /// <summary>Read and list alone, for a kind that is written in a way of its own.</summary>
    public static RouteGroupBuilder MapReads<TState>(IEndpointRouteBuilder routes, ISessionKind kind)
    {
        var group = routes.MapGroup($"/api/{kind.Plural}").WithTags(kind.Plural);
        group.MapGet("/{id}", (string id, HttpContext http, SessionRoutes self) => self.GetAsync(kind, id, http))
            .WithSummary($"The whole current state of one {kind.Name}, streaming or done")
            .Produces<TState>().Produces(StatusCodes.Status304NotModified).ProducesProblem(400).ProducesProblem(404);
        group.MapGet("/", (HttpContext http, SessionRoutes self) => self.ListAsync(kind, http))
            .WithSummary($"The user's {kind.Plural}, newest first").Produces<SessionPage>().ProducesProblem(400);
        return group;
    }

    /// <summary>The whole state, as its kind has it; waits for news if the request prefers to.</summary>
    public async Task<IResult> GetAsync(ISessionKind kind, string id, HttpContext http)
    {
        if (!Guid.TryParse(id, out var sessionId))
            return Problems.InvalidId.Problem();
        EventId? after = null;
        if (http.Request.Query["after"] is [{ } text, ..])
        {
            if (!EventId.TryParse(text, out var cursor))
                return Problems.InvalidCursor.Problem("?after= takes a lastEventId.");
            after = cursor;
        }

        var request = http.Request.GetTypedHeaders();
        // A look at the version is for whoever may have the state already, and for a replica: it is a round trip.
        if (!freshStates.NeedsVersion && request.IfNoneMatch.Count == 0 && WaitOf(http) is null)
            return Answer(kind, http, await reader.ReadStateAsync(kind.Name, sessionId, http.Id(), after, http.RequestAborted), StatusCodes.Status200OK);
        var version = await reader.ReadVersionAsync(kind.Name, sessionId, http.Id(), http.RequestAborted);
        if (version is null)
            return Problems.NotFound.Problem();
        // Without a place the read is answered at once, as if it did not prefer to wait.
        using var place = WaitOf(http) is null ? null : open.Take();
        if (place?.TryTakeFor(http.Id()) == true && WaitOf(http) is { } wait)
        {
            http.Response.Headers["Preference-Applied"] = $"wait={(int)wait.TotalSeconds}";
            version = await waiter.WaitAsync(kind.Name, sessionId, http.Id(), version, v => Matches(v) || after == v.LastEventId, wait, http.RequestAborted);
        }

        if (version is null)
            return Problems.NotFound.Problem();
        if (Matches(version))
        {
            http.Response.Headers.ETag = version.ETag;
            return Results.StatusCode(StatusCodes.Status304NotModified);
        }

        return Answer(kind, http, await freshStates.ReadAsync(kind.Name, sessionId, http.Id(), after, version, http.RequestAborted), StatusCodes.Status200OK);

        bool Matches(SessionVersion v) => request.IfNoneMatch.Any(tag => tag.Tag == v.ETag || tag.Tag == "*");
    }

    async Task<IResult> ListAsync(ISessionKind kind, HttpContext http)
    {
        var count = PageDefault;
        if (http.Request.Query["limit"] is [{ } limit, ..]
            && (!int.TryParse(limit, out count) || count < 1 || count > limits.Value.PageMax))
            return Problems.InvalidFields.Problem(errors: new Dictionary<string, string[]> { ["limit"] = [$"Must be a whole number from 1 to {limits.Value.PageMax}."] });
        Guid? before = null;
        if (http.Request.Query["cursor"] is [{ Length: > 0 } cursor, ..])
        {
            if (!Guid.TryParseExact(cursor, "N", out var id))
                return Problems.InvalidCursor.Problem("?cursor= takes the nextCursor of a page.");
            before = id;
        }

        // One more than asked for tells whether there is a next page.
        var sessions = await reader.ListAsync(kind.Name, http.Id(), before, count + 1, http.RequestAborted);
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            json.WriteStartArray("items");
            foreach (var session in sessions.Take(count))
                SessionStateJson.WriteSummary(json, kind, session);
            json.WriteEndArray();
            json.WriteString("nextCursor", sessions.Count > count ? sessions[count - 1].Id.ToString("N") : null);
            // Who would generate the next one: a list without sessions says it too.
            if (writer.GeneratorOf(kind) is { } generator)
            {
                json.WriteString("provider", generator.Provider);
                json.WriteString("model", generator.Model);
            }

            json.WriteEndObject();
        }

        return Results.Bytes(buffer.WrittenMemory, MediaTypeNames.Application.Json);
    }

    /// <summary>Ends the newest transform as cancelled.</summary>
    public async Task<IResult> CancelAsync(ISessionKind kind, string id, HttpContext http) =>
        Guid.TryParse(id, out var sessionId)
            ? await ControlledAsync(kind, sessionId, http, await writer.CancelAsync(kind, sessionId, http.Id(), http.RequestAborted), "cancelled")
            : Problems.InvalidId.Problem();

    async Task<IResult> RetryAsync(ISessionKind kind, string id, HttpContext http) =>
        Guid.TryParse(id, out var sessionId)
            ? await ControlledAsync(kind, sessionId, http, await writer.RetryAsync(kind, sessionId, http.Id(), users.SessionsInProgressMax, http.RequestAborted), "retried")
            : Problems.InvalidId.Problem();

    async Task<IResult> PauseAsync(ISessionKind kind, string id, HttpContext http) =>
        Guid.TryParse(id, out var sessionId)
            ? await ControlledAsync(kind, sessionId, http, await writer.PauseAsync(kind, sessionId, http.Id(), http.RequestAborted), "paused")
            : Problems.InvalidId.Problem();

    async Task<IResult> ResumeAsync(ISessionKind kind, string id, HttpContext http) =>
        Guid.TryParse(id, out var sessionId)
            ? await ControlledAsync(kind, sessionId, http, await writer.ResumeAsync(kind, sessionId, http.Id(), http.RequestAborted), "resumed")
            : Problems.InvalidId.Problem();

    async Task<IResult> DeleteAsync(ISessionKind kind, string id, HttpContext http) =>
        !Guid.TryParse(id, out var sessionId) ? Problems.InvalidId.Problem()
        : await writer.DeleteAsync(kind, sessionId, http.Id(), http.RequestAborted) ? Results.NoContent()
        : Problems.NotFound.Problem();

    async Task<IResult> ControlledAsync(ISessionKind kind, Guid sessionId, HttpContext http, ControlOutcome? outcome, string wanted)
    {
        if (outcome is null)
            return Problems.NotFound.Problem();
        if (outcome.Done)
            return await StateAsync(kind, sessionId, http, StatusCodes.Status202Accepted);
        return outcome.IsRefused
            ? TooManySessions(http)
            : await RefusedAsync(Problems.Conflict, $"A generation that is {SessionVersion.Public(outcome.Before)} cannot be {wanted}.", kind, sessionId, http);
    }

    async Task<IResult> GuideAsync(ISessionKind kind, string id, HttpContext http)
    {
        if (!Guid.TryParse(id, out var sessionId))
            return Problems.InvalidId.Problem();
        var (key, invalidKey) = IdempotencyKey(http);
        if (invalidKey is not null)
            return invalidKey;
        var (body, problem) = await JsonBody.ReadAsync(http.Request, http.RequestAborted);
        if (body is null)
            return problem!;
        var text = body.Text("text", limits.Value.GuidanceCharactersMax, isRequired: true);
        if (body.Errors.Count > 0)
            return Problems.InvalidFields.Problem(errors: body.Errors);
        return await guidance.ReceiveAsync(kind, sessionId, http.Id(), key, text!, http.RequestAborted) switch
        {
            null => Problems.NotFound.Problem(),
            { Result: GuidanceResult.Received } => await StateAsync(kind, sessionId, http, StatusCodes.Status202Accepted),
            { Result: GuidanceResult.KeyReused } => Problems.IdempotencyKeyReused.Problem(),
            { Result: GuidanceResult.LimitReached } => await RefusedAsync(
                Problems.GuidanceLimitReached, $"It is {limits.Value.GuidancesMax} messages (Limits:GuidancesMax).", kind, sessionId, http),
            { Status: var status } => await RefusedAsync(
                Problems.Conflict, status == "running"
                    ? "The last stage has ended: nothing is left to be guided."
                    : $"A generation that is {SessionVersion.Public(status!)} cannot be guided.", kind, sessionId, http),
        };
    }

    /// <summary>A problem with the state that the request conflicts with.</summary>
    async Task<IResult> RefusedAsync(ProblemKind problem, string detail, ISessionKind kind, Guid sessionId, HttpContext http)
    {
        if (await reader.ReadStateAsync(kind.Name, sessionId, http.Id(), null, http.RequestAborted) is not { } state)
            return Problems.NotFound.Problem();
        var buffer = new ArrayBufferWriter<byte>();
        SessionStateJson.Write(buffer, kind, state);
        using var document = JsonDocument.Parse(buffer.WrittenMemory);
        return problem.Problem(detail, extensions: new Dictionary<string, object?> { ["state"] = document.RootElement.Clone() });
    }

    /// <summary>The request's <c>Idempotency-Key</c>, null without one; the other result says what is wrong with it.</summary>
    static (string? Key, IResult? Problem) IdempotencyKey(HttpContext http)
    {
        const int KeyCharactersMax = 200;
        var key = http.Request.Headers["Idempotency-Key"].ToString();
        return key.Length > KeyCharactersMax
            ? (null, Problems.InvalidHeader.Problem($"Idempotency-Key must have {KeyCharactersMax} characters at most."))
            : (key.Length > 0 ? key : null, null);
    }

    /// <summary>Makes a session and answers with its state.</summary>
    /// <param name="kind">What kind.</param>
    /// <param name="http">The request; its <c>Idempotency-Key</c> makes a repeat find the session of the first.</param>
    /// <param name="input">What was asked, valid.</param>
    /// <param name="inputs">Artifacts that the transform reads.</param>
    /// <param name="status">202 for what a worker will run, 201 for what runs already.</param>
    /// <param name="upload">Bytes that are stored with it.</param>
    public async Task<IResult> CreateAsync(
        ISessionKind kind, HttpContext http, string input, Guid[] inputs, int status = StatusCodes.Status202Accepted, UploadContent? upload = null)
    {
        var (key, invalidKey) = IdempotencyKey(http);
        if (invalidKey is not null)
            return invalidKey;
        var outcome = await writer.CreateAsync(kind, http.Id(), input, key, inputs, users.SessionsInProgressMax, upload, http.RequestAborted);
        if (outcome.IsRefused)
            return TooManySessions(http);
        if (outcome.KeyReused)
            return Problems.IdempotencyKeyReused.Problem();
        http.Response.Headers.Location = $"/api/{kind.Plural}/{outcome.SessionId}";
        return await StateAsync(kind, outcome.SessionId, http, status);
    }

    IResult TooManySessions(HttpContext http)
    {
        // Nobody knows when the next one ends: often enough to find a place soon, seldom enough to be no burden.
        http.Response.Headers.RetryAfter = "5";
        return Problems.TooManySessions.Problem(
            $"{users.SessionsInProgressMax} are queued, streaming or paused (Limits:SessionsInProgressMax). Cancel one, or wait until one has ended.");
    }

    /// <summary>The state after a write: from where it was written.</summary>
    async Task<IResult> StateAsync(ISessionKind kind, Guid sessionId, HttpContext http, int status)
    {
        Traces.About(sessionId);
        return Answer(kind, http, await reader.ReadStateAsync(kind.Name, sessionId, http.Id(), null, http.RequestAborted), status);
    }

    static IResult Answer(ISessionKind kind, HttpContext http, StoredState? state, int status)
    {
        if (state is null)
            return Problems.NotFound.Problem();
        http.Response.Headers.ETag = state.Version.ETag;
        return new StateResult(kind, state, status);
    }

    /// <summary><c>Prefer: wait=25</c> (RFC 7240), bounded; null if it is not asked for.</summary>
    TimeSpan? WaitOf(HttpContext http)
    {
        foreach (var preference in http.Request.Headers["Prefer"].SelectMany(header => header?.Split(',') ?? []))
            if (preference.Split(';')[0].Split('=') is [var name, var value] && name.Trim() == "wait" && int.TryParse(value.Trim(), out var seconds) && seconds > 0)
                return TimeSpan.FromSeconds(Math.Min(seconds, subscriptions.Value.WaitMax.TotalSeconds));
        return null;
    }

    /// <summary>Written straight into the server's pooled buffers: a large state on the heap is a collection of everything every few requests.</summary>
    sealed class StateResult(ISessionKind kind, StoredState state, int status) : IResult
    {
        public Task ExecuteAsync(HttpContext httpContext)
        {
            httpContext.Response.StatusCode = status;
            httpContext.Response.ContentType = MediaTypeNames.Application.Json;
            SessionStateJson.Write(httpContext.Response.BodyWriter, kind, state);
            // The server flushes it with the end of the body: one packet less.
            return Task.CompletedTask;
        }
    }
}
