using System.Globalization;

namespace Streaming.Benchmarks.Runs;

/// <summary>What all runs of a benchmark gave.</summary>
/// <param name="Benchmark">Which.</param>
/// <param name="Medians">Of the sound runs; null if there was none.</param>
/// <param name="IsSound">Whether no run was void.</param>
sealed record Result(Benchmark Benchmark, Figures? Medians, bool IsSound);

/// <summary>All runs, interleaved: the machine drifts, and the benchmarks are to drift alike.</summary>
static class Suite
{
    public static async Task<List<Result>> RunAsync(BenchmarkOptions options, CancellationToken cancellation)
    {
        var sound = options.Benchmarks.ToDictionary(benchmark => benchmark, _ => new List<Figures>());
        for (var run = 1; run <= options.Runs; run++)
            foreach (var benchmark in options.Benchmarks)
            {
                try
                {
                    var figures = await Run.RunAsync(benchmark, TimeSpan.FromSeconds(options.Seconds), cancellation);
                    sound[benchmark].Add(figures);
                    Console.WriteLine($"{benchmark.Id} run {run}: {Details(figures)}");
                }
                catch (BenchmarkException fault)
                {
                    Console.Error.WriteLine($"{benchmark.Id} run {run}: {fault.Message}");
                }
            }

        return [.. sound.Select(runs => new Result(
            runs.Key, runs.Value.Count > 0 ? Figures.Medians(runs.Value) : null, runs.Value.Count == options.Runs))];
    }

    /// <summary>Every figure, on one line.</summary>
    public static string Details(Figures figures) => string.Create(CultureInfo.InvariantCulture,
        $"{figures.ChunksPerSecond:#,0} chunks/s of {figures.MessagesPerSecond:#,0} messages/s; p50 {figures.LatencyP50:0.00}, p99 {figures.LatencyP99:0.0}, max {figures.LatencyMax:0} ms; cores: service {figures.ServiceOnlyCores:0.00}, PostgreSQL {figures.DatabaseCores:0.00}, readers {figures.ReadersCores:0.00}; {figures.ServiceCpuPerChunk:0.0} µs a chunk; MiB: service {figures.ServiceMiB:0}, PostgreSQL {figures.DatabaseMiB:0}");
}
