using Npgsql;
using NpgsqlTypes;
using Streaming.Database;
using Streaming.Sessions;

namespace Streaming.WebSockets;

/// <summary>A session that a channel may follow, as it stood when it was read.</summary>
/// <param name="UserId">Whose it is.</param>
/// <param name="SessionId">The session.</param>
/// <param name="Kind">Its kind.</param>
/// <param name="Version">Of its newest transform.</param>
/// <param name="EndedAt">When that ended, by the clock of the database; null if it goes on.</param>
public sealed record FollowedSession(string UserId, Guid SessionId, string Kind, SessionVersion Version, DateTime? EndedAt);

/// <summary>What the sessions of users were at one moment.</summary>
/// <param name="At">That moment by the clock of the database: everything that was committed before was seen.</param>
/// <param name="Sessions">Those in progress, those that ended lately, and those asked for.</param>
public sealed record FollowedSnapshot(DateTime At, IReadOnlyList<FollowedSession> Sessions);

/// <summary>Reads which sessions the channels of users follow.</summary>
public sealed class FollowedSessions(Postgres postgres)
{
    /// <summary>
    /// How long a transaction may take from the time that it writes to its commit, and be seen all the same.
    /// </summary>
    public static readonly TimeSpan Slack = TimeSpan.FromSeconds(10);

    /// <summary>Of users, what was in progress at <paramref name="since"/> or later, and the sessions asked for.</summary>
    /// <param name="users">Whose.</param>
    /// <param name="since">Time of the database; null: now.</param>
    /// <param name="window">How far back at most.</param>
    /// <param name="sessions">Further ones; those of other users are left out.</param>
    /// <param name="cancellation">Ends the read.</param>
    /// <exception cref="DatabaseUnavailableException"/>
    public Task<FollowedSnapshot> ReadAsync(string[] users, DateTime? since, TimeSpan window, Guid[] sessions, CancellationToken cancellation) =>
        postgres.RunAsync(async connection =>
        {
            await using var command = new NpgsqlCommand(Sql.Named("sessions/read_followed"), connection)
            {
                Parameters =
                {
                    new NpgsqlParameter<string[]>("users", users),
                    new NpgsqlParameter("since", NpgsqlDbType.TimestampTz) { Value = since ?? (object)DBNull.Value },
                    new NpgsqlParameter<TimeSpan>("slack", Slack),
                    new NpgsqlParameter<TimeSpan>("window", window),
                    new NpgsqlParameter<Guid[]>("sessions", sessions),
                },
            };
            return await ReadAsync(command, cancellation);
        }, cancellation);

    /// <summary>These sessions, whoever's they are.</summary>
    /// <exception cref="DatabaseUnavailableException"/>
    public Task<FollowedSnapshot> ReadAsync(Guid[] sessions, CancellationToken cancellation) =>
        postgres.RunAheadAsync(async connection =>
        {
            await using var command = new NpgsqlCommand(Sql.Named("sessions/read_owned_versions"), connection)
            {
                Parameters = { new NpgsqlParameter<Guid[]>("sessions", sessions) },
            };
            return await ReadAsync(command, cancellation);
        }, cancellation);

    static async Task<FollowedSnapshot> ReadAsync(NpgsqlCommand command, CancellationToken cancellation)
    {
        await using var row = await command.ExecuteReaderAsync(cancellation);
        var (at, sessions) = (DateTime.MinValue, new List<FollowedSession>());
        while (await row.ReadAsync(cancellation))
        {
            at = row.GetDateTime(0);
            if (!await row.IsDBNullAsync(1, cancellation))
                sessions.Add(new FollowedSession(row.GetString(1), row.GetGuid(2), row.GetString(3), new SessionVersion(
                    row.GetGuid(4), row.GetInt32(5), row.GetString(6), row.GetInt32(7), Artifacts: 0, row.GetBoolean(8), row.GetInt32(9)),
                    await row.IsDBNullAsync(10, cancellation) ? null : row.GetDateTime(10)));
        }

        return new FollowedSnapshot(at, sessions);
    }
}
