using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;
using Npgsql;
using Streaming.Configuration;
using Streaming.Database;
using Xunit;

namespace Streaming.IntegrationTests.Database;

/// <summary>Statements are parsed and planned once a session, not at each use.</summary>
public sealed class PreparationTests(MigratedDatabase database) : IClassFixture<MigratedDatabase>
{
    [Fact]
    public async Task A_statement_is_prepared_at_its_second_use()
    {
        Assert.Equal(1L, await PreparedAsync(database.ConnectionString));
    }

    [Fact]
    public async Task Nothing_is_prepared_when_the_users_connection_string_says_so()
    {
        Assert.Equal(0L, await PreparedAsync(database.ConnectionString + ";Max Auto Prepare=0"));
    }

    /// <summary>How many sessions' statements are prepared after read_version was run three times.</summary>
    static async Task<long> PreparedAsync(string connectionString)
    {
        var configuration = new ConfigurationBuilder()
            .AddInMemoryCollection([new("ConnectionStrings:Streaming", connectionString)]).Build();
        await using var source = NpgsqlDataSource.Create(new ConnectionSettings(configuration, Options.Create(new DatabaseOptions())).Pooled());
        await using var connection = await source.OpenConnectionAsync(TestContext.Current.CancellationToken);
        for (var i = 0; i < 3; i++)
        {
            await using var command = new NpgsqlCommand(Sql.Named("sessions/read_version"), connection)
            {
                Parameters = { new NpgsqlParameter<Guid> { TypedValue = Guid.NewGuid() }, new NpgsqlParameter<string> { TypedValue = "ada" } },
            };
            Assert.Null(await command.ExecuteScalarAsync(TestContext.Current.CancellationToken));
        }

        await using var count = new NpgsqlCommand("select count(*) from pg_prepared_statements where statement like '%messages%' or statement like '%is_shortened%'", connection);
        return (long)(await count.ExecuteScalarAsync(TestContext.Current.CancellationToken))!;
    }
}
