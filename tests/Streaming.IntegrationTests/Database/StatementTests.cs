using Npgsql;
using Streaming.Database;
using Xunit;

namespace Streaming.IntegrationTests.Database;

/// <summary>Every file of db/queries is a statement that PostgreSQL understands, and says what it takes.</summary>
public sealed class StatementTests(MigratedDatabase database) : IClassFixture<MigratedDatabase>
{
    public static TheoryData<string> Names => [.. Sql.Names()];

    [Theory]
    [MemberData(nameof(Names))]
    public async Task A_statement_can_be_prepared(string name)
    {
        await using var connection = await database.Source.OpenConnectionAsync(TestContext.Current.CancellationToken);
        var statement = PreparedStatement.Named(name);

        await statement.PrepareAsync(connection, TestContext.Current.CancellationToken);

        await using var command = new NpgsqlCommand(
            "select parameter_types::text[] from pg_prepared_statements where name = 'statement'", connection);
        var types = (string[])(await command.ExecuteScalarAsync(TestContext.Current.CancellationToken))!;
        Assert.Equal(statement.Parameters.Count, types.Length);
        await using var done = new NpgsqlCommand("deallocate statement", connection);
        await done.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
    }

    /// <summary>A session keeps a plan that it made when nothing was known of the tables, until they are analysed: a minute in which they may grow.</summary>
    [Theory]
    [MemberData(nameof(Names))]
    public async Task No_statement_that_was_planned_on_empty_tables_reads_all_messages(string name)
    {
        await using var connection = await database.Source.OpenConnectionAsync(TestContext.Current.CancellationToken);
        var statement = PreparedStatement.Named(name);
        await statement.PrepareAsync(connection, TestContext.Current.CancellationToken);
        var arguments = string.Join(", ", Enumerable.Repeat("null", statement.Parameters.Count));

        await using var command = new NpgsqlCommand(
            $"set plan_cache_mode = force_generic_plan; explain (costs off) execute statement{(arguments.Length > 0 ? $"({arguments})" : "")}", connection);
        await using (var reader = await command.ExecuteReaderAsync(TestContext.Current.CancellationToken))
            while (await reader.ReadAsync(TestContext.Current.CancellationToken))
                Assert.DoesNotContain("Seq Scan on transform_chunks", reader.GetString(0), StringComparison.Ordinal);
        await using var done = new NpgsqlCommand("deallocate statement; reset plan_cache_mode", connection);
        await done.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void A_statement_names_its_parameters_in_its_header(string name)
    {
        var statement = PreparedStatement.Named(name);

        Assert.NotEqual("", statement.Header);
        // "Parameters as in claim_queued" stands for those of that file.
        var header = statement.Header.Contains("Parameters as in claim_queued", StringComparison.Ordinal)
            ? statement.Header + PreparedStatement.Named("transforms/claim_queued").Header
            : statement.Header;
        Assert.All(statement.Parameters, parameter => Assert.Contains(parameter, header, StringComparison.Ordinal));
    }
}
