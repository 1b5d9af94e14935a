using System.Diagnostics;
using Streaming.Benchmarks.Readers;
using Streaming.Benchmarks.Service;

namespace Streaming.Benchmarks.Runs;

/// <summary>One late reader after the other, each of everything.</summary>
sealed class CatchUp() : Benchmark("B7", $"catch-up of {Messages:#,0} messages",
    "first byte within 20 ms, >= 500,000 messages/s, memory flat")
{
    const int Messages = 50_000;

    // Warm code, pages of the table in memory.
    const int WarmUps = 5;
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    public override bool Meets(Figures figures) => figures["ms to the first message"] <= 20 && figures["messages/s"] >= 500_000 && figures["MiB more"] <= 16;

    public override string Shown(Figures figures) =>
        $"first message after {Figures.Text(figures["ms to the first message"])} ms, {Figures.Text(figures["messages/s"])} messages/s, {Figures.Text(figures["MiB more"])} MiB more";

    public override async Task<Figures> RunAsync(TimeSpan measured, CancellationToken cancellation)
    {
        await using var database = await DatabaseProcess.StartAsync(cancellation);
        await using var service = await ServiceProcess.StartAsync(new ServiceSetup(database), cancellation);
        var relay = await service.RelayAsync(Messages, cancellation);
        for (var i = 0; i < WarmUps; i++)
            await ReadAsync(service, relay, cancellation);
        var (before, databaseBefore, stolen) = (service.Usage(), database.Usage(), StolenTime.Start());
        var times = new List<(double First, double All)>();
        for (var started = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(started) < measured;)
            times.Add(await ReadAsync(service, relay, cancellation));
        var (after, databaseAfter, taken) = (service.Usage(), database.Usage(), stolen.Cores);
        return new Figures
        {
            { "ms to the first message", times.Select(time => time.First).Order().ElementAt(times.Count / 2) },
            { "messages/s", 1000.0 * Messages / times.Select(time => time.All).Order().ElementAt(times.Count / 2) },
            { "µs of the service each", (after.Cpu - before.Cpu).TotalMicroseconds / times.Count / Messages },
            { "µs of PostgreSQL each", (databaseAfter.Cpu - databaseBefore.Cpu).TotalMicroseconds / times.Count / Messages },
            { "MiB of the service", MiB(after.MemoryBytes) },
            { "MiB more", MiB(after.MemoryBytes - before.MemoryBytes) },
            { StolenTime.Figure, taken },
        };
    }

    async Task<(double First, double All)> ReadAsync(ServiceProcess service, string relay, CancellationToken cancellation)
    {
        var part = new MeasuredPart();
        await using var group = new ReaderGroup(part);
        var first = 0L;
        var all = new TaskCompletionSource<long>(TaskCreationOptions.RunContinuationsAsynchronously);
        var started = Stopwatch.GetTimestamp();
        MeasuredReader reader = null!;
        await group.OpenAsync(1, _ => reader = new MeasuredReader(service.Address, $"/api/stream/relay/{relay}", part, grown: () =>
        {
            if (first == 0)
                first = Stopwatch.GetTimestamp();
            if (reader.Scanner.Next == Messages + 1)
                all.TrySetResult(Stopwatch.GetTimestamp());
        }), cancellation);
        try
        {
            var end = await all.Task.WaitAsync(Patience, cancellation);
            return (Stopwatch.GetElapsedTime(started, first).TotalMilliseconds, Stopwatch.GetElapsedTime(started, end).TotalMilliseconds);
        }
        catch (TimeoutException)
        {
            group.ThrowIfWrong(Id, service);
            throw new BenchmarkException($"The reader got no further than {reader.Scanner.Next}.\n{service.LastLines()}");
        }
    }
}
