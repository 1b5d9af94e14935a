using System.Globalization;
using System.Security.Claims;
using Microsoft.Extensions.Options;
using Streaming.Configuration;
using Streaming.Database;
using Streaming.Http.Authentication;
using Streaming.Http.Limits;
using Streaming.WebSockets;

namespace Streaming.Http;

/// <summary><c>/ws</c>: a WebSocket connection, by the rules of docs/protocol.md. Who asks is known by a header or a ticket, or is said in its first message.</summary>
public sealed class WebSocketRoutes(
    ConnectionRunner runner, Tickets tickets, OpenStreams open, RequestRates rates, TokenValidator tokens, IOptions<WebSocketsOptions> options,
    IOptions<AuthOptions> auth, TimeProvider clock)
{
    public const string Path = "/ws";

    readonly HashSet<string> _origins = [.. options.Value.AllowedOrigins.Select(origin => origin.ToLowerInvariant())];

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet(Path, (HttpContext http, WebSocketRoutes self) => self.ConnectAsync(http))
            .WithTags("stream").WithSummary("A WebSocket: channels of sessions, by the section WebSocket of the protocol")
            .Produces(StatusCodes.Status101SwitchingProtocols).ProducesProblem(401).ProducesProblem(403).ProducesProblem(426)
            .WithMetadata(new TakesTicket(), new TakesFirstMessage()).DisableRateLimiting();
        // WebSockets over HTTP/2: RFC 8441.
        routes.MapMethods(Path, ["CONNECT"], (HttpContext http, WebSocketRoutes self) => self.ConnectAsync(http))
            .ExcludeFromDescription().WithMetadata(new TakesTicket(), new TakesFirstMessage()).DisableRateLimiting();
    }

    async Task<IResult> ConnectAsync(HttpContext http)
    {
        if (!http.WebSockets.IsWebSocketRequest)
        {
            http.Response.Headers.Upgrade = "websocket";
            return Problems.UpgradeRequired.Problem();
        }

        if (!IsAllowed(http.Request))
            return Problems.CrossSite.Problem("See WebSockets:AllowedOrigins.");

        // Before the ticket is used up: whoever comes again later needs it.
        using var place = open.Take();
        var refusal = place is null ? CloseReason.ServerFull : null;
        var user = User(http.User);
        if (refusal is null && user is null && http.Request.Query[Tickets.Parameter] is [{ } ticket, ..])
        {
            try
            {
                user = await tickets.UseAsync(ticket, [], isResume: false, http.RequestAborted) is { } owner
                    // How long the token was good that the ticket was made with is not known here.
                    ? new ConnectionUser(owner, clock.GetUtcNow() + auth.Value.ResumeLifetime)
                    : null;
                refusal = user is null ? CloseReason.InvalidTicket : null;
            }
            catch (DatabaseUnavailableException)
            {
                refusal = CloseReason.DatabaseUnavailable;
            }
        }

        using var socket = await http.WebSockets.AcceptWebSocketAsync(new WebSocketAcceptContext
        {
            KeepAliveInterval = options.Value.PingInterval,
            KeepAliveTimeout = options.Value.PongTimeout,
            DangerousEnableCompression = options.Value.Compression,
        });
        // A status of the handshake is hidden from a browser's script; the reason of a close is not.
        await runner.RunAsync(socket, http.Abort, new Gate(this, place), refusal is null ? user : null, refusal, http.RequestAborted);
        return Results.Empty;
    }

    static ConnectionUser? User(ClaimsPrincipal principal) => principal.Identity?.Name is not { } name ? null : new ConnectionUser(
        name, principal.FindFirst(Authenticator.ExpiryClaim) is { } until ? DateTimeOffset.FromUnixTimeSeconds(long.Parse(until.Value, CultureInfo.InvariantCulture)) : null);

    /// <summary>
    /// Whether the page may connect. A browser asks nobody before it does, and sends cookies along: the origin is all there is to tell
    /// another site's page by (RFC 6455, 10.2). What is no browser sends none.
    /// </summary>
    bool IsAllowed(HttpRequest request)
    {
        if (request.Headers.Origin is not [{ } origin])
            return request.Headers.Origin.Count == 0;
        // The scheme may be another behind a proxy with TLS.
        return _origins.Contains(origin.ToLowerInvariant())
            || (Uri.TryCreate(origin, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https" && IsHost(uri, request.Host));
    }

    static bool IsHost(Uri origin, HostString host) =>
        string.Equals(origin.Host, host.Host, StringComparison.OrdinalIgnoreCase) && (host.Port ?? (origin.Scheme == "https" ? 443 : 80)) == origin.Port;

    sealed class Gate(WebSocketRoutes routes, OpenStreams.Place? place) : IConnectionGate
    {
        public ConnectionUser? Authenticate(string token)
        {
            // Everybody is the one user, and needs no token.
            if (routes.IsNone)
                return new ConnectionUser(CurrentUser.Local, null);
            var result = routes.Validate(token);
            return result is { UserId: { } user, Until: var until } ? new ConnectionUser(user, until) : null;
        }

        public CloseReason? Admit(string user) =>
            !routes.TryAcquire(user) ? CloseReason.TooManyRequests
            : place is null ? CloseReason.ServerFull
            : place.TryTakeFor(user) ? null : CloseReason.TooManyStreams;
    }

    bool IsNone => auth.Value.Mode == AuthOptions.None;

    TokenResult Validate(string token) => tokens.Validate(token);

    bool TryAcquire(string user) => rates.TryAcquire(user);
}
