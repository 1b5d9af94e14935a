using Dapper;
using Microsoft.Extensions.Options;
using Streaming.Configuration;
using Streaming.Database;
using Streaming.Protocol;

namespace Streaming.Sessions;

/// <summary>What became of what a user said to a generation.</summary>
/// <param name="Result">Which of these.</param>
/// <param name="Status">Status of the newest transform, as in the table; only with <see cref="GuidanceResult.TooLate"/>.</param>
public readonly record struct GuidanceOutcome(GuidanceResult Result, string? Status = null);

/// <inheritdoc cref="GuidanceOutcome"/>
public enum GuidanceResult
{
    /// <summary>It is stored, now or by an earlier request with the key.</summary>
    Received,

    /// <summary>The key was used before with another text: nothing was stored.</summary>
    KeyReused,

    /// <summary>The session has <c>Limits:GuidancesMax</c> already: nothing was stored.</summary>
    LimitReached,

    /// <summary>Nothing is left to be guided: nothing was stored.</summary>
    TooLate,
}

/// <summary>Stores what users say to guide a generation, together with the message that tells its readers.</summary>
public sealed class GuidanceWriter(Postgres postgres, IOptions<LimitOptions> limits)
{
    /// <summary>Stores it once for each key; null: no such session.</summary>
    /// <param name="kind">What kind.</param>
    /// <param name="sessionId">The session; its newest transform is meant.</param>
    /// <param name="userId">Whose.</param>
    /// <param name="key">Idempotency key; null: each call stores.</param>
    /// <param name="text">What was said, not empty.</param>
    /// <param name="cancellation">Ends the wait; it may have been stored.</param>
    /// <exception cref="DatabaseUnavailableException"/>
    public Task<GuidanceOutcome?> ReceiveAsync(
        ISessionKind kind, Guid sessionId, string userId, string? key, string text, CancellationToken cancellation)
    {
        // Made here, so that a repeat after a fault that hid a commit meets the first one's key.
        var id = Guid.CreateVersion7();
        var message = new InfoMessage(InfoMessage.GuidanceReceived, "Your guidance was received.", Guidance: [new Guidance(id, text)]);
        return postgres.RunAsync<GuidanceOutcome?>(async connection =>
        {
            var outcome = await connection.QuerySingleAsync<string?>(new CommandDefinition(Sql.Named("sessions/receive_guidance"), new
            {
                kind = kind.Name,
                session = sessionId,
                user = userId,
                key = key ?? id.ToString(),
                id,
                text,
                max = limits.Value.GuidancesMax,
                data = ProtocolJson.Data(message),
            }, cancellationToken: cancellation));
            return outcome switch
            {
                null => null,
                "received" or "repeated" => new GuidanceOutcome(GuidanceResult.Received),
                "reused" => new GuidanceOutcome(GuidanceResult.KeyReused),
                "full" => new GuidanceOutcome(GuidanceResult.LimitReached),
                _ => new GuidanceOutcome(GuidanceResult.TooLate, outcome),
            };
        }, cancellation);
    }
}
