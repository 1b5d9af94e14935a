namespace Streaming.Benchmarks.Runs;

/// <summary>What one run gave, or the medians of several.</summary>
/// <param name="ChunksPerSecond">Chunks that reached their reader.</param>
/// <param name="MessagesPerSecond">Messages of every type.</param>
/// <param name="LatencyP50">Milliseconds from the model's delta to the reader's bytes.</param>
/// <param name="LatencyP99">The same.</param>
/// <param name="LatencyMax">The same.</param>
/// <param name="ServiceOnlyCores">CPU of the service's process.</param>
/// <param name="DatabaseCores">CPU of its PostgreSQL.</param>
/// <param name="ReadersCores">CPU of this program.</param>
/// <param name="ServiceMiB">Memory of the service's process at the end.</param>
/// <param name="DatabaseMiB">Memory of its PostgreSQL at the end.</param>
sealed record Figures(
    double ChunksPerSecond, double MessagesPerSecond, double LatencyP50, double LatencyP99, double LatencyMax,
    double ServiceOnlyCores, double DatabaseCores, double ReadersCores, double ServiceMiB, double DatabaseMiB)
{
    /// <summary>CPU of the service and its PostgreSQL together.</summary>
    public double ServiceCores => ServiceOnlyCores + DatabaseCores;

    /// <summary>Microseconds.</summary>
    public double ServiceCpuPerChunk => 1_000_000 * ServiceCores / ChunksPerSecond;

    /// <summary>The median of each figure by itself.</summary>
    public static Figures Medians(IReadOnlyList<Figures> runs)
    {
        return new Figures(
            Median(f => f.ChunksPerSecond), Median(f => f.MessagesPerSecond), Median(f => f.LatencyP50), Median(f => f.LatencyP99),
            Median(f => f.LatencyMax), Median(f => f.ServiceOnlyCores), Median(f => f.DatabaseCores), Median(f => f.ReadersCores),
            Median(f => f.ServiceMiB), Median(f => f.DatabaseMiB));

        double Median(Func<Figures, double> figure) => runs.Select(figure).Order().ElementAt(runs.Count / 2);
    }
}
