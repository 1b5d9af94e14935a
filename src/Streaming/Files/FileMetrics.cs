using System.Diagnostics.Metrics;

namespace Streaming.Files;

/// <summary>What the room tells of itself, in the meter <c>Streaming</c>; docs/operations.md lists it.</summary>
public sealed class FileMetrics
{
    readonly Counter<long> _bytes;
    readonly Histogram<double> _chunkTime;
    readonly Histogram<int> _chunkSize;
    readonly Histogram<double> _throughput;
    readonly Histogram<long> _held;
    readonly Counter<long> _streams;
    readonly Counter<long> _alerts;
    readonly Counter<long> _resumes;
    readonly Counter<long> _removals;
    readonly Counter<long> _orphans;

    public FileMetrics(IMeterFactory meters)
    {
        Meter = meters.Create("Streaming");
        _bytes = Meter.CreateCounter<long>("streaming.files.bytes", "By", "Bytes of files, by direction (upload, download, document)");
        _chunkTime = Meter.CreateHistogram<double>("streaming.files.chunk.duration", "s", "From one chunk to the next, the wait for the client included, by direction");
        _chunkSize = Meter.CreateHistogram<int>("streaming.files.chunk.size", "By", "Sizes of chunks, by direction");
        _throughput = Meter.CreateHistogram<double>("streaming.files.throughput", "By/s", "Of whole streams, by direction");
        _held = Meter.CreateHistogram<long>("streaming.files.memory.held", "By", "Bytes of buffers that a stream held at most, by direction");
        _streams = Meter.CreateCounter<long>("streaming.files.streams", "{stream}", "Streams that are over, by direction and outcome (completed, broken, refused)");
        _alerts = Meter.CreateCounter<long>("streaming.files.memory.alerts", "{alert}", "Operations that held 90, 96 or 100 % of the memory that one may hold (level)");
        _resumes = Meter.CreateCounter<long>("streaming.files.resumes", "{resume}", "Streams taken up again, by what came of it (outcome: continued, or why it was read anew: size, timestamp, checksum)");
        _removals = Meter.CreateCounter<long>("streaming.files.cleanup", "{resource}", "What was cleaned up, by priority");
        _orphans = Meter.CreateCounter<long>("streaming.files.orphans", "{resource}", "What was found without an owner (what: chunk, file)");
    }

    public Meter Meter { get; }

    public void Chunk(FileDirection direction, int bytes, TimeSpan time)
    {
        var tag = Tag(direction);
        _bytes.Add(bytes, tag);
        _chunkSize.Record(bytes, tag);
        _chunkTime.Record(time.TotalSeconds, tag);
    }

    public void Held(FileDirection direction, long bytes) => _held.Record(bytes, Tag(direction));

    public void Stream(FileDirection direction, string outcome, double bytesPerSecond)
    {
        _streams.Add(1, Tag(direction), new("outcome", outcome));
        if (bytesPerSecond > 0)
            _throughput.Record(bytesPerSecond, Tag(direction));
    }

    public void Alert(int percent) => _alerts.Add(1, new KeyValuePair<string, object?>("level", percent));

    public void Resume(string outcome) => _resumes.Add(1, new KeyValuePair<string, object?>("outcome", outcome));

    public void Cleaned(CleanupPriority priority, int count) => _removals.Add(count, new KeyValuePair<string, object?>("priority", priority.ToString().ToLowerInvariant()));

    public void Orphan(string what, int count) => _orphans.Add(count, new KeyValuePair<string, object?>("what", what));

    static KeyValuePair<string, object?> Tag(FileDirection direction) => new("direction", direction switch
    {
        FileDirection.Upload => "upload",
        FileDirection.Download => "download",
        _ => "document",
    });
}
