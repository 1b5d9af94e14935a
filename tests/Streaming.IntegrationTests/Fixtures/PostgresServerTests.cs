using Npgsql;
using Xunit;

namespace Streaming.IntegrationTests.Fixtures;

public sealed class PostgresServerTests(PostgresServer server)
{
    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Databases_of_a_template_hold_its_rows_and_not_each_others()
    {
        var template = await server.TemplateAsync("rows", FillAsync);
        var connectionStrings = await Task.WhenAll(
            Enumerable.Range(0, 8).Select(_ => server.CreateDatabaseAsync(template, Cancellation)));

        var counts = new List<long>();
        foreach (var connectionString in connectionStrings)
        {
            await using var source = NpgsqlDataSource.Create(connectionString);
            await using (var insert = source.CreateCommand("insert into numbers values (2)"))
                await insert.ExecuteNonQueryAsync(Cancellation);
            await using var count = source.CreateCommand("select count(*) from numbers");
            counts.Add((long)(await count.ExecuteScalarAsync(Cancellation))!);
        }

        Assert.All(counts, count => Assert.Equal(2, count));
        foreach (var connectionString in connectionStrings)
            await server.DropDatabaseAsync(connectionString);
    }

    [Fact]
    public async Task Template_is_prepared_once_when_many_ask_at_once()
    {
        var prepared = 0;
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => server.TemplateAsync("once", connectionString =>
        {
            Interlocked.Increment(ref prepared);
            return FillAsync(connectionString);
        })));

        Assert.Equal(1, prepared);
    }

    [Fact]
    public async Task Dropped_database_is_gone_though_someone_was_connected()
    {
        var connectionString = await server.CreateDatabaseAsync(template: null, Cancellation);
        await using var connection = new NpgsqlConnection(connectionString);
        await connection.OpenAsync(Cancellation);

        await server.DropDatabaseAsync(connectionString);

        await using var again = new NpgsqlConnection(connectionString);
        var fault = await Assert.ThrowsAsync<PostgresException>(() => again.OpenAsync(Cancellation));
        Assert.Equal(PostgresErrorCodes.InvalidCatalogName, fault.SqlState);
    }

    static async Task FillAsync(string connectionString)
    {
        await using var source = NpgsqlDataSource.Create(connectionString);
        await using var command = source.CreateCommand("create table numbers (n int); insert into numbers values (1)");
        await command.ExecuteNonQueryAsync(Cancellation);
    }
}
