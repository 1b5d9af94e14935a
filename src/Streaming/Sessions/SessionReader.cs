using Dapper;
using Microsoft.Extensions.Options;
using Npgsql;
using Streaming.Configuration;
using Streaming.Database;

namespace Streaming.Sessions;

/// <summary>A row of a list of sessions. Times are UTC.</summary>
public sealed record SessionSummary(Guid Id, string Input, DateTime CreatedAt, string Status, string ExecutionContext, DateTime UpdatedAt);

/// <summary>An output of a session's newest transform, and the input of that session.</summary>
public sealed record SessionArtifact(Guid Id, string Data, string Input);

/// <summary>Reads sessions. Everything is asked for with the user it must belong to; another's is as good as none.</summary>
public sealed class SessionReader(Postgres postgres, IOptions<DatabaseOptions> options, TimeProvider clock)
{
    // Of one statement.
    const int VersionsMax = 64;

    readonly GroupedReads<(Guid SessionId, string UserId), (string Kind, SessionVersion Version)?> _versions = new(
        (asked, token) => postgres.InTurnAsync(connection => ReadVersionsAsync(connection, asked, token), token),
        options.Value.CatchUpReadsMax, VersionsMax, options.Value.RequestPatience, clock);

    static SessionReader() => DefaultTypeMap.MatchNamesWithUnderscores = true;

    /// <summary>The unified state; null if the user has no such session.</summary>
    /// <param name="kind">Name of the kind.</param>
    /// <param name="sessionId">The session.</param>
    /// <param name="userId">Whose it must be.</param>
    /// <param name="after">Leaves out the chunks up to this one; of another transform: leaves out none.</param>
    /// <param name="cancellation">Ends the read.</param>
    /// <exception cref="DatabaseUnavailableException"/>
    public Task<StoredState?> ReadStateAsync(string kind, Guid sessionId, string userId, EventId? after, CancellationToken cancellation) =>
        postgres.RunAsync(connection => ReadStateAsync(connection, kind, sessionId, userId, after, cancellation), cancellation);

    /// <summary>What tells whether the state has changed; null if the user has no such session.</summary>
    /// <exception cref="DatabaseUnavailableException"/>
    public Task<SessionVersion?> ReadVersionAsync(string kind, Guid sessionId, string userId, CancellationToken cancellation) =>
        postgres.PatientlyAsync(async token => Of(kind, await _versions.ReadAsync((sessionId, userId), token)), cancellation);

    /// <summary>The same of many sessions, of any kind; those that the user does not have are left out.</summary>
    /// <exception cref="DatabaseUnavailableException"/>
    public Task<Dictionary<Guid, (string Kind, SessionVersion Version)>> ReadVersionsAsync(
        IReadOnlyCollection<Guid> sessionIds, string userId, CancellationToken cancellation) =>
        postgres.PatientlyAsync(async token =>
        {
            var found = await Task.WhenAll(sessionIds.Select(async id => (Id: id, Version: await _versions.ReadAsync((id, userId), token))));
            return found.Where(read => read.Version is not null).ToDictionary(read => read.Id, read => read.Version!.Value);
        }, cancellation);

    /// <summary>The same on a connection of the caller's.</summary>
    internal static async Task<StoredState?> ReadStateAsync(
        NpgsqlConnection connection, string kind, Guid sessionId, string userId, EventId? after, CancellationToken cancellation)
    {
        // One round trip, and one snapshot.
        await using var batch = new NpgsqlBatch(connection)
        {
            BatchCommands =
            {
                new NpgsqlBatchCommand("begin isolation level repeatable read read only"),
                Command("sessions/read_state"),
                Command("sessions/read_state_messages"),
                new NpgsqlBatchCommand("commit"),
            },
        };
        await using var reader = await batch.ExecuteReaderAsync(cancellation);
        return await StoredState.ReadAsync(reader, cancellation);

        NpgsqlBatchCommand Command(string name) => new(Sql.Named(name))
        {
            Parameters =
            {
                new NpgsqlParameter<Guid> { TypedValue = sessionId },
                new NpgsqlParameter<string> { TypedValue = kind },
                new NpgsqlParameter<string> { TypedValue = userId },
                new NpgsqlParameter<int> { TypedValue = after?.Ordinal ?? 0 },
                new NpgsqlParameter<int> { TypedValue = after?.Index ?? -1 },
            },
        };
    }

