using System.Collections.Concurrent;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Streaming.Database.Embedded;
using Xunit;

namespace Streaming.IntegrationTests.Fixtures;

/// <summary>One PostgreSQL for a whole test run, and as many databases on it as the tests want.</summary>
public sealed class PostgresServer : IAsyncLifetime
{
    /// <summary>Every test class has pools of its own, and classes run side by side.</summary>
    const int ConnectionsMax = 500;

    readonly TemporaryDirectory _directory = new();
    readonly ConcurrentDictionary<string, Lazy<Task<string>>> _templates = new();
    EmbeddedPostgres? _server;
    NpgsqlDataSource? _administration;

    public async ValueTask InitializeAsync()
    {
        var options = new EmbeddedPostgresOptions
        {
            DataDirectory = _directory.Path,
            Durable = false,
            ConnectionsMax = ConnectionsMax,
        };
        _server = await EmbeddedPostgres.StartAsync(
            options, NullLogger.Instance, TimeProvider.System, TestContext.Current.CancellationToken);
        _administration = NpgsqlDataSource.Create(_server.ConnectionString);
    }

    public async ValueTask DisposeAsync()
    {
        if (_administration is not null)
            await _administration.DisposeAsync();
        if (_server is not null)
            await _server.DisposeAsync();
        _directory.Dispose();
    }

    /// <summary>The connection string of a new database, empty or a copy of a template.</summary>
    /// <param name="template">The result of <see cref="TemplateAsync"/>, or null for an empty database.</param>
    /// <param name="cancellation">Ends the wait; the database may then be there or not.</param>
    public async Task<string> CreateDatabaseAsync(string? template, CancellationToken cancellation)
    {
        var name = $"test_{Guid.NewGuid():N}";
        await CreateAsync(name, template ?? "template0", cancellation);
        return ConnectionString(name, pooling: true);
    }

    /// <summary>Drops a database of <see cref="CreateDatabaseAsync"/>, and whatever is still connected to it.</summary>
    public async Task DropDatabaseAsync(string connectionString)
    {
        await using (var pool = new NpgsqlConnection(connectionString))
            NpgsqlConnection.ClearPool(pool);
        var name = new NpgsqlConnectionStringBuilder(connectionString).Database;
        await ExecuteAsync($"drop database if exists \"{name}\" with (force)", CancellationToken.None);
    }

    /// <summary>
    /// The name of a template database that <paramref name="prepare"/> has filled, once a run, however many ask for it
    /// at once. When it fails, it fails for all of them.
    /// </summary>
    public Task<string> TemplateAsync(string name, Func<string, Task> prepare) =>
        _templates.GetOrAdd(name, _ => new Lazy<Task<string>>(() => CreateTemplateAsync(name, prepare))).Value;

    async Task<string> CreateTemplateAsync(string name, Func<string, Task> prepare)
    {
        var database = $"template_{name}";
        await CreateAsync(database, "template0", CancellationToken.None);
        // A pooled connection would stay open, and a database with connections cannot be copied.
        await prepare(ConnectionString(database, pooling: false));
        await ExecuteAsync(
            $"alter database \"{database}\" with is_template true allow_connections false", CancellationToken.None);
        return database;
    }

    /// <summary>Copying files takes 12 ms; through the WAL, the default since version 15, up to 70.</summary>
    Task CreateAsync(string name, string template, CancellationToken cancellation) =>
        ExecuteAsync($"create database \"{name}\" template \"{template}\" strategy file_copy", cancellation);

    async Task ExecuteAsync(string sql, CancellationToken cancellation)
    {
        await using var command = _administration!.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(cancellation);
    }

    string ConnectionString(string database, bool pooling) =>
        new NpgsqlConnectionStringBuilder(_server!.ConnectionString)
        {
            Database = database,
            Pooling = pooling,
        }.ConnectionString;
}
