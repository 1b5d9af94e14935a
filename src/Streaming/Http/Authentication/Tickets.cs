using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Dapper;
using Microsoft.Extensions.Options;
using Streaming.Configuration;
using Streaming.Database;

namespace Streaming.Http.Authentication;

/// <summary>
/// Makes and takes the tickets of those who cannot send a header: a browser's <c>EventSource</c>. The table holds their
/// hashes only, so whoever reads it can connect with none of them.
/// </summary>
/// <remarks><code>
///   new ──first use, within TicketLifetime──> used ──┐ resume with a cursor, within ResumeLifetime
///    └── never used: dead after TicketLifetime     ▲──┘ after that: dead
/// </code></remarks>
public sealed class Tickets(Postgres postgres, IOptions<AuthOptions> options)
{
    public const string Parameter = "ticket";
    const int TicketBytes = 32;
    const int TicketCharacters = 43;

    /// <summary>A new ticket for one stream, and when it can no longer be connected with; null if the user has no such session.</summary>
    /// <exception cref="DatabaseUnavailableException"/>
    public Task<(string Ticket, DateTime ExpiresAt)?> CreateAsync(string kind, Guid sessionId, string userId, CancellationToken cancellation)
    {
        var ticket = NewTicket();
        return CreateAsync(ticket, "tickets/create_ticket",
            new { hash = Hash(ticket), user = userId, kind, session = sessionId, seconds = options.Value.TicketLifetime.TotalSeconds }, cancellation);
    }

    /// <summary>The same for the stream of several sessions, in this order; null if one of them is none of the user's.</summary>
    /// <exception cref="DatabaseUnavailableException"/>
    public Task<(string Ticket, DateTime ExpiresAt)?> CreateAsync(Guid[] sessionIds, string userId, CancellationToken cancellation)
    {
        var ticket = NewTicket();
        return CreateAsync(ticket, "tickets/create_ticket_of_several",
            new { hash = Hash(ticket), user = userId, sessions = sessionIds, seconds = options.Value.TicketLifetime.TotalSeconds }, cancellation);
    }

    /// <summary>The same for the stream of the service's status. Who may have one is for the caller to say.</summary>
    /// <exception cref="DatabaseUnavailableException"/>
    public Task<(string Ticket, DateTime ExpiresAt)?> CreateForStatusAsync(string userId, CancellationToken cancellation)
    {
        var ticket = NewTicket();
        return CreateAsync(ticket, "tickets/create_ticket_of_status",
            new { hash = Hash(ticket), user = userId, seconds = options.Value.TicketLifetime.TotalSeconds }, cancellation);
    }

    /// <summary>Whose ticket it is, used up by this; null if it opens this stream no longer, or never did.</summary>
    /// <param name="ticket">As the client gave it.</param>
    /// <param name="kind">Kind of the stream asked for.</param>
    /// <param name="sessionId">Session of the stream asked for.</param>
    /// <param name="isResume">The request has a cursor that a browser sends by itself.</param>
    /// <param name="cancellation">Ends the wait, not a use that was made.</param>
    /// <exception cref="DatabaseUnavailableException"/>
    public Task<string?> UseAsync(string ticket, string kind, Guid sessionId, bool isResume, CancellationToken cancellation) =>
        UseAsync(ticket, "tickets/use_ticket",
            new { hash = Hash(ticket), kind, session = sessionId, resume = isResume, seconds = options.Value.ResumeLifetime.TotalSeconds }, cancellation);

    /// <summary>The same for the stream of several sessions: of those that it was made for, in their order.</summary>
    /// <exception cref="DatabaseUnavailableException"/>
    public Task<string?> UseAsync(string ticket, Guid[] sessionIds, bool isResume, CancellationToken cancellation) =>
        UseAsync(ticket, "tickets/use_ticket_of_several",
            new { hash = Hash(ticket), sessions = sessionIds, resume = isResume, seconds = options.Value.ResumeLifetime.TotalSeconds }, cancellation);

    /// <summary>The same for the stream of the service's status.</summary>
    /// <exception cref="DatabaseUnavailableException"/>
    public Task<string?> UseForStatusAsync(string ticket, bool isResume, CancellationToken cancellation) =>
        UseAsync(ticket, "tickets/use_ticket_of_status",
            new { hash = Hash(ticket), resume = isResume, seconds = options.Value.ResumeLifetime.TotalSeconds }, cancellation);

    /// <summary>Only the header tells a browser that reconnects from somebody who found the address in a log and repeats it.</summary>
    public static bool IsResume(HttpRequest request) => request.Headers["Last-Event-ID"] is [{ Length: > 0 }, ..];

    async Task<(string Ticket, DateTime ExpiresAt)?> CreateAsync(string ticket, string statement, object parameters, CancellationToken cancellation)
    {
        var expiresAt = await postgres.RunAsync(connection => connection.QuerySingleOrDefaultAsync<DateTime?>(
            new CommandDefinition(Sql.Named(statement), parameters, cancellationToken: cancellation)), cancellation);
        return expiresAt is { } time ? (ticket, time) : null;
    }

    Task<string?> UseAsync(string ticket, string statement, object parameters, CancellationToken cancellation) =>
        ticket.Length != TicketCharacters
            ? Task.FromResult<string?>(null)
            : postgres.RunAsync(connection => connection.QuerySingleOrDefaultAsync<string>(
                new CommandDefinition(Sql.Named(statement), parameters, cancellationToken: cancellation)), cancellation);

    static string NewTicket() => Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(TicketBytes));

    static byte[] Hash(string ticket) => SHA256.HashData(Encoding.UTF8.GetBytes(ticket));
}
