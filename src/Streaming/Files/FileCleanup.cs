namespace Streaming.Files;

/// <summary>What goes first when there is need. The order of the values is the order in an emergency.</summary>
public enum CleanupPriority { Immediate, High, Normal, Low, Deferred }

/// <summary>One thing that can be cleaned up.</summary>
/// <param name="Priority">When it goes.</param>
/// <param name="Interval">How often it is done without an emergency; null: only in one.</param>
/// <param name="RunAsync">Does it and returns how many resources went; told whether it is an emergency.</param>
public sealed record CleanupStep(CleanupPriority Priority, TimeSpan? Interval, Func<bool, CancellationToken, Task<int>> RunAsync);

/// <summary>
/// The one owner of whatever streams of files leave behind: buffers, streams that stand still, uploads that expired, files
/// that no row knows. Each kind is a step, done at its interval, or in an emergency in the order of priorities until it is enough.
/// </summary>
public sealed class FileCleanup : IDisposable
{
    // A chunk may outlive its stream a little: the last one is still being used when the stream is over.
    static readonly TimeSpan ChunkAge = TimeSpan.FromMinutes(1);

    readonly TimeProvider _clock;
    readonly FileMetrics _metrics;
    readonly ILogger<FileCleanup> _log;
    readonly Lock _gate = new();
    readonly List<(FileChunk Chunk, long Since)> _ownerless = [];
    readonly List<Entry> _steps = [];
    readonly SemaphoreSlim _turn = new(1);

    sealed class Entry(CleanupStep step)
    {
        public CleanupStep Step { get; } = step;

        public long? LastRun { get; set; }
    }

    public FileCleanup(FileMetrics metrics, TimeProvider clock, ILogger<FileCleanup> log)
    {
        (_metrics, _clock, _log) = (metrics, clock, log);
        Add(new CleanupStep(CleanupPriority.Immediate, TimeSpan.FromSeconds(10), (isEmergency, _) => Task.FromResult(DropChunks(isEmergency))));
        Add(new CleanupStep(CleanupPriority.High, null, (_, _) =>
        {
            // What the pools keep in reserve goes with it.
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
            return Task.FromResult(0);
        }));
    }

    public void Add(CleanupStep step)
    {
        lock (_gate)
        {
            _steps.Add(new Entry(step));
            _steps.Sort((one, other) => one.Step.Priority.CompareTo(other.Step.Priority));
        }
    }

    /// <summary>Chunks that a stream which is over has not given back.</summary>
    internal void Adopt(IReadOnlyList<FileChunk> chunks)
    {
        var now = _clock.GetTimestamp();
        lock (_gate)
            _ownerless.AddRange(chunks.Select(chunk => (chunk, now)));
    }

    /// <summary>Does what is due.</summary>
    public async Task RunDueAsync(CancellationToken cancellation)
    {
        foreach (var entry in Steps())
            if (entry.Step.Interval is { } interval && (entry.LastRun is not { } last || _clock.GetElapsedTime(last) >= interval))
                await RunAsync(entry, isEmergency: false, cancellation);
    }

    /// <summary>Does everything, the most pressing first, until <paramref name="isEnough"/>.</summary>
    public async Task RunEmergencyAsync(Func<bool> isEnough, CancellationToken cancellation)
    {
        foreach (var entry in Steps())
        {
            await RunAsync(entry, isEmergency: true, cancellation);
            if (isEnough())
                return;
        }
    }

    async Task RunAsync(Entry entry, bool isEmergency, CancellationToken cancellation)
    {
        await _turn.WaitAsync(cancellation);
        try
        {
            entry.LastRun = _clock.GetTimestamp();
            _metrics.Cleaned(entry.Step.Priority, await entry.Step.RunAsync(isEmergency, cancellation));
        }
        // One step that fails must not keep the others from being done; it is done again at its next time.
        catch (Exception fault) when (fault is not OperationCanceledException)
        {
            _log.LogWarning(fault, "Clean-up of priority {Priority} failed", entry.Step.Priority);
        }
        finally
        {
            _turn.Release();
        }
    }

    int DropChunks(bool isEmergency)
    {
        List<(FileChunk Chunk, long Since)> dropped;
        lock (_gate)
        {
            dropped = [.. _ownerless.Where(item => isEmergency || _clock.GetElapsedTime(item.Since) >= ChunkAge)];
            _ownerless.RemoveAll(dropped.Contains);
        }

        var leaked = dropped.Count(item => item.Chunk.Abandon());
        if (leaked > 0)
        {
            _metrics.Orphan("chunk", leaked);
            _log.LogWarning("{Count} chunks of files were never given back", leaked);
        }

        return dropped.Count;
    }

    Entry[] Steps()
    {
        lock (_gate)
            return [.. _steps];
    }

    public void Dispose() => _turn.Dispose();
}
