using Npgsql;
using Streaming.Database;
using Streaming.IntegrationTests.Fixtures;
using Xunit;

namespace Streaming.IntegrationTests.Database;

/// <summary>What a migration promises, and the rules that the schema keeps whoever writes.</summary>
public sealed class MigratorTests(PostgresServer postgres) : IAsyncLifetime
{
    string _connectionString = null!;
    NpgsqlDataSource _database = null!;

    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _connectionString = await postgres.CreateDatabaseAsync(null, Cancellation);
        _database = NpgsqlDataSource.Create(_connectionString);
    }

    public async ValueTask DisposeAsync()
    {
        await _database.DisposeAsync();
        await postgres.DropDatabaseAsync(_connectionString);
    }

    [Fact]
    public async Task Migrators_migrate_once_when_they_start_together()
    {
        var results = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Migrator.MigrateAsync(_database, Cancellation)));

        var applied = Assert.Single(results, names => names.Count > 0);
        Assert.Equal("0001_create_core", applied[0]);
        Assert.Equal((long)applied.Count, await ScalarAsync("select count(*) from schema_migrations"));
    }

    [Fact]
    public async Task A_second_migration_applies_nothing()
    {
        await Migrator.MigrateAsync(_database, Cancellation);

        Assert.Empty(await Migrator.MigrateAsync(_database, Cancellation));
    }

    [Fact]
    public async Task No_session_of_the_service_compiles_its_statements()
    {
        await ExecuteAsync($"""alter database "{new NpgsqlConnectionStringBuilder(_connectionString).Database}" set jit = on""");
        _database.Clear();
        Assert.Equal("on", await ScalarAsync("select current_setting('jit')"));

        await Migrator.MigrateAsync(_database, Cancellation);

        Assert.Equal("off", await ScalarAsync("select current_setting('jit')"));
    }

    [Fact]
    public async Task A_migration_that_was_changed_afterwards_is_refused_by_name()
    {
        await Migrator.MigrateAsync(_database, Cancellation);
        await ExecuteAsync("update schema_migrations set checksum = 'another' where name = '0001_create_core'");

        var fault = await Assert.ThrowsAsync<MigrationException>(() => Migrator.MigrateAsync(_database, Cancellation));

        Assert.Contains("0001_create_core", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Migrations_of_a_newer_program_are_tolerated()
    {
        await Migrator.MigrateAsync(_database, Cancellation);
        await ExecuteAsync("insert into schema_migrations (name, checksum) values ('9999_from_the_future', 'whatever')");

        Assert.Empty(await Migrator.MigrateAsync(_database, Cancellation));
    }

    [Fact]
    public async Task A_message_is_refused_when_it_is_changed()
    {
        var transform = await TransformAsync();
        await ExecuteAsync($"insert into transform_chunks values ('{transform}', 0, 'start', '{{}}')");

        var fault = await Assert.ThrowsAsync<PostgresException>(() => ExecuteAsync("update transform_chunks set chunk_data = 'else'"));

        Assert.Equal(PostgresErrorCodes.IntegrityConstraintViolation, fault.SqlState);
        Assert.Equal("{}", await ScalarAsync("select chunk_data from transform_chunks"));
    }

    [Theory]
    [InlineData("(1, 'a')")]
    [InlineData("(0, 'a'), (2, 'b')")]
    public async Task A_gap_is_refused_within_a_statement_and_at_the_beginning(string values)
    {
        var transform = await TransformAsync();

        var fault = await Assert.ThrowsAsync<PostgresException>(() => InsertAsync(transform, values));

        Assert.Equal("transform_chunks_gapless", fault.ConstraintName);
        Assert.Equal(0L, await ScalarAsync("select count(*) from transform_chunks"));
    }

    [Fact]
    public async Task A_gap_is_refused_after_what_is_there()
    {
        var transform = await TransformAsync();
        await InsertAsync(transform, "(0, 'a'), (1, 'b')");

        var fault = await Assert.ThrowsAsync<PostgresException>(() => InsertAsync(transform, "(3, 'd')"));

        Assert.Equal("transform_chunks_gapless", fault.ConstraintName);
    }

    [Fact]
    public async Task An_index_that_is_taken_is_refused()
    {
        var transform = await TransformAsync();
        await InsertAsync(transform, "(0, 'a'), (1, 'b')");

        var fault = await Assert.ThrowsAsync<PostgresException>(() => InsertAsync(transform, "(1, 'other')"));

        Assert.Equal("transform_chunks_pkey", fault.ConstraintName);
    }

    async Task<Guid> TransformAsync()
    {
        await Migrator.MigrateAsync(_database, Cancellation);
        var (session, transform) = (Guid.CreateVersion7(), Guid.CreateVersion7());
        await ExecuteAsync($"""
            insert into sessions (id, kind, user_id, input) values ('{session}', 'relay', 'local', '{"{}"}');
            insert into transforms (id, session_id, ordinal, kind, status) values ('{transform}', '{session}', 1, 'relay', 'running')
            """);
        return transform;
    }

    Task InsertAsync(Guid transform, string values) => ExecuteAsync(
        $"insert into transform_chunks (transform_id, chunk_index, chunk_type, chunk_data) select '{transform}', i, 'chunk', d from (values {values}) as new(i, d)");

    async Task ExecuteAsync(string sql)
    {
        await using var command = _database.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(Cancellation);
    }

    async Task<object?> ScalarAsync(string sql)
    {
        await using var command = _database.CreateCommand(sql);
        return await command.ExecuteScalarAsync(Cancellation);
    }
}
