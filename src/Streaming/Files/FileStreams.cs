using Microsoft.Extensions.Options;
using Streaming.Configuration;

namespace Streaming.Files;

/// <summary>
/// Lets streams of files in, first come first served, and says how fast they may go: by a score that is made once for all
/// of them, every <c>Files:SampleInterval</c>.
/// </summary>
public sealed class FileStreams : BackgroundService
{
    // A clean-up in an emergency collects garbage with everybody stopped.
    static readonly TimeSpan EmergencyInterval = TimeSpan.FromSeconds(5);

    readonly FileCleanup _cleanup;
    readonly ILogger<FileStreams> _log;
    readonly Func<MemorySample> _sample;
    readonly Lock _gate = new();
    readonly HashSet<FileOperation> _active = [];
    readonly LinkedList<Waiter> _waiting = [];
    TaskCompletionSource _calm = Completed();
    long _processingTicks;
    bool _hasProcessed;

    sealed record Waiter(FileDirection Direction, long FileSize)
    {
        public TaskCompletionSource<FileOperation> Admitted { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    public FileStreams(IOptions<FilesOptions> options, FileCleanup cleanup, FileMetrics metrics, TimeProvider clock, ILogger<FileStreams> log)
        : this(options.Value, cleanup, metrics, clock, log, MemorySample.Take)
    {
    }

    /// <summary>With another source of samples.</summary>
    public FileStreams(
        FilesOptions options, FileCleanup cleanup, FileMetrics metrics, TimeProvider clock, ILogger<FileStreams> log, Func<MemorySample> sample)
    {
        (Options, _cleanup, Metrics, Clock, _log, _sample) = (options, cleanup, metrics, clock, log, sample);
        Memory = sample();
        metrics.Meter.CreateObservableGauge("streaming.files.active", () => ActiveCount, "{stream}", "Streams under way");
        metrics.Meter.CreateObservableGauge("streaming.files.waiting", () => WaitingCount, "{stream}", "Streams that wait to be let in");
        metrics.Meter.CreateObservableGauge("streaming.files.backpressure.score", () => Score, "{point}", "0-100: how much all streams are held back");
        metrics.Meter.CreateObservableGauge("streaming.files.backpressure.level", () => (int)Level, "{level}", "0 none, 1 light, 2 moderate, 3 heavy, 4 critical");
        metrics.Meter.CreateObservableGauge("streaming.files.memory.load", () => Memory.Load, "1", "Memory used of what may be used; levels from 0.60, 0.75 and 0.85 on");
    }

    public FilesOptions Options { get; }

    public FileMetrics Metrics { get; }

    public TimeProvider Clock { get; }

    /// <summary>As of the last sample.</summary>
    public MemorySample Memory { get; private set; }

    /// <inheritdoc cref="Memory"/>
    public int Score { get; private set; }

    /// <inheritdoc cref="Memory"/>
    public BackpressureLevel Level { get; private set; }

    public int ActiveCount
    {
        get
        {
            lock (_gate)
                return _active.Count;
        }
    }

    public int WaitingCount
    {
        get
        {
            lock (_gate)
                return _waiting.Count;
        }
    }

    /// <summary>
    /// Waits for its turn, for <c>Files:AdmissionPatience</c> at most. Null: too many wait already, or the time is over.
    /// </summary>
    public async Task<FileOperation?> AdmitAsync(FileDirection direction, long fileSize, CancellationToken cancellation)
    {
        LinkedListNode<Waiter> place;
        lock (_gate)
        {
            if (_waiting.Count >= Options.WaitingMax)
            {
                Metrics.Stream(direction, "refused", 0);
                return null;
            }

            place = _waiting.AddLast(new Waiter(direction, fileSize));
            AdmitWaiting();
        }

        try
        {
            return await place.Value.Admitted.Task.WaitAsync(Options.AdmissionPatience, Clock, cancellation);
        }
        catch (Exception fault) when (fault is TimeoutException or OperationCanceledException)
        {
            lock (_gate)
            {
                if (place.List is not null)
                    _waiting.Remove(place);
            }

            // Its turn may have come in the same moment.
            if (place.Value.Admitted.Task is { IsCompletedSuccessfully: true, Result: var operation })
                operation.Dispose();
            cancellation.ThrowIfCancellationRequested();
            Metrics.Stream(direction, "refused", 0);
            return null;
        }
    }

    /// <summary>Takes a sample, and what follows from it. Called by the loop of this service.</summary>
    public void Sample()
    {
        Memory = _sample();
        lock (_gate)
        {
            // Streams that stand still are no sign of slow storage: without that a pause would never end.
            if (!_hasProcessed)
                _processingTicks /= 2;
            _hasProcessed = false;
            Score = Backpressure.Score(Memory.Load, _active.Count, Options.StreamsMax, TimeSpan.FromTicks(_processingTicks));
            var before = Level;
            Level = Backpressure.Next(before, Score);
            if (Level != before)
            {
                _log.LogInformation("Streams of files: backpressure {Level}, score {Score}, memory {Load:P0}", Level, Score, Memory.Load);
                if (Level == BackpressureLevel.Critical)
                    _calm = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                else
                    _calm.TrySetResult();
            }

            AdmitWaiting();
        }
    }

    /// <summary>Completes when the level is not critical.</summary>
    internal Task WhileCriticalAsync(CancellationToken cancellation)
    {
        lock (_gate)
            return _calm.Task.WaitAsync(cancellation);
    }

    /// <summary>A chunk was read or written; the mean follows slowly.</summary>
    public void Processed(TimeSpan time)
    {
        // Without a lock: of two at the same moment one may be lost.
        _processingTicks += (time.Ticks - _processingTicks) / 8;
        _hasProcessed = true;
    }

    internal void Alert(int percent, long bytesMax)
    {
        Metrics.Alert(percent);
        _log.LogWarning("A stream of a file holds {Percent} % of the {BytesMax} bytes that it may hold", percent, bytesMax);
    }

    internal void Leave(FileOperation operation, IReadOnlyList<FileChunk> left)
    {
        _cleanup.Adopt(left);
        lock (_gate)
        {
            _active.Remove(operation);
            AdmitWaiting();
        }
    }

    /// <summary>Cuts off the streams that stand still for so long, and returns how many.</summary>
    public int Stall(TimeSpan silence)
    {
        FileOperation[] still;
        lock (_gate)
            still = [.. _active.Where(operation => operation.Silence >= silence)];
        foreach (var operation in still)
            operation.Stall();
        return still.Length;
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Options.SampleInterval, Clock);
        long? last = null;
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                Sample();
                if (Level < BackpressureLevel.Critical && Memory.Level < MemoryLevel.Emergency || (last is { } time && Clock.GetElapsedTime(time) < EmergencyInterval))
                    continue;
                await _cleanup.RunEmergencyAsync(() => _sample().Level < MemoryLevel.Critical, stoppingToken);
                last = Clock.GetTimestamp();
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
        }
    }

    /// <summary>Under the lock.</summary>
    void AdmitWaiting()
    {
        var max = Backpressure.StreamsMax(Level, Options.StreamsMax);
        while (_active.Count < max && _waiting.First is { Value: var waiter } first)
        {
            _waiting.Remove(first);
            var operation = new FileOperation(this, waiter.Direction, waiter.FileSize);
            _active.Add(operation);
            waiter.Admitted.SetResult(operation);
        }
    }

    static TaskCompletionSource Completed()
    {
        var source = new TaskCompletionSource();
        source.SetResult();
        return source;
    }
}
