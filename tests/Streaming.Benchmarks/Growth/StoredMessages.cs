using Npgsql;
using Streaming.Benchmarks.Service;

namespace Streaming.Benchmarks.Growth;

/// <summary>Fills the tables with what a service that has run for long has kept: generations that have ended, with all their messages.</summary>
static class StoredMessages
{
    /// <summary>Of each generation.</summary>
    public const int PerGeneration = 2_000;

    const int GenerationsAtOnce = 250;

    // Ids in the order of time, as version 7 has them. No trigger runs: nobody is told of what is long past.
    const string Insert =
        """
        with made as (
            select (time || substr(md5(random()::text), 1, 19))::uuid as session_id, (time || substr(md5(random()::text), 1, 19))::uuid as transform_id
            from (select lpad(to_hex(1700000000000 + 1000 * ($1::bigint + n)), 12, '0') || '7' as time from generate_series(1, $2) as n) as t
        ), sessions_made as (
            insert into sessions (id, kind, user_id, input)
            select session_id, 'ideation', 'user ' || $1 % 97, '{"userInput":"what was asked"}' from made
        ), transforms_made as (
            insert into transforms (id, session_id, ordinal, kind, status, attempt, started_at, ended_at)
            select transform_id, session_id, 1, 'ideation', 'completed', 1, clock_timestamp(), clock_timestamp() from made
        ), artifacts_made as (
            insert into artifacts (id, session_id, user_id, type, position, data)
            select gen_random_uuid(), session_id, 'user ' || $1 % 97, 'idea', position, '{"title":"An idea","body":"Some words about it"}'
            from made, generate_series(0, 4) as position
        )
        insert into transform_chunks (transform_id, chunk_index, chunk_type, chunk_data)
        select transform_id, n, 'chunk', '{"stage":"ideas","text":"some words of the generated text"}' from made, generate_series(0, $3 - 1) as n
        """;

    /// <summary>Fills up to so many messages.</summary>
    /// <param name="database">Whose tables exist already.</param>
    /// <param name="before">Messages that it has by an earlier call.</param>
    /// <param name="messages">To have.</param>
    /// <param name="cancellation">Ends it early.</param>
    public static async Task FillAsync(DatabaseProcess database, long before, long messages, CancellationToken cancellation)
    {
        await using var source = NpgsqlDataSource.Create(database.ConnectionString);
        await using var connection = await source.OpenConnectionAsync(cancellation);
        await ExecuteAsync(connection, "set session_replication_role = replica; set synchronous_commit = off", cancellation);
        // Those of the measurement before never end by themselves, and would be taken up again.
        await ExecuteAsync(connection, "update transforms set status = 'cancelled', ended_at = clock_timestamp() where status in ('queued', 'running')", cancellation);
        for (var made = before / PerGeneration; made < messages / PerGeneration; made += GenerationsAtOnce)
        {
            await using var insert = new NpgsqlCommand(Insert, connection)
            {
                CommandTimeout = 120,
                Parameters =
                {
                    new() { Value = (int)made },
                    new() { Value = (int)Math.Min(GenerationsAtOnce, messages / PerGeneration - made) },
                    new() { Value = PerGeneration },
                },
            };
            await insert.ExecuteNonQueryAsync(cancellation);
        }

        // What autovacuum does in time; and nothing of the filling is left to be written while it is measured.
        await ExecuteAsync(connection, "vacuum (analyze)", cancellation);
        await ExecuteAsync(connection, "checkpoint", cancellation);
    }

    static async Task ExecuteAsync(NpgsqlConnection connection, string statement, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand(statement, connection) { CommandTimeout = 600 };
        await command.ExecuteNonQueryAsync(cancellation);
    }
}
