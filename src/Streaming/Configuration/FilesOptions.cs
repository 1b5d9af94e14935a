namespace Streaming.Configuration;

/// <summary>Section <c>Files</c>: files that users upload and read back, and what their streams may take.</summary>
public sealed class FilesOptions
{
    /// <summary>Folder of the bytes; empty (the default): <c>files</c> in the data directory. Instances of one database share it.</summary>
    public string? Directory { get; set; }

    /// <summary>Bytes of one file at most; default 2 GiB. More: 413 <c>file_too_large</c>.</summary>
    public long SizeMax { get; set; } = 2L * 1024 * 1024 * 1024;

    /// <summary>Uploads of one user that are not complete at most; default 20. One more: 429 <c>too_many_uploads</c>.</summary>
    public int UploadsInProgressMax { get; set; } = 20;

    /// <summary>Files of one user at most, uploads included; default 1,000. One more: 507 <c>storage_full</c>.</summary>
    public int FilesPerUserMax { get; set; } = 1000;

    /// <summary>Bytes of all files of one user at most, as announced; default 20 GiB. More: 507 <c>storage_full</c>.</summary>
    public long BytesPerUserMax { get; set; } = 20L * 1024 * 1024 * 1024;

    /// <summary>How long an upload may stand still before it is removed; default 1 day.</summary>
    public TimeSpan UploadExpiry { get; set; } = TimeSpan.FromDays(1);

    /// <summary>How long a download with progress may stand still before it is ended as cancelled; default 1 h.</summary>
    public TimeSpan DownloadExpiry { get; set; } = TimeSpan.FromHours(1);

    /// <summary>Streams of files at once in this process at most; default 16. Under backpressure fewer; one more waits for its turn.</summary>
    public int StreamsMax { get; set; } = 16;

    /// <summary>Streams that wait for their turn at most; default 100. One more: 503 <c>files_busy</c>.</summary>
    public int WaitingMax { get; set; } = 100;

    /// <summary>How long one waits for its turn; default 30 s. Then 503 <c>files_busy</c>.</summary>
    public TimeSpan AdmissionPatience { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Bytes of memory that one stream may hold; default 50 MiB. Warnings at 90, 96 and 100 % of it.</summary>
    public long OperationBytesMax { get; set; } = 50 * 1024 * 1024;

    /// <summary>How often memory and backpressure are sampled, once for all streams; default 500 ms.</summary>
    public TimeSpan SampleInterval { get; set; } = TimeSpan.FromMilliseconds(500);

    /// <summary>Shortest time between two checkpoints of a stream, which come every five chunks otherwise; default 50 ms.</summary>
    public TimeSpan CheckpointInterval { get; set; } = TimeSpan.FromMilliseconds(50);

    /// <summary>How often what expired is looked for; default 1 min.</summary>
    public TimeSpan CleanupInterval { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>Age from which on bytes that no row knows are removed; default 1 h.</summary>
    public TimeSpan OrphanAge { get; set; } = TimeSpan.FromHours(1);
}
