using Npgsql;
using Streaming.Database;
using Streaming.IntegrationTests.Fixtures;
using Xunit;

namespace Streaming.IntegrationTests.Database;

/// <summary>A migrated database without a service, for a test class.</summary>
public sealed class MigratedDatabase(PostgresServer postgres) : IAsyncLifetime
{
    string _connectionString = null!;

    public string ConnectionString => _connectionString;

    public NpgsqlDataSource Source { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        _connectionString = await postgres.CreateDatabaseAsync(null, TestContext.Current.CancellationToken);
        Source = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(_connectionString) { CommandTimeout = 120 }.ConnectionString);
        await Migrator.MigrateAsync(Source, TestContext.Current.CancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        await Source.DisposeAsync();
        await postgres.DropDatabaseAsync(_connectionString);
    }
}
