using System.Text.Encodings.Web;
using System.Text.Json;
using Dapper;
using Npgsql;
using Streaming.Database;
using Streaming.Models;
using Streaming.Protocol;
using Streaming.Telemetry;

namespace Streaming.Sessions;

/// <summary>How a request to make a session ended.</summary>
/// <param name="SessionId">The session, new or made by an earlier request with the same key.</param>
/// <param name="KeyReused">The key was used before with another input: nothing was made.</param>
/// <param name="IsRefused">The user has as many sessions in progress as may be: nothing was made.</param>
public readonly record struct CreateOutcome(Guid SessionId, bool KeyReused, bool IsRefused = false);

/// <summary>How a request to change a transform ended.</summary>
/// <param name="Before">Status of the newest transform before, as in the table.</param>
/// <param name="Done">Whether it is now as the request wanted it.</param>
/// <param name="IsRefused">It is not, because the user has as many sessions in progress as may be.</param>
public sealed record ControlOutcome(string Before, bool Done, bool IsRefused = false);

/// <summary>Bytes that are stored with a session.</summary>
/// <param name="Content">The file; null: nothing is stored, and only the priority counts.</param>
/// <param name="Priority">0 for what has time, to 3; the highest is taken first.</param>
public sealed record UploadContent(byte[]? Content, int Priority);

/// <summary>Makes sessions and their further transforms, each with its <c>start</c> message in the same statement.</summary>
public sealed class SessionWriter(Postgres postgres, ModelClient model)
{
    static readonly JsonSerializerOptions Json = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    sealed record EarlierSession(Guid Id, bool Same);

    sealed record RetryRow(string Status, bool Retried, bool IsFull);

    /// <summary>Who generates what is made or retried from now on; null for a kind without a model.</summary>
    public ModelInfo? GeneratorOf(ISessionKind kind) => kind.HasModel ? model.Info : null;

    /// <summary>Makes a session and queues its first transform; a relay's runs at once.</summary>
    /// <param name="kind">What kind.</param>
    /// <param name="userId">Whose.</param>
    /// <param name="input">What was asked: a JSON object, echoed in the state.</param>
    /// <param name="idempotencyKey">Makes a repeated request find the first one's session.</param>
    /// <param name="inputs">Artifacts that the transform reads.</param>
    /// <param name="inProgressMax">Sessions that the user may have in progress, this one included; null is no limit.</param>
    /// <param name="upload">The bytes that the session is about, and how urgent they are; null for what has none.</param>
    /// <param name="cancellation">Ends the wait; the session may have been made.</param>
    /// <exception cref="DatabaseUnavailableException"/>
    public Task<CreateOutcome> CreateAsync(
        ISessionKind kind, string userId, string input, string? idempotencyKey, Guid[] inputs, int? inProgressMax, UploadContent? upload, CancellationToken cancellation)
    {
        // Made here, so that a repeat after a fault that hid a commit meets the first one's key.
        var (sessionId, transformId) = (Guid.CreateVersion7(), Guid.CreateVersion7());
        var isRelay = kind.Name == RelayKind.KindName;
        idempotencyKey ??= sessionId.ToString();
        var stages = kind.StagesOf(JsonElement.Parse(input));
        return postgres.RunAsync(async connection =>
        {
            var made = await connection.QuerySingleOrDefaultAsync<Guid?>(new CommandDefinition(Sql.Named("sessions/create_session"), new
            {
                session = sessionId,
                kind = kind.Name,
                user = userId,
                input,
                key = idempotencyKey,
                transform = transformId,
                status = isRelay ? "running" : "queued",
                context = Context(kind),
                traceparent = Traces.Traceparent,
                stages = stages.Select(stage => stage.Name).ToArray(),
                labels = stages.Select(stage => stage.Label).ToArray(),
                weights = stages.Select(stage => (float)stage.Weight).ToArray(),
                start = Start(kind, transformId, stages),
                inputs,
                queue = kind.Queue,
                priority = (short)(upload?.Priority ?? 0),
                content = upload?.Content,
                inProgressMax,
            }, cancellationToken: cancellation));
            if (made is not null)
                return new CreateOutcome(sessionId, false);
            // A repeat of an earlier request is never refused: it makes nothing.
            var earlier = await connection.QuerySingleOrDefaultAsync<EarlierSession>(new CommandDefinition(
                Sql.Named("sessions/find_by_idempotency_key"), new { user = userId, kind = kind.Name, key = idempotencyKey, input },
                cancellationToken: cancellation));
            return earlier is null ? new CreateOutcome(Guid.Empty, false, IsRefused: true) : new CreateOutcome(earlier.Id, !earlier.Same);
        }, cancellation);
    }

