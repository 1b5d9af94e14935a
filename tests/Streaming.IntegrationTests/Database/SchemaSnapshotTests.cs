using Npgsql;
using Streaming.IntegrationTests.Fixtures;
using Streaming.Tests.Docs;
using Xunit;

namespace Streaming.IntegrationTests.Database;

/// <summary>db/schema.sql shows what the migrations make.</summary>
public sealed class SchemaSnapshotTests(MigratedDatabase database, PostgresServer postgres) : IClassFixture<MigratedDatabase>
{
    static readonly string SnapshotFile = Repository.Path("db/schema.sql");

    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_snapshot_is_the_schema_of_a_migrated_database()
    {
        var schema = await SchemaSnapshot.ReadAsync(database.Source, Cancellation);
        if (Environment.GetEnvironmentVariable("UPDATE_SNAPSHOTS") == "1")
            await File.WriteAllTextAsync(SnapshotFile, schema, Cancellation);

        Assert.Equal((await File.ReadAllTextAsync(SnapshotFile, Cancellation)).ReplaceLineEndings("\n"), schema);
    }

    [Fact]
    public async Task The_snapshot_makes_the_same_schema_when_it_is_run()
    {
        var schema = await SchemaSnapshot.ReadAsync(database.Source, Cancellation);
        var connectionString = await postgres.CreateDatabaseAsync(null, Cancellation);
        await using (var copy = NpgsqlDataSource.Create(connectionString))
        {
            await using (var command = copy.CreateCommand(schema))
                await command.ExecuteNonQueryAsync(Cancellation);

            Assert.Equal(schema, await SchemaSnapshot.ReadAsync(copy, Cancellation));
        }

        await postgres.DropDatabaseAsync(connectionString);
    }
}
