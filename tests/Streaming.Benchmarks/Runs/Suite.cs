namespace Streaming.Benchmarks.Runs;

/// <summary>What all runs of a benchmark gave.</summary>
/// <param name="Benchmark">Which.</param>
/// <param name="Medians">Of the sound runs; null if there was none.</param>
/// <param name="IsSound">Whether no run was void.</param>
sealed record Result(Benchmark Benchmark, Figures? Medians, bool IsSound);

/// <summary>All runs, interleaved: the machine drifts, and the benchmarks are to drift alike.</summary>
static class Suite
{
    public static async Task<List<Result>> RunAsync(BenchmarkOptions options, Rivals? rivals, CancellationToken cancellation)
    {
        var sound = options.Benchmarks.ToDictionary(benchmark => benchmark, _ => new List<Figures>());
        for (var run = 1; run <= options.Runs; run++)
        {
            if (rivals is not null)
                await rivals.RunAsync(cancellation);
            foreach (var benchmark in options.Benchmarks)
            {
                try
                {
                    var figures = await benchmark.RunAsync(TimeSpan.FromSeconds(options.Seconds), cancellation);
                    sound[benchmark].Add(figures);
                    Console.WriteLine($"{benchmark.Id} run {run}: {figures}");
                }
                catch (BenchmarkException fault)
                {
                    Console.Error.WriteLine($"{benchmark.Id} run {run}: {fault.Message}");
                }
            }
        }

        return [.. sound.Select(runs => new Result(
            runs.Key, runs.Value.Count > 0 ? Figures.Medians(runs.Value) : null, runs.Value.Count == options.Runs))];
    }
}
