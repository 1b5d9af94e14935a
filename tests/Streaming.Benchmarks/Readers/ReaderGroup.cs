using Streaming.Benchmarks.Service;

namespace Streaming.Benchmarks.Readers;

/// <summary>The readers of one run. Disposing it closes them and waits until none reads any more.</summary>
sealed class ReaderGroup(MeasuredPart part) : IAsyncDisposable
{
    const int AtOnce = 8;

    readonly List<MeasuredReader> _readers = [];
    readonly List<Task> _reading = [];
    ReadLoop? _loop;

    /// <summary>The part of the run in which they count.</summary>
    public MeasuredPart Part => part;

    public IReadOnlyList<MeasuredReader> Readers => _readers;

    /// <summary>Does something so many times, 8 at once.</summary>
    public static Task InTurnsAsync(int count, Func<int, CancellationToken, Task> action, CancellationToken cancellation) =>
        Parallel.ForAsync(0, count, new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancellation },
            async (i, token) => await action(i, token));

    /// <summary>Connects so many readers, 8 at once.</summary>
    public Task OpenAsync(int count, Func<int, MeasuredReader> reader, CancellationToken cancellation) => OpenAsync(count, reader, InTurnsAsync, cancellation);

    /// <summary>
    /// Connects so many readers, all at once. They stand for as many machines, whose kernels open the connections: here it is a thread of
    /// low priority, which does not take the processors from the service.
    /// </summary>
    public Task OpenAllAsync(int count, Func<int, MeasuredReader> reader, CancellationToken cancellation) => OpenAsync(
        count, reader, (_, action, token) => Task.Factory.StartNew(() =>
        {
            LowPriority.OfThisThread();
            return Task.WhenAll(Enumerable.Range(0, count).Select(i => action(i, token)));
        }, token, TaskCreationOptions.LongRunning, TaskScheduler.Default).Unwrap(), cancellation);

    /// <summary>Connects so many readers, one after the other, which one thread reads: what the other readers of this program do does not count as their time.</summary>
    public void OpenInLoop(int count, Func<int, MeasuredReader> reader, CancellationToken cancellation)
    {
        _loop ??= new ReadLoop();
        for (var i = 0; i < count; i++)
        {
            cancellation.ThrowIfCancellationRequested();
            _readers.Add(reader(i));
            _readers[^1].Open(_loop);
        }
    }

    async Task OpenAsync(
        int count, Func<int, MeasuredReader> reader, Func<int, Func<int, CancellationToken, Task>, CancellationToken, Task> each, CancellationToken cancellation)
    {
        var first = _readers.Count;
        var firstTask = _reading.Count;
        for (var i = 0; i < count; i++)
        {
            _readers.Add(reader(i));
            _reading.Add(Task.CompletedTask);
        }

        await each(count, async (i, token) => _reading[firstTask + i] = await _readers[first + i].OpenAsync(token), cancellation);
    }

    public long Sum(Func<FrameScanner, long> figure) => _readers.Sum(reader => figure(reader.Scanner));

    public LatencyHistogram Latencies()
    {
        var all = new LatencyHistogram();
        foreach (var reader in _readers)
            all.Add(reader.Scanner.Latencies);
        return all;
    }

    /// <exception cref="BenchmarkException">One of them missed a message or got one twice.</exception>
    public void ThrowIfWrong(string benchmark, ServiceProcess service)
    {
        var wrong = _readers.Where(reader => reader.Scanner.Fault is not null).ToList();
        if (wrong.Count > 0)
            throw new BenchmarkException($"{benchmark} is void, {wrong.Count} readers are wrong, the first: {wrong[0].Scanner.Fault}\n{service.LastLines()}");
    }

    public async ValueTask DisposeAsync()
    {
        _loop?.Dispose();
        foreach (var reader in _readers)
            reader.Dispose();
        await Task.WhenAll(_reading);
    }
}
