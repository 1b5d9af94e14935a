using Npgsql;
using Streaming.Database;
using Xunit;

namespace Streaming.IntegrationTests.Database;

/// <summary>The session of the commits makes its plan at the first of them, on tables that are empty, and keeps it.</summary>
public sealed class AppendPlanTests(MigratedDatabase database) : IClassFixture<MigratedDatabase>
{
    const int Running = 300, Appending = 20;

    [Fact]
    public async Task A_commit_costs_as_much_as_it_has_runs_however_many_are_running()
    {
        await using var connection = await database.Source.OpenConnectionAsync(TestContext.Current.CancellationToken);
        // Plans are made for the first executions one by one, and then for all.
        for (var i = 0; i < 10; i++)
            Assert.Equal(0, await AppendAsync(connection, [Guid.NewGuid()]));
        await ExecuteAsync(connection, $$"""
            with made as (insert into sessions (id, kind, user_id, input) select gen_random_uuid(), 'ideation', 'ada', '{}' from generate_series(1, {{Running}}) returning id)
            insert into transforms (id, session_id, ordinal, kind, status, attempt) select gen_random_uuid(), id, 1, 'ideation', 'running', 1 from made
            """);
        var runs = (Guid[])(await ScalarAsync(connection, $"select array_agg(id) from (select id from transforms limit {Appending}) as picked"))!;

        var (before, readBefore) = await ReadAsync(connection);
        Assert.Equal(Appending, await AppendAsync(connection, runs));
        var (after, readAfter) = await ReadAsync(connection);
        Assert.Equal(before, after);
        Assert.InRange(readAfter - readBefore, Appending, 2 * Appending);
    }

    static async Task<int> AppendAsync(NpgsqlConnection connection, Guid[] runs)
    {
        await using var command = new NpgsqlCommand(Sql.Named("messages/append_messages"), connection)
        {
            Parameters =
            {
                new() { Value = runs },
                new() { Value = Enumerable.Repeat(1, runs.Length).ToArray() },
                new() { Value = new int[runs.Length] },
                new() { Value = Enumerable.Repeat("start", runs.Length).ToArray() },
                new() { Value = Enumerable.Repeat("{}", runs.Length).ToArray() },
                new() { Value = Enumerable.Repeat(DateTimeOffset.UnixEpoch, runs.Length).ToArray() },
                new() { Value = 1000 },
            },
        };
        await using var reader = await command.ExecuteReaderAsync(TestContext.Current.CancellationToken);
        var written = 0;
        while (await reader.ReadAsync(TestContext.Current.CancellationToken))
            written++;
        return written;
    }

    /// <summary>How often all of the transforms were read, and rows that were read of them by an index.</summary>
    static async Task<(long Scans, long Rows)> ReadAsync(NpgsqlConnection connection)
    {
        await ScalarAsync(connection, "select pg_stat_force_next_flush()::text");
        await using var command = new NpgsqlCommand("""
            select (select seq_scan from pg_stat_user_tables where relname = 'transforms'),
                   (select sum(idx_tup_read)::bigint from pg_stat_user_indexes where relname = 'transforms')
            """, connection);
        await using var reader = await command.ExecuteReaderAsync(TestContext.Current.CancellationToken);
        Assert.True(await reader.ReadAsync(TestContext.Current.CancellationToken));
        return (reader.GetInt64(0), reader.GetInt64(1));
    }

    static async Task ExecuteAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
    }

    static async Task<object?> ScalarAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync(TestContext.Current.CancellationToken);
    }
}