    /// <summary>Queues the next transform of a session whose newest one failed or was cancelled; null: no such session.</summary>
    /// <param name="kind">Its kind.</param>
    /// <param name="sessionId">The session.</param>
    /// <param name="userId">Whose it must be.</param>
    /// <param name="inProgressMax">Sessions that the user may have in progress, this one included; null is no limit.</param>
    /// <param name="cancellation">Ends the wait; the transform may have been made.</param>
    /// <exception cref="DatabaseUnavailableException"/>
    public Task<ControlOutcome?> RetryAsync(ISessionKind kind, Guid sessionId, string userId, int? inProgressMax, CancellationToken cancellation)
    {
        var transformId = Guid.CreateVersion7();
        return postgres.RunAsync(async connection =>
        {
            var input = await connection.QuerySingleOrDefaultAsync<string>(new CommandDefinition(
                Sql.Named("sessions/read_input"), new { kind = kind.Name, session = sessionId, user = userId }, cancellationToken: cancellation));
            if (input is null)
                return null;
            var stages = kind.StagesOf(JsonElement.Parse(input));
            var outcome = await RetryAsync(connection, stages);
            // The last place may have gone to another retry of this session, which the count waited for: look once more.
            if (outcome is { IsFull: true })
                outcome = await RetryAsync(connection, stages);
            // A retry that is already under way is what was wanted.
            return outcome is null ? null : new ControlOutcome(outcome.Status, outcome.Retried || outcome.Status is "queued" or "running", outcome.IsFull);
        }, cancellation);

        Task<RetryRow?> RetryAsync(NpgsqlConnection connection, IReadOnlyList<StageInfo> stages) => connection.QuerySingleOrDefaultAsync<RetryRow>(new CommandDefinition(
            Sql.Named("sessions/retry_session"), new
            {
                kind = kind.Name,
                session = sessionId,
                user = userId,
                transform = transformId,
                context = Context(kind),
                traceparent = Traces.Traceparent,
                stages = stages.Select(stage => stage.Name).ToArray(),
                labels = stages.Select(stage => stage.Label).ToArray(),
                weights = stages.Select(stage => (float)stage.Weight).ToArray(),
                start = Start(kind, transformId, stages),
                inProgressMax,
            }, cancellationToken: cancellation));
    }

    /// <summary>Ends the newest transform as cancelled, at once, whoever runs it; null: no such session.</summary>
    /// <exception cref="DatabaseUnavailableException"/>
    public Task<ControlOutcome?> CancelAsync(ISessionKind kind, Guid sessionId, string userId, CancellationToken cancellation) =>
        postgres.RunAsync(async connection =>
        {
            var end = new EndMessage("cancelled");
            var before = await connection.QuerySingleOrDefaultAsync<string>(new CommandDefinition(Sql.Named("transforms/cancel"), new
            {
                kind = kind.Name,
                session = sessionId,
                user = userId,
                types = new[] { end.Type },
                data = new[] { ProtocolJson.Data(end) },
            }, cancellationToken: cancellation));
            return before is null ? null : new ControlOutcome(before, before is "queued" or "running" or "paused" or "cancelled");
        }, cancellation);

    /// <summary>Removes a session with everything below it, and ends it first if it runs; false: no such session.</summary>
    /// <exception cref="DatabaseUnavailableException"/>
    public Task<bool> DeleteAsync(ISessionKind kind, Guid sessionId, string userId, CancellationToken cancellation) =>
        postgres.RunAsync(connection => connection.QuerySingleAsync<bool>(new CommandDefinition(
            Sql.Named("sessions/delete_session"), new { kind = kind.Name, session = sessionId, user = userId },
            cancellationToken: cancellation)), cancellation);

    /// <summary>
    /// Stops the generation until it is resumed: no worker takes it, its stream stays open. What is complete is kept; the
    /// stage that was broken off begins anew. Null: no such session.
    /// </summary>
    /// <exception cref="DatabaseUnavailableException"/>
    public Task<ControlOutcome?> PauseAsync(ISessionKind kind, Guid sessionId, string userId, CancellationToken cancellation) =>
        MoveAsync(kind, sessionId, userId, ["queued", "running"], "paused", ["paused"], cancellation);

    /// <summary>Puts a paused generation back into the queue; null: no such session.</summary>
    /// <exception cref="DatabaseUnavailableException"/>
    public Task<ControlOutcome?> ResumeAsync(ISessionKind kind, Guid sessionId, string userId, CancellationToken cancellation) =>
        MoveAsync(kind, sessionId, userId, ["paused"], "queued", ["queued", "running"], cancellation);

    Task<ControlOutcome?> MoveAsync(
        ISessionKind kind, Guid sessionId, string userId, string[] from, string status, string[] already, CancellationToken cancellation) =>
        postgres.RunAsync(async connection =>
        {
            var message = new StatusMessage(status);
            var before = await connection.QuerySingleOrDefaultAsync<string>(new CommandDefinition(Sql.Named("transforms/move"), new
            {
                kind = kind.Name,
                session = sessionId,
                user = userId,
                from,
                status,
                types = new[] { message.Type },
                data = new[] { ProtocolJson.Data(message) },
            }, cancellationToken: cancellation));
            return before is null ? null : new ControlOutcome(before, from.Contains(before) || already.Contains(before));
        }, cancellation);

    string Context(ISessionKind kind) => GeneratorOf(kind) is { } generator
        ? JsonSerializer.Serialize(new { provider = generator.Provider, model = generator.Model }, Json)
        : "{}";

    string Start(ISessionKind kind, Guid transformId, IReadOnlyList<StageInfo> stages) => ProtocolJson.Data(new StartMessage(
        kind.Name, transformId, GeneratorOf(kind)?.Provider, GeneratorOf(kind)?.Model, stages));
}
