using Microsoft.Extensions.Options;
using Npgsql;
using Streaming.Configuration;

namespace Streaming.Database;

/// <summary>The connection string, from <c>ConnectionStrings:Streaming</c> or from the embedded server, and its two uses.</summary>
public sealed class ConnectionSettings(IConfiguration configuration, IOptions<DatabaseOptions> options)
{
    string? _connectionString = configuration.GetConnectionString("Streaming");

    public bool IsEmbedded { get; } = string.IsNullOrWhiteSpace(configuration.GetConnectionString("Streaming"));

    /// <summary>Called once the embedded server runs, before anybody connects.</summary>
    public void UseEmbedded(string connectionString) => _connectionString = connectionString;

    /// <summary>For everything but LISTEN: a pool of <c>Database:ConnectionsMax</c>, statements prepared at their second use.</summary>
    public string Pooled() => new NpgsqlConnectionStringBuilder(_connectionString)
    {
        ApplicationName = "streaming",
        MaxPoolSize = options.Value.ConnectionsMax,
        MaxAutoPrepare = 64,
        AutoPrepareMinUsages = 2,
        // No statement leaves anything behind in its session, so there is nothing to reset.
        NoResetOnClose = true,
    }.ConnectionString;

    /// <summary>For LISTEN: one connection outside the pool, which notices by itself that it is dead.</summary>
    public string Listening() => new NpgsqlConnectionStringBuilder(_connectionString)
    {
        ApplicationName = "streaming listener",
        Pooling = false,
        KeepAlive = (int)Math.Ceiling(options.Value.ListenerKeepAlive.TotalSeconds),
        CommandTimeout = 10,
    }.ConnectionString;
}
