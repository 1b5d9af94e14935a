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
