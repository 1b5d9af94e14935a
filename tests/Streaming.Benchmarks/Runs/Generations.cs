using System.Diagnostics;
using Streaming.Benchmarks.Readers;
using Streaming.Benchmarks.Service;

namespace Streaming.Benchmarks.Runs;

/// <summary>Generations that never end, and readers of each: how fast, how soon, at what cost.</summary>
/// <param name="id">Its name.</param>
/// <param name="work">What the service does.</param>
/// <param name="bar">What is asked.</param>
/// <param name="generations">At once.</param>
/// <param name="readersEach">Of each generation.</param>
/// <param name="tokensPerSecond">Pace of each generation; 0: as fast as it goes.</param>
/// <param name="meets">Whether the figures meet the bar.</param>
/// <param name="apart">Whether another process than the readers' makes the generations.</param>
sealed class Generations(
    string id, string work, string bar, int generations, int readersEach, double tokensPerSecond, Func<Figures, bool> meets, bool apart = false)
    : Benchmark(id, work, bar)
{
    // The loop that reads them all has one of its own.
    const int BufferBytes = 4096;

    static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(15);

    public override bool Meets(Figures figures) => meets(figures);

    public override string Shown(Figures figures) =>
        $"p50 {Figures.Text(figures["p50 ms"])} ms, p99 {Figures.Text(figures["p99 ms"])} ms, {Figures.Text(figures["cores"])} cores at {Figures.Text(figures["chunks/s"])} chunks/s, {Figures.Text(figures["µs/chunk"])} µs of CPU each";

    public override async Task<Figures> RunAsync(TimeSpan measured, CancellationToken cancellation)
    {
        await using var database = await DatabaseProcess.StartAsync(cancellation);
        var setup = new ServiceSetup(database) { TokensPerSecond = tokensPerSecond, Generations = generations };
        await using var service = await ServiceProcess.StartAsync(apart ? setup with { Role = "api" } : setup, cancellation);
        await using var worker = apart ? await ServiceProcess.StartAsync(setup with { Role = "worker" }, cancellation) : null;
        return await MeasureAsync(Id, database, worker is null ? [service] : [service, worker], generations, readersEach, measured, cancellation);
    }

    /// <summary>Starts the generations, and measures them while they go on.</summary>
    /// <param name="id">Of the benchmark.</param>
    /// <param name="database">Theirs.</param>
    /// <param name="services">The first is asked for the generations and has the readers.</param>
    /// <param name="generations">How many there are to be.</param>
    /// <param name="readersEach">Of each generation.</param>
    /// <param name="measured">Length of the measured part, after a warm-up.</param>
    /// <param name="cancellation">Ends it early.</param>
    /// <exception cref="BenchmarkException">The run is void.</exception>
    public static async Task<Figures> MeasureAsync(
        string id, DatabaseProcess database, IReadOnlyList<ServiceProcess> services, int generations, int readersEach, TimeSpan measured, CancellationToken cancellation)
    {
        var part = new MeasuredPart();
        await using var readers = new ReaderGroup(part);
        var paths = new string[generations];
        await ReaderGroup.InTurnsAsync(generations, async (i, token) => paths[i] = await services[0].GenerateAsync(token), cancellation);
        readers.OpenInLoop(generations * readersEach, i => new MeasuredReader(services[0].Address, paths[i / readersEach], part, bufferBytes: BufferBytes), cancellation);
        await Task.Delay(WarmUp, TimeProvider.System, cancellation);
        // What the readers of an earlier run left must not be collected while these are measured.
        GC.Collect();

        var (before, databaseBefore, ownBefore) = (services.Select(p => p.Usage().Cpu).ToArray(), database.Usage(), Environment.CpuUsage.TotalTime);
        var (started, stolen) = (Stopwatch.GetTimestamp(), StolenTime.Start());
        part.IsOn = true;
        await Task.Delay(measured, TimeProvider.System, cancellation);
        part.IsOn = false;
        var (seconds, taken) = (Stopwatch.GetElapsedTime(started).TotalSeconds, stolen.Cores);
        var (databaseAfter, ownAfter) = (database.Usage(), Environment.CpuUsage.TotalTime);
        var cores = services.Select((process, i) => (process.Usage().Cpu - before[i]).TotalSeconds / seconds).ToArray();
        readers.ThrowIfWrong(id, services[0]);

        var latencies = readers.Latencies();
        var chunks = readers.Sum(scanner => scanner.Chunks) / seconds;
        var databaseCores = (databaseAfter.Cpu - databaseBefore.Cpu).TotalSeconds / seconds;
        if (chunks == 0)
            throw new BenchmarkException($"No chunk arrived.\n{services[0].LastLines()}");
        var figures = new Figures
        {
            { "chunks/s", chunks },
            { "messages/s", readers.Sum(scanner => scanner.Messages) / seconds },
            { "p50 ms", latencies.Percentile(0.5) },
            { "p99 ms", latencies.Percentile(0.99) },
            { "max ms", latencies.Max },
            { "cores", cores.Sum() + databaseCores },
            { "of the service", cores.Sum() },
            { "of PostgreSQL", databaseCores },
            { "of the readers", (ownAfter - ownBefore).TotalSeconds / seconds },
            { "µs/chunk", 1_000_000 * (cores.Sum() + databaseCores) / chunks },
            { "MiB of the service", MiB(services[0].Usage().MemoryBytes) },
            { "MiB of PostgreSQL", MiB(databaseAfter.MemoryBytes) },
            { StolenTime.Figure, taken },
        };
        if (services.Count > 1)
            figures.Add("cores of the readers' process", cores[0]);
        return figures;
    }
}
