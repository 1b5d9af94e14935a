using System.Globalization;
using Streaming.Benchmarks.Service;

namespace Streaming.Benchmarks.Runs;

/// <summary>One benchmark: what is done, and what is asked of it. The bars are those of the project, for two cores.</summary>
/// <param name="Id">Its name on the command line and in the report.</param>
/// <param name="Work">What the service does.</param>
/// <param name="Generations">Generations at once, one reader each.</param>
/// <param name="TokensPerSecond">Pace of each; 0: as fast as it goes.</param>
/// <param name="Bar">What is asked, for a person.</param>
/// <param name="Meets">Whether the figures meet it.</param>
/// <param name="Shown">The figures that the bar speaks of.</param>
sealed record Benchmark(
    string Id, string Work, int Generations, double TokensPerSecond, string Bar, Func<Figures, bool> Meets, Func<Figures, string> Shown)
{
    public static IReadOnlyList<Benchmark> All { get; } =
    [
        new("B1", "200 generations at 30 chunks/s inside the service, one reader each: from the model's delta to the reader's bytes",
            200, 30, "p50 <= 2 ms, p99 <= 10 ms, <= 1.0 core for service and PostgreSQL",
            // A service that falls behind the pace would show fine times.
            figures => figures is { LatencyP50: <= 2, LatencyP99: <= 10, ServiceCores: <= 1.0 } && figures.ChunksPerSecond >= 0.99 * 200 * 30,
            figures => string.Create(CultureInfo.InvariantCulture,
                $"p50 {figures.LatencyP50:0.00} ms, p99 {figures.LatencyP99:0.0} ms, {figures.ServiceCores:0.00} cores at {figures.ChunksPerSecond:#,0} chunks/s")),
        new("B2", $"most chunks/s persisted and delivered, 200 generations, one reader each, {MarkedChatClient.DeltaBytes} bytes of text a chunk",
            200, 0, ">= 60,000 chunks/s",
            figures => figures.ChunksPerSecond >= 60_000,
            figures => string.Create(CultureInfo.InvariantCulture,
                $"{figures.ChunksPerSecond:#,0} chunks/s, {figures.ServiceCpuPerChunk:0.0} µs of CPU each")),
    ];
}
