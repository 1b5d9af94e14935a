using System.Globalization;
using System.Security.Claims;
using Microsoft.AspNetCore.Authorization;
using Microsoft.Extensions.Options;
using Streaming.Configuration;

namespace Streaming.Http.Authentication;

/// <summary>An endpoint that may be asked with <c>?ticket=</c> in place of a token, and checks it itself.</summary>
public sealed record TakesTicket;

/// <summary>A WebSocket endpoint: a browser cannot send a token with its handshake, so the first message may have it.</summary>
public sealed record TakesFirstMessage;
/// <summary>An endpoint for those who run the service.</summary>
/// <param name="OthersToo">Others may ask as well, and are told what is theirs: the endpoint itself looks at who asks.</param>
public sealed record ForAdmins(bool OthersToo = false);

/// <summary>
/// Stands before every endpoint and says whose request it is, or refuses it. What is open says so (AllowAnonymous); an
/// endpoint that says nothing needs a user.
/// </summary>
public sealed class Authenticator(IOptions<AuthOptions> options, TokenValidator tokens)
{
    /// <summary>When the token of the request ends, in Unix seconds; the user has it as a claim.</summary>
    public const string ExpiryClaim = "exp";

    const string Scheme = "Bearer";

    readonly bool _isNone = options.Value.Mode == AuthOptions.None;
    readonly ClaimsPrincipal _local = Principal(CurrentUser.Local, until: null, isAdmin: true);
    readonly bool _guardsHost = options.Value.Mode == AuthOptions.None && !options.Value.AllowRemote;

    public Task InvokeAsync(HttpContext http, RequestDelegate next)
    {
        // DNS rebinding: a page of evil.example has its name point to 127.0.0.1 and is then of the same origin as this
        // service. The name is still in its requests. (No Host at all is HTTP/1.0: not a browser.)
        if (_guardsHost && http.Request.Host.HasValue && !ListenAddresses.IsLoopbackHost(http.Request.Host.Host))
            return Problems.HostNotAllowed.Problem("Mode none answers to loopback names only.").ExecuteAsync(http);
        if (!NeedsUser(http))
            return next(http);
        if (_isNone)
        {
            // Whoever reaches the service is its one user.
            http.User = _local;
            return next(http);
        }

        return http.Request.Headers.Authorization switch
        {
            [] when IsTicketRequest(http) || IsFirstMessageRequest(http) => next(http),
            [] => Challenge(Problems.Unauthenticated, null).ExecuteAsync(http),
            [{ } header] when header.StartsWith($"{Scheme} ", StringComparison.OrdinalIgnoreCase) =>
                BearerAsync(http, header[(Scheme.Length + 1)..].Trim(), next),
            [_] => Challenge(Problems.Unauthenticated, "The scheme must be Bearer.").ExecuteAsync(http),
            _ => Challenge(Problems.InvalidToken, "There are several Authorization headers.").ExecuteAsync(http),
        };
    }

    Task BearerAsync(HttpContext http, string token, RequestDelegate next)
    {
        var (user, until, fault) = tokens.Validate(token);
        if (user is null)
            return Challenge(Problems.InvalidToken, fault).ExecuteAsync(http);
        var admins = http.GetEndpoint()?.Metadata.GetMetadata<ForAdmins>();
        var isAdmin = admins is not null && tokens.IsAdmin(token);
        if (admins is { OthersToo: false } && !isAdmin)
            return Problems.AdminOnly.Problem().ExecuteAsync(http);
        http.User = Principal(user, until, isAdmin);
        return next(http);
    }

    /// <summary>A 401 with what RFC 9110 (11.6.1) and RFC 6750 (3) ask of it.</summary>
    public static IResult Challenge(ProblemKind kind, string? detail) =>
        new ChallengeResult(kind == Problems.Unauthenticated ? Scheme : $"{Scheme} error=\"invalid_token\"", kind.Problem(detail));

    static bool NeedsUser(HttpContext http) => http.GetEndpoint() is { } endpoint
        ? endpoint.Metadata.GetMetadata<IAllowAnonymous>() is null
        // No endpoint: a file of the page, or an address that does not exist. Below /api nobody is told which do.
        : http.Request.Path.StartsWithSegments("/api", StringComparison.OrdinalIgnoreCase);

    static bool IsTicketRequest(HttpContext http) =>
        http.GetEndpoint()?.Metadata.GetMetadata<TakesTicket>() is not null && http.Request.Query.ContainsKey(Tickets.Parameter);

    static bool IsFirstMessageRequest(HttpContext http) =>
        http.GetEndpoint()?.Metadata.GetMetadata<TakesFirstMessage>() is not null && http.WebSockets.IsWebSocketRequest;

    static ClaimsPrincipal Principal(string user, DateTimeOffset? until, bool isAdmin)
    {
        var identity = new ClaimsIdentity([new Claim(ClaimTypes.Name, user)], Scheme);
        if (until is { } end)
            identity.AddClaim(new Claim(ExpiryClaim, end.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture)));
        if (isAdmin)
            identity.AddClaim(new Claim(ClaimTypes.Role, CurrentUser.Admin));
        return new ClaimsPrincipal(identity);
    }

    sealed class ChallengeResult(string challenge, IResult problem) : IResult
    {
        public Task ExecuteAsync(HttpContext httpContext)
        {
            httpContext.Response.Headers.WWWAuthenticate = challenge;
            return problem.ExecuteAsync(httpContext);
        }
    }
}
