using Microsoft.Extensions.Options;
using Npgsql;
using Streaming.Configuration;

namespace Streaming.Database;

/// <summary>
/// The connection string, from <c>ConnectionStrings:Streaming</c> or from the embedded server, and its uses. LISTEN has
/// one of its own, <c>ConnectionStrings:StreamingListener</c>, for those whose pooler would lose it (PgBouncer in
/// transaction mode).
/// </summary>
public sealed class ConnectionSettings(IConfiguration configuration, IOptions<DatabaseOptions> options)
{
    readonly string? _listener = configuration.GetConnectionString("StreamingListener");
    readonly string? _replica = configuration.GetConnectionString("StreamingReplica");
    string? _connectionString = configuration.GetConnectionString("Streaming");

    public bool IsEmbedded { get; } = string.IsNullOrWhiteSpace(configuration.GetConnectionString("Streaming"));

    /// <summary>Called once the embedded server runs, before anybody connects.</summary>
    public void UseEmbedded(string connectionString) => _connectionString = connectionString;

    /// <summary>
    /// For everything but LISTEN: a pool of <c>Database:ConnectionsMax</c>, statements prepared at their second use unless
    /// the user's connection string says <c>Max Auto Prepare</c> itself (0 behind a pooler that gives each transaction
    /// another session).
    /// </summary>
    public string Pooled() => Pooled(_connectionString, "streaming", options.Value.ConnectionsMax);

    /// <summary>For what has a connection of its own, besides <c>Database:ConnectionsMax</c>: a pool of one, for <see cref="OwnConnection"/>.</summary>
    public string Own() => Pooled(_connectionString, "streaming", connectionsMax: 1);

    static string Pooled(string? connectionString, string applicationName, int connectionsMax)
    {
        var builder = new NpgsqlConnectionStringBuilder(connectionString)
        {
            ApplicationName = applicationName,
            MaxPoolSize = connectionsMax,
            // No statement leaves anything behind in its session, so there is nothing to reset.
            NoResetOnClose = true,
        };
        // Not ContainsKey, which is true for every keyword there is.
        if (!builder.ShouldSerialize("Max Auto Prepare"))
            (builder.MaxAutoPrepare, builder.AutoPrepareMinUsages) = (64, 2);
        return builder.ConnectionString;
    }

    /// <summary>
    /// Of a connection string. The database's types are not looked up: none is used but PostgreSQL's own, whose numbers are the
    /// same everywhere. Each source would ask for them once, six times until the service is ready: some 50 ms.
    /// </summary>
    public static NpgsqlDataSource Source(string connectionString) =>
        new NpgsqlDataSourceBuilder(connectionString).ConfigureTypeLoading(types => types.EnableTypeLoading(false)).Build();

    /// <summary>For reads from a streaming replica, <c>ConnectionStrings:StreamingReplica</c>; pooled like the others. Null if there is none.</summary>
    public string? Replica() => string.IsNullOrWhiteSpace(_replica) ? null : Pooled(_replica, "streaming replica", options.Value.ConnectionsMax);

    /// <summary>For LISTEN: one connection outside the pool, which notices by itself that it is dead.</summary>
    public string Listening() => new NpgsqlConnectionStringBuilder(string.IsNullOrWhiteSpace(_listener) ? _connectionString : _listener)
    {
        ApplicationName = "streaming listener",
        Pooling = false,
        KeepAlive = (int)Math.Ceiling(options.Value.ListenerKeepAlive.TotalSeconds),
        CommandTimeout = 10,
    }.ConnectionString;
}
