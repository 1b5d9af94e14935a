using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;
using Npgsql;
using Streaming.Configuration;
using Streaming.Database;
using Streaming.IntegrationTests.Fixtures;
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

    // The driver then holds the statement for prepared without knowing its columns, and takes its first row for a fault.
    [Fact]
    public async Task A_statement_whose_preparation_was_broken_off_is_answered_all_the_same()
    {
        var token = TestContext.Current.CancellationToken;
        await ExecuteAsync("""
            create table gate ();
            create function pass() returns int language plpgsql immutable as 'begin perform 1 from gate; return 1; end'
            """);
        await using var postgres = new Postgres(Options.Create(new DatabaseOptions()), TimeProvider.System);
        postgres.Open(Source(database.ConnectionString), new Dictionary<OwnConnection, NpgsqlDataSource>
        {
            [OwnConnection.FirstRequest] = Source(database.ConnectionString),
        });
        Assert.Equal(1, await PassAsync(token));
        await using (var connection = await database.Source.OpenConnectionAsync(token))
        await using (var held = await connection.BeginTransactionAsync(token))
        {
            await using var take = new NpgsqlCommand("lock table gate in access exclusive mode", connection);
            await take.ExecuteNonQueryAsync(token);
            using var impatient = CancellationTokenSource.CreateLinkedTokenSource(token);
            var second = PassAsync(impatient.Token);
            // An immutable function is run by the planner, which comes after the statement's preparation.
            await Eventually.TrueAsync(async () => await CountAsync(
                "select count(*) from pg_locks where not granted and relation = 'gate'::regclass") == 1, "the second use is being planned");
            await impatient.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => second);
        }

        Assert.Equal(1, await PassAsync(token));

        Task<int> PassAsync(CancellationToken cancellation) => postgres.RunAsync(async connection =>
        {
            await using var command = new NpgsqlCommand("select pass()", connection);
            return (int)(await command.ExecuteScalarAsync(cancellation))!;
        }, cancellation);
    }

    async Task ExecuteAsync(string sql)
    {
        await using var command = database.Source.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
    }

    async Task<long> CountAsync(string sql)
    {
        await using var command = database.Source.CreateCommand(sql);
        return (long)(await command.ExecuteScalarAsync(TestContext.Current.CancellationToken))!;
    }

    /// <summary>How many sessions' statements are prepared after read_version was run three times.</summary>
    static async Task<long> PreparedAsync(string connectionString)
    {
        await using var source = Source(connectionString);
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

    static NpgsqlDataSource Source(string connectionString)
    {
        var configuration = new ConfigurationBuilder()
            .AddInMemoryCollection([new("ConnectionStrings:Streaming", connectionString)]).Build();
        return NpgsqlDataSource.Create(new ConnectionSettings(configuration, Options.Create(new DatabaseOptions())).Pooled());
    }
}
