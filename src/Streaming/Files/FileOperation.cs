using System.Buffers;

namespace Streaming.Files;

/// <summary>What a stream is for: bytes from a client, bytes to one, or a text that the service reads itself.</summary>
public enum FileDirection { Upload, Download, Document }

/// <summary>
/// One stream of a file that was let in: its chunk size, its pace, and the memory that it holds. For one caller at a time;
/// only its chunks may be given back from anywhere. Disposed when the stream is over.
/// </summary>
public sealed class FileOperation : IDisposable
{
    // Shorter waits are saved up: a timer cannot do them.
    static readonly TimeSpan ShortestWait = TimeSpan.FromMilliseconds(5);
    static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(1);
    static readonly int[] AlertsPercent = [90, 96, 100];

    readonly FileStreams _streams;
    readonly FileDirection _direction;
    readonly long _fileSize;
    readonly CancellationTokenSource _stalled = new();
    readonly HashSet<FileChunk> _chunks = [];
    readonly Lock _gate = new();
    readonly long _begun;
    long _last;
    long _bytes;
    double _bytesPerSecond;
    TimeSpan _owed;
    int _alerts;
    volatile bool _isPaused;
    bool _isOver;
    bool _isComplete;

    internal FileOperation(FileStreams streams, FileDirection direction, long fileSize)
    {
        (_streams, _direction, _fileSize) = (streams, direction, fileSize);
        _last = _begun = streams.Clock.GetTimestamp();
    }

    /// <summary>Bytes to read or write next.</summary>
    public int ChunkSize => Files.ChunkSize.Next(_fileSize, _streams.Memory.Level, _bytesPerSecond);

    public TimeProvider Clock => _streams.Clock;

    /// <summary>Bytes that it holds now, and held at most.</summary>
    public long HeldBytes { get; private set; }

    /// <inheritdoc cref="HeldBytes"/>
    public long PeakBytes { get; private set; }

    /// <summary>Cancelled when memory is needed for others and this stream stands still.</summary>
    public CancellationToken Stalled => _stalled.Token;

    /// <summary>How long it has waited for its client since its last chunk; not at all while it is paused.</summary>
    internal TimeSpan Silence => _isPaused ? TimeSpan.Zero : _streams.Clock.GetElapsedTime(Volatile.Read(ref _last));

    /// <summary>A buffer of its own for a part of the file.</summary>
    /// <exception cref="FileFaultException"><see cref="FileFault.TooMuchMemory"/>: chunks are not given back.</exception>
    public FileChunk Rent(long position, int length)
    {
        var chunk = new FileChunk(this, position, length, ArrayPool<byte>.Shared.Rent(length));
        lock (_gate)
        {
            var held = HeldBytes + chunk.Capacity;
            if (held > _streams.Options.OperationBytesMax)
            {
                ArrayPool<byte>.Shared.Return(chunk.Detach()!);
                Alert(100);
                throw new FileFaultException(FileFault.TooMuchMemory, $"The stream holds {HeldBytes} bytes, and may hold {_streams.Options.OperationBytesMax} (Files:OperationBytesMax).");
            }

            (HeldBytes, PeakBytes) = (held, Math.Max(PeakBytes, held));
            _chunks.Add(chunk);
            Alert((int)(100 * held / _streams.Options.OperationBytesMax));
        }

        return chunk;
    }

    /// <summary>Takes a chunk back.</summary>
    internal void Return(FileChunk chunk)
    {
        Forget(chunk);
        if (chunk.Detach() is { } buffer)
            ArrayPool<byte>.Shared.Return(buffer);
    }

    internal void Forget(FileChunk chunk)
    {
        lock (_gate)
            if (_chunks.Remove(chunk))
                HeldBytes -= chunk.Capacity;
    }

