using System.Globalization;
using System.IO.Pipelines;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http.Json;
using Microsoft.Extensions.Options;
using Streaming.Configuration;
using Streaming.Database;
using Streaming.Http.Authentication;
using Streaming.Http.Limits;
using Streaming.Sse;
using Streaming.Status;
using Streaming.Subscriptions;

namespace Streaming.Http;

/// <summary><c>/api/v1/status/…</c>: what the service is doing, for those who run it; and the page <c>/dashboard</c>.</summary>
public sealed class StatusRoutes(
    StatusBoard board, StatusReader reader, StatusFeed feed, Tickets tickets, OpenStreams open, RequestRates rates, StreamResponse response, Drain drain,
    IOptions<LimitOptions> limits, IOptions<JsonOptions> json)
{
    /// <summary>What <c>POST /api/stream-tickets</c> is asked for a ticket of the stream here.</summary>
    public const string TicketKind = "status";

    const int PageDefault = 50;

    public static void Map(IEndpointRouteBuilder routes)
    {
        var group = routes.MapGroup("/api/v1/status").WithTags("status");
        Admins(group.MapGet("/system", async (StatusRoutes self, CancellationToken cancellation) => Results.Json(await self.Board.ReadSystemAsync(cancellation))))
            .WithSummary("The service now: what is under way, this process, what it depends on").Produces<SystemStatus>();
        Admins(group.MapGet("/upload-queue", async (StatusRoutes self, CancellationToken cancellation) => Results.Json(await self.Board.ReadUploadQueueAsync(cancellation))))
            .WithSummary("Uploads that wait and that are worked on, by priority").Produces<UploadQueueStatus>();
        Admins(group.MapGet("/streaming", async (StatusRoutes self, CancellationToken cancellation) => Results.Json(await self.Board.ReadStreamingAsync(cancellation))))
            .WithSummary("Readers, delivery, what is in progress, what has ended within the last hour").Produces<StreamingStatus>();
        Admins(group.MapGet("/websocket", async (StatusRoutes self, CancellationToken cancellation) => Results.Json(await self.Board.ReadWebSocketAsync(cancellation))))
            .WithSummary("Connections of WebSockets").Produces<WebSocketStatus>();
        Admins(group.MapGet("/dashboard", (HttpContext http, StatusRoutes self) => self.DashboardAsync(http)))
            .WithSummary("All that the page /dashboard begins with").Produces<Dashboard>();
        Admins(group.MapGet("/runs", (HttpContext http, StatusRoutes self) => self.RunsAsync(http)))
            .WithSummary("The runs of all users, newest first").Produces<RunPage>().ProducesProblem(400);
        group.MapGet("/upload/{id}", (string id, HttpContext http, StatusRoutes self) => self.UploadAsync(id, http))
            .WithSummary("How far one upload is").Produces<UploadStatus>().ProducesProblem(400).ProducesProblem(404).WithMetadata(new ForAdmins(OthersToo: true));
        Admins(group.MapGet("/stream", (HttpContext http, StatusRoutes self) => self.StreamAsync(http)))
            .WithSummary("What the dashboard shows, as it changes").Produces<string>(StatusCodes.Status200OK, "text/event-stream")
            .ProducesProblem(400).ProducesProblem(401).WithMetadata(new TakesTicket()).DisableRateLimiting();
        routes.MapGet("/dashboard", (IWebHostEnvironment environment, HttpContext http) =>
        {
            http.Response.Headers.CacheControl = "no-cache";
            return Results.File(Path.Combine(environment.WebRootPath, "dashboard.html"), "text/html; charset=utf-8");
        }).ExcludeFromDescription().AllowAnonymous();

        static RouteHandlerBuilder Admins(RouteHandlerBuilder route) => route.ProducesProblem(403).WithMetadata(new ForAdmins());
    }

    /// <summary>The names of the status are those of metrics: <c>active_streams</c>.</summary>
    public static void NameProperties(JsonTypeInfo type)
    {
        if (type.Kind != JsonTypeInfoKind.Object || type.Type.Namespace != typeof(SystemStatus).Namespace)
            return;
        foreach (var property in type.Properties)
            property.Name = JsonNamingPolicy.SnakeCaseLower.ConvertName(property.Name);
    }

    StatusBoard Board => board;

    async Task<IResult> UploadAsync(string id, HttpContext http) =>
        !Guid.TryParse(id, out var sessionId) ? Problems.InvalidId.Problem()
        : await reader.ReadUploadAsync(sessionId, http.IsAdmin() ? null : http.Id(), http.RequestAborted) is { } upload ? Results.Json(upload)
        : Problems.NotFound.Problem();

    async Task<IResult> DashboardAsync(HttpContext http)
    {
        var now = await board.ReadSystemAsync(http.RequestAborted);
        return Results.Json(new Dashboard(
            now, await reader.ReadHistoryAsync(null, http.RequestAborted), await reader.ReadRunsAsync(null, PageDefault, http.RequestAborted)));
    }

    async Task<IResult> RunsAsync(HttpContext http)
    {
        var count = PageDefault;
        if (http.Request.Query["limit"] is [{ } limit, ..] && (!int.TryParse(limit, out count) || count < 1 || count > limits.Value.PageMax))
            return Problems.InvalidFields.Problem(errors: new Dictionary<string, string[]> { ["limit"] = [$"Must be a whole number from 1 to {limits.Value.PageMax}."] });
        Guid? before = null;
        if (http.Request.Query["cursor"] is [{ Length: > 0 } cursor, ..])
        {
            if (!Guid.TryParseExact(cursor, "N", out var id))
                return Problems.InvalidCursor.Problem("?cursor= takes the next_cursor of a page.");
            before = id;
        }

        return Results.Json(await reader.ReadRunsAsync(before, count, http.RequestAborted));
    }

    async Task<IResult> StreamAsync(HttpContext http)
    {
        DateTimeOffset? cursor = null;
        if (StreamResponse.Cursor(http.Request) is { } text)
        {
            if (!long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var milliseconds) || milliseconds > DateTimeOffset.MaxValue.ToUnixTimeMilliseconds())
                return Problems.InvalidCursor.Problem("Last-Event-ID is not an event id of ours.");
            cursor = DateTimeOffset.FromUnixTimeMilliseconds(milliseconds);
        }

        using var place = open.Take();
        if (place is null)
            return await response.BusyAsync(StreamResponse.ServerFull, null, http);
        try
        {
            var user = http.User.Identity?.Name ?? await tickets.UseForStatusAsync(
                http.Request.Query[Tickets.Parameter].ToString(), Tickets.IsResume(http.Request), http.RequestAborted);
            if (user is null)
                return Authenticator.Challenge(Problems.InvalidTicket, "Ask for a new one, and connect with it and ?lastEventId=.");
            if (!rates.TryAcquire(user))
                return await response.BusyAsync(Problems.TooManyRequests.Code, null, http);
            if (!place.TryTakeFor(user))
                return await response.BusyAsync(StreamResponse.TooManyStreams, null, http);
        }
        catch (DatabaseUnavailableException)
        {
            await response.BeginAsync(http);
            await response.ReconnectAsync(null, http);
            return Results.Empty;
        }

        await response.BeginAsync(http);
        using var turn = drain.Take(http.RequestAborted);
        try
        {
            await WriteAsync(cursor, http.Response.BodyWriter, turn.Token);
        }
        catch (Exception fault) when (fault is OperationCanceledException or IOException)
        {
            // The client has gone, or it is told that the service stops.
        }

        if (!http.RequestAborted.IsCancellationRequested)
            await response.ReconnectAsync(null, http);

        return Results.Empty;
    }

    /// <summary>The history since the cursor, then what is now and each new point, until there is nobody to tell.</summary>
    async Task WriteAsync(DateTimeOffset? cursor, PipeWriter output, CancellationToken cancellation)
    {
        // Of another clock, or of a time when nobody looked: all of it anew.
        var isReset = cursor is null || cursor > DateTimeOffset.FromUnixTimeMilliseconds(response.Now) + TimeSpan.FromMinutes(1);
        if (isReset)
            cursor = null;
        var update = await feed.ReadAsync(cancellation);
        while (true)
        {
            if (isReset || update.Newest > (cursor ?? DateTimeOffset.MinValue))
                (cursor, isReset) = await WriteHistoryAsync(cursor, isReset, output, cancellation);
            Write(new FiguresEvent("figures", response.Now, update.Now), null, output);
            var flushed = await output.FlushAsync(cancellation);
            if (flushed.IsCompleted || flushed.IsCanceled)
                return;
            update = await feed.NextAsync().WaitAsync(cancellation);
        }
    }

    /// <summary>Returns the new cursor, and whether the history is still to be told from its beginning.</summary>
    async Task<(DateTimeOffset? Cursor, bool IsReset)> WriteHistoryAsync(DateTimeOffset? cursor, bool isReset, PipeWriter output, CancellationToken cancellation)
    {
        try
        {
            var history = await reader.ReadHistoryAsync(cursor, cancellation);
            // A browser resumes with a ticket only where it has been told an id.
            cursor = history.Points is [.., var last] ? last.At : cursor ?? history.From;
            Write(new HistoryEvent("history", response.Now, isReset, history), cursor?.ToUnixTimeMilliseconds(), output);
            return (cursor, false);
        }
        catch (DatabaseUnavailableException)
        {
            return (cursor, isReset);
        }
    }

    void Write<T>(T message, long? id, PipeWriter output) => FrameWriter.WriteEvent(output, JsonSerializer.SerializeToUtf8Bytes(message, json.Value.SerializerOptions), id);

    /// <param name="Type"><c>figures</c>.</param>
    /// <param name="Timestamp">Unix ms.</param>
    /// <param name="Now">The service now.</param>
    sealed record FiguresEvent(string Type, long Timestamp, SystemStatus Now);

    /// <param name="Type"><c>history</c>.</param>
    /// <param name="Timestamp">Unix ms.</param>
    /// <param name="Reset">Whether it begins anew: what was told before is to be dropped.</param>
    /// <param name="History">Points since the last that was told.</param>
    sealed record HistoryEvent(string Type, long Timestamp, bool Reset, History History);
}
