namespace Streaming.Configuration;

/// <summary>Section <c>Database</c>: how the service reaches PostgreSQL.</summary>
public sealed class DatabaseOptions
{
    /// <summary>Folder with <c>initdb</c> and <c>postgres</c> for the embedded server; default: searched for.</summary>
    public string? BinDirectory { get; set; }

    /// <summary>Connections of this process at most, besides four for commits, live reads, LISTEN and the request that comes alone; default 32. A request that finds none free waits for one.</summary>
    public int ConnectionsMax { get; set; } = 32;

    /// <summary>
    /// Statements at once with which streams open, and as many with which they catch up, in this process; null, the default: one a
    /// processor. What is asked for meanwhile is read together by the next.
    /// </summary>
    public int? CatchUpsMax { get; set; }

    /// <summary><see cref="CatchUpsMax"/> or its default; 1 at least.</summary>
    public int CatchUpReadsMax => Math.Max(1, CatchUpsMax ?? Environment.ProcessorCount);

    /// <summary>How long a request waits for a database that is away before it is answered 503; default 5 s.</summary>
    public TimeSpan RequestPatience { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>How long a read waits for a replica that lags before the primary is asked; default 100 ms.</summary>
    public TimeSpan ReplicaPatience { get; set; } = TimeSpan.FromMilliseconds(100);

    /// <summary>Silence on the LISTEN connection after which it is probed; default 10 s.</summary>
    public TimeSpan ListenerKeepAlive { get; set; } = TimeSpan.FromSeconds(10);
}
