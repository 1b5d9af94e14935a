namespace Streaming.Database.Embedded;

/// <summary>
/// The embedded PostgreSQL cannot be had; the message says why and what cures it, for the person at the console.
/// </summary>
public sealed class EmbeddedPostgresException(string code, string message, Exception? inner = null)
    : Exception(message, inner)
{
    /// <summary>No usable binaries.</summary>
    public const string NotFound = "postgres_not_found";

    /// <summary>The data was created by another major version than the binaries found.</summary>
    public const string VersionMismatch = "postgres_version_mismatch";

    /// <summary>Another live service, or another PostgreSQL, works on the data directory.</summary>
    public const string InUse = "data_directory_in_use";

    /// <summary>The data directory cannot be made, or the server's user cannot enter it.</summary>
    public const string Unreachable = "data_directory_unreachable";

    /// <summary>The folder of the data holds something else, or half of what belongs there.</summary>
    public const string Damaged = "data_directory_damaged";

    /// <summary>initdb or postgres ended with an error.</summary>
    public const string StartFailed = "postgres_start_failed";

    /// <summary>No connection within <see cref="EmbeddedPostgresLimits.StartTimeMax"/>.</summary>
    public const string StartTimeout = "postgres_start_timeout";

    /// <summary>The embedded PostgreSQL does not run on this operating system.</summary>
    public const string PlatformUnsupported = "postgres_platform_unsupported";

    /// <summary>One of the constants of this class; stable.</summary>
    public string Code { get; } = code;
}
