using System.Diagnostics;
using Streaming.Benchmarks.Readers;
using Streaming.Benchmarks.Service;

namespace Streaming.Benchmarks.Runs;

/// <summary>One run: a new service on a new database, its generations and readers, a warm-up, and the part that is measured.</summary>
static class Run
{
    const int OpeningAtOnce = 8;
    static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(5);

    /// <exception cref="BenchmarkException">A reader missed a message or got one twice: the run is void.</exception>
    public static async Task<Figures> RunAsync(Benchmark benchmark, TimeSpan measured, CancellationToken cancellation)
    {
        await using var service = await ServiceProcess.StartAsync(benchmark.TokensPerSecond, benchmark.Generations, cancellation);
        var part = new MeasuredPart();
        var readers = new MeasuredReader[benchmark.Generations];
        var reading = new Task[benchmark.Generations];
        try
        {
            await Parallel.ForAsync(0, benchmark.Generations, new ParallelOptions { MaxDegreeOfParallelism = OpeningAtOnce, CancellationToken = cancellation },
                async (i, token) =>
                {
                    readers[i] = new MeasuredReader(service.Address, await service.GenerateAsync(token), part);
                    reading[i] = await readers[i].OpenAsync(token);
                });
            await Task.Delay(WarmUp, TimeProvider.System, cancellation);
            var figures = await MeasureAsync(service, readers, part, measured, cancellation);
            if (readers.FirstOrDefault(reader => reader.Scanner.Fault is not null) is { } wrong)
                throw new BenchmarkException(
                    $"{benchmark.Id} is void, {readers.Count(reader => reader.Scanner.Fault is not null)} readers are wrong, the first: {wrong.Scanner.Fault}\n{service.LastLines()}");
            return figures;
        }
        finally
        {
            foreach (var reader in readers)
                reader?.Dispose();
            await Task.WhenAll(reading.Where(task => task is not null));
        }
    }

    static async Task<Figures> MeasureAsync(
        ServiceProcess service, MeasuredReader[] readers, MeasuredPart part, TimeSpan measured, CancellationToken cancellation)
    {
        var (serviceBefore, databaseBefore, ownBefore) = (service.Usage(), service.DatabaseUsage(), Environment.CpuUsage.TotalTime);
        var started = Stopwatch.GetTimestamp();
        part.IsOn = true;
        await Task.Delay(measured, TimeProvider.System, cancellation);
        part.IsOn = false;
        var seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        var (serviceAfter, databaseAfter, ownAfter) = (service.Usage(), service.DatabaseUsage(), Environment.CpuUsage.TotalTime);

        var latencies = readers.SelectMany(reader => reader.Scanner.Latencies.ToArray()).Order().ToArray();
        if (latencies.Length == 0)
            throw new BenchmarkException($"No chunk arrived.\n{service.LastLines()}");
        return new Figures(
            readers.Sum(reader => reader.Scanner.Chunks) / seconds, readers.Sum(reader => reader.Scanner.Messages) / seconds,
            latencies[latencies.Length / 2], latencies[(int)(latencies.Length * 0.99)], latencies[^1],
            (serviceAfter.Cpu - serviceBefore.Cpu).TotalSeconds / seconds, (databaseAfter.Cpu - databaseBefore.Cpu).TotalSeconds / seconds,
            (ownAfter - ownBefore).TotalSeconds / seconds, MiB(serviceAfter.MemoryBytes), MiB(databaseAfter.MemoryBytes));
    }

    static double MiB(long bytes) => bytes / 1024.0 / 1024.0;
}