    /// <summary><see cref="ReadVersionAsync(string, Guid, string, CancellationToken)"/> on a connection of the caller's.</summary>
    internal static async Task<SessionVersion?> ReadVersionAsync(
        NpgsqlConnection connection, string kind, Guid sessionId, string userId, CancellationToken cancellation) =>
        Of(kind, (await ReadVersionsAsync(connection, [(sessionId, userId)], cancellation)).GetValueOrDefault((sessionId, userId)));

    static SessionVersion? Of(string kind, (string Kind, SessionVersion Version)? found) => found?.Kind == kind ? found.Value.Version : null;

    static async Task<IReadOnlyDictionary<(Guid SessionId, string UserId), (string Kind, SessionVersion Version)?>> ReadVersionsAsync(
        NpgsqlConnection connection, IReadOnlyCollection<(Guid SessionId, string UserId)> asked, CancellationToken cancellation)
    {
        (Guid SessionId, string UserId)[] keys = [.. asked];
        await using var command = keys is [var (session, user)]
            ? new NpgsqlCommand(Sql.Named("sessions/read_version"), connection)
            {
                Parameters = { new NpgsqlParameter<Guid> { TypedValue = session }, new NpgsqlParameter<string> { TypedValue = user } },
            }
            : new NpgsqlCommand(Sql.Named("sessions/read_versions"), connection)
            {
                Parameters =
                {
                    new NpgsqlParameter<Guid[]> { TypedValue = [.. keys.Select(key => key.SessionId)] },
                    new NpgsqlParameter<string[]> { TypedValue = [.. keys.Select(key => key.UserId)] },
                },
            };
        await using var row = await command.ExecuteReaderAsync(cancellation);
        var versions = new Dictionary<(Guid, string), (string, SessionVersion)?>();
        while (await row.ReadAsync(cancellation))
            versions[keys[row.GetInt32(0) - 1]] = (row.GetString(1), new SessionVersion(
                row.GetGuid(2), row.GetInt32(3), row.GetString(4), row.GetInt32(5), row.GetInt32(6), row.GetBoolean(7), row.GetInt32(8),
                await row.IsDBNullAsync(9, cancellation) ? null : row.GetString(9)));
        return versions;
    }

    /// <summary>Up to <paramref name="count"/> sessions, newest first, older than <paramref name="before"/>.</summary>
    /// <exception cref="DatabaseUnavailableException"/>
    public Task<List<SessionSummary>> ListAsync(string kind, string userId, Guid? before, int count, CancellationToken cancellation) =>
        postgres.RunAsync(async connection => (await connection.QueryAsync<SessionSummary>(new CommandDefinition(
            Sql.Named("sessions/list_sessions"), new { user = userId, kind, before, count }, cancellationToken: cancellation))).AsList(), cancellation);

    /// <summary>The output of a session's newest transform at a place; null if there is none, or no such session.</summary>
    /// <exception cref="DatabaseUnavailableException"/>
    public Task<SessionArtifact?> ReadArtifactAsync(
        string kind, Guid sessionId, string userId, string type, int position, CancellationToken cancellation) =>
        postgres.RunAsync(connection => connection.QuerySingleOrDefaultAsync<SessionArtifact>(new CommandDefinition(
            Sql.Named("sessions/read_artifact"), new { kind, session = sessionId, user = userId, type, position },
            cancellationToken: cancellation)), cancellation);
}
