namespace Streaming.Configuration;

/// <summary>Section <c>Uploads</c>: images that are uploaded, and how soon they are to be ready.</summary>
public sealed class UploadOptions
{
    /// <summary>Bytes of one image at most; default 20 MiB. More: 413 <c>upload_too_large</c>.</summary>
    public int BytesMax { get; set; } = 20 * 1024 * 1024;

    /// <summary>Uploads whose bytes this process receives at once at most; default 16. One more: 503 <c>uploads_busy</c>.</summary>
    public int ReceivedAtOnceMax { get; set; } = 16;

    /// <summary>Uploads that this process works on at once; default 5. Further ones stay queued in the database.</summary>
    public int Concurrency { get; set; } = 5;

    /// <summary>When an urgent upload is to be ready, counted from its request; default 2 s. Whether it was is told in its result.</summary>
    public TimeSpan UrgentTarget { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>The same of a high one; default 5 s.</summary>
    public TimeSpan HighTarget { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>The same of a normal one; default 10 s. A low one has no target.</summary>
    public TimeSpan NormalTarget { get; set; } = TimeSpan.FromSeconds(10);
}
