namespace Streaming.Benchmarks.Runs;

/// <summary>One benchmark: what is done, and what is asked of it. The bars are those of the project, for two cores.</summary>
/// <param name="id">Its name on the command line and in the report.</param>
/// <param name="work">What the service does.</param>
/// <param name="bar">What is asked, for a person.</param>
abstract class Benchmark(string id, string work, string bar)
{
    public static IReadOnlyList<Benchmark> All { get; } =
    [
        new Generations("B1", "200 generations at 30 chunks/s inside the service, one reader each: from the model's delta to the reader's bytes",
            "p50 <= 2 ms, p99 <= 10 ms, <= 1.0 core for service and PostgreSQL", generations: 200, readersEach: 1, tokensPerSecond: 30,
            // A service that falls behind the pace would show fine times.
            figures => figures["p50 ms"] <= 2 && figures["p99 ms"] <= 10 && figures["cores"] <= 1.0 && figures["chunks/s"] >= 0.99 * 200 * 30),
        new Generations("B2", $"most chunks/s persisted and delivered, 200 generations, one reader each, {Service.MarkedChatClient.DeltaBytes} bytes of text a chunk",
            ">= 60,000 chunks/s", generations: 200, readersEach: 1, tokensPerSecond: 0, figures => figures["chunks/s"] >= 60_000),
        new Generations("B3", "1 generation at 2,000 chunks/s to 1,000 readers",
            ">= 1,000,000 deliveries/s", generations: 1, readersEach: 1000, tokensPerSecond: 2000, figures => figures["chunks/s"] >= 1_000_000),
        new Generations("B4", "1 generation at 30 chunks/s to 1,000 readers",
            "p99 <= 15 ms", generations: 1, readersEach: 1000, tokensPerSecond: 30, figures => figures["p99 ms"] <= 15 && figures["chunks/s"] >= 0.99 * 30_000),
        new IdleStreams(),
        new ReconnectStorm(),
        new CatchUp(),
        new StateReads(),
        new Generations("B9", "the work of B1, with the generations in one process and the readers in another, on one database",
            "p50 <= 2 ms, p99 <= 20 ms", generations: 200, readersEach: 1, tokensPerSecond: 30,
            figures => figures["p50 ms"] <= 2 && figures["p99 ms"] <= 20 && figures["chunks/s"] >= 0.99 * 200 * 30, apart: true),
        new StartAndStop(),
        new Uploads(),
    ];

    public string Id => id;

    public string Work => work;

    public string Bar => bar;

    /// <summary>One run, on a service and a database of its own.</summary>
    /// <param name="measured">Length of the part that is measured, where time is what ends it.</param>
    /// <param name="cancellation">Ends it early.</param>
    /// <exception cref="BenchmarkException">A reader missed a message or got one twice, or the service did not do its work: the run is void.</exception>
    public abstract Task<Figures> RunAsync(TimeSpan measured, CancellationToken cancellation);

    /// <summary>Whether the figures meet the bar.</summary>
    public abstract bool Meets(Figures figures);

    /// <summary>The figures that the bar speaks of.</summary>
    public abstract string Shown(Figures figures);

    protected static double MiB(long bytes) => bytes / 1024.0 / 1024.0;
}
