namespace Streaming.Configuration;

/// <summary>Section <c>Streaming</c>: where the service keeps its own files.</summary>
public sealed class StorageOptions
{
    /// <summary>
    /// Folder of the embedded database and of files; default the user's application-data folder, <c>streaming</c>;
    /// as root <c>/var/lib/streaming</c>, because PostgreSQL then runs as another user, who cannot enter root's home.
    /// </summary>
    public string? DataDirectory { get; set; }
}