    /// <summary>
    /// Called when a chunk is through: measures, and holds the stream back as the present level of backpressure wants it.
    /// </summary>
    /// <param name="bytes">Of the chunk.</param>
    /// <param name="processing">What it took to read or write it, without the wait for the client.</param>
    /// <param name="cancellation">Ends the wait.</param>
    public ValueTask PaceAsync(int bytes, TimeSpan processing, CancellationToken cancellation)
    {
        var now = _streams.Clock.GetTimestamp();
        var time = _streams.Clock.GetElapsedTime(_last, now);
        Volatile.Write(ref _last, now);
        _bytes += bytes;
        if (time > TimeSpan.Zero)
            _bytesPerSecond = _bytesPerSecond == 0 ? bytes / time.TotalSeconds : 0.8 * _bytesPerSecond + 0.2 * bytes / time.TotalSeconds;
        _streams.Metrics.Chunk(_direction, bytes, time);
        _streams.Processed(processing);
        var level = _streams.Level;
        if (level == BackpressureLevel.None)
            return ValueTask.CompletedTask;
        if (level == BackpressureLevel.Critical)
            return new ValueTask(PauseAsync(cancellation));
        var slowdown = Backpressure.Slowdown(level);
        _owed += time * (slowdown / (1 - slowdown));
        return _owed < ShortestWait ? ValueTask.CompletedTask : new ValueTask(WaitAsync(cancellation));
    }

    async Task WaitAsync(CancellationToken cancellation)
    {
        await Task.Delay(_owed < LongestWait ? _owed : LongestWait, _streams.Clock, cancellation);
        _owed = TimeSpan.Zero;
        Volatile.Write(ref _last, _streams.Clock.GetTimestamp());
    }

    async Task PauseAsync(CancellationToken cancellation)
    {
        _isPaused = true;
        try
        {
            await _streams.WhileCriticalAsync(cancellation);
        }
        finally
        {
            Volatile.Write(ref _last, _streams.Clock.GetTimestamp());
            _isPaused = false;
        }
    }

    /// <summary>The stream came to its end.</summary>
    public void Complete() => _isComplete = true;

    internal void Stall() => _stalled.Cancel();

    void Alert(int percent)
    {
        while (_alerts < AlertsPercent.Length && percent >= AlertsPercent[_alerts])
            _streams.Alert(AlertsPercent[_alerts++], _streams.Options.OperationBytesMax);
    }

    public void Dispose()
    {
        FileChunk[] left;
        lock (_gate)
        {
            if (_isOver)
                return;
            _isOver = true;
            left = [.. _chunks];
        }

        var seconds = _streams.Clock.GetElapsedTime(_begun).TotalSeconds;
        _streams.Metrics.Stream(_direction, _isComplete ? "completed" : "broken", seconds > 0 ? _bytes / seconds : 0);
        if (PeakBytes > 0)
            _streams.Metrics.Held(_direction, PeakBytes);
        _streams.Leave(this, left);
        _stalled.Dispose();
    }
}

/// <summary>A part of a file in a pooled buffer. Whoever takes it disposes it; a second time does nothing.</summary>
public sealed class FileChunk : IDisposable
{
    readonly FileOperation _operation;
    byte[]? _buffer;

    internal FileChunk(FileOperation operation, long position, int length, byte[] buffer) =>
        (_operation, Position, Length, Capacity, _buffer) = (operation, position, length, buffer.Length, buffer);

    /// <summary>Where it begins in the file.</summary>
    public long Position { get; }

    public int Length { get; }

    internal int Capacity { get; }

    /// <exception cref="ObjectDisposedException"/>
    public Memory<byte> Bytes => _buffer is { } buffer ? buffer.AsMemory(0, Length) : throw new ObjectDisposedException(nameof(FileChunk));

    /// <summary>Takes the buffer away from it: null the second time.</summary>
    internal byte[]? Detach() => Interlocked.Exchange(ref _buffer, null);

    /// <summary>The owner is gone and nobody knows who has the buffer: it is left to the collector, never used again.</summary>
    internal bool Abandon()
    {
        if (_buffer is null)
            return false;
        _operation.Forget(this);
        return true;
    }

    public void Dispose() => _operation.Return(this);
}
