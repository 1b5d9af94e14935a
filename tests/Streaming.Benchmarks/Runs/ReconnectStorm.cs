using System.Diagnostics;
using Streaming.Benchmarks.Readers;
using Streaming.Benchmarks.Service;

namespace Streaming.Benchmarks.Runs;

/// <summary>After a network came back: everybody reconnects at once, each from its cursor, while generations go on.</summary>
sealed class ReconnectStorm() : Benchmark("B6", $"{Clients:#,0} clients of {Relays:#,0} sessions reconnect at once, each {Missed} messages behind, beside {Others} generations at 30 chunks/s",
    "all caught up within 5 s, the generations' p99 < 100 ms")
{
    const int Clients = 10_000, Relays = 1000, Messages = 100, Missed = 50, Others = 50, BufferBytes = 4 * 1024;
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    public override bool Meets(Figures figures) => figures["s until all had caught up"] <= 5 && figures["p99 ms"] < 100;

    public override string Shown(Figures figures) =>
        $"{Figures.Text(figures["s until all had caught up"])} s, p99 {Figures.Text(figures["p99 ms"])} ms";

    public override async Task<Figures> RunAsync(TimeSpan measured, CancellationToken cancellation)
    {
        await using var database = await DatabaseProcess.StartAsync(cancellation);
        await using var service = await ServiceProcess.StartAsync(new ServiceSetup(database) { TokensPerSecond = 30, Generations = Others }, cancellation);
        var part = new MeasuredPart();
        await using var others = new ReaderGroup(part);
        await using var storm = new ReaderGroup(new MeasuredPart());
        var relays = new string[Relays];
        await ReaderGroup.InTurnsAsync(Relays, async (i, token) => relays[i] = await service.RelayAsync(Messages, token), cancellation);
        var paths = new string[Others];
        await ReaderGroup.InTurnsAsync(Others, async (i, token) => paths[i] = await service.GenerateAsync(token), cancellation);
        others.OpenInLoop(Others, i => new MeasuredReader(service.Address, paths[i], part), cancellation);
        // They were connected before, and were cut off.
        await using (var connected = new ReaderGroup(new MeasuredPart()))
            await connected.OpenAsync(Clients, i => new MeasuredReader(service.Address, $"/api/stream/relay/{relays[i % Relays]}", connected.Part, cursor: Messages - Missed, bufferBytes: BufferBytes), cancellation);
        await Task.Delay(TimeSpan.FromSeconds(3), TimeProvider.System, cancellation);

        var left = Clients;
        var all = new TaskCompletionSource<long>(TaskCreationOptions.RunContinuationsAsynchronously);
        // Clients are other machines: what theirs take in memory must not be collected in the time that is the service's.
        var clients = Enumerable.Range(0, Clients).Select(i =>
        {
            MeasuredReader reader = null!;
            return reader = new MeasuredReader(service.Address, $"/api/stream/relay/{relays[i % Relays]}", storm.Part, cursor: Messages - Missed, grown: () =>
            {
                if (reader.Scanner.Next == Messages + 1 && Interlocked.Decrement(ref left) == 0)
                    all.TrySetResult(Stopwatch.GetTimestamp());
            }, bufferBytes: BufferBytes);
        }).ToArray();
        GC.Collect();
        var (before, pausesBefore, ownPausesBefore) = (service.Usage().Cpu, await service.PausesAsync(cancellation), GC.GetTotalPauseDuration());
        part.IsOn = true;
        var (started, stolen) = (Stopwatch.GetTimestamp(), StolenTime.Start());
        await storm.OpenAllAsync(Clients, i => clients[i], cancellation);
        try
        {
            await all.Task.WaitAsync(Patience, cancellation);
        }
        catch (TimeoutException)
        {
            storm.ThrowIfWrong(Id, service);
            throw new BenchmarkException($"{left} of {Clients} had not caught up after {Patience}.\n{service.LastLines()}");
        }

        part.IsOn = false;
        var (cpu, taken) = ((service.Usage().Cpu - before).TotalSeconds, stolen.Cores);
        var (pauses, ownPauses) = (await service.PausesAsync(cancellation) - pausesBefore, GC.GetTotalPauseDuration() - ownPausesBefore);
        storm.ThrowIfWrong(Id, service);
        others.ThrowIfWrong(Id, service);
        var latencies = others.Latencies();
        return new Figures
        {
            { "s until all had caught up", Stopwatch.GetElapsedTime(started, await all.Task).TotalSeconds },
            { "p50 ms", latencies.Percentile(0.5) },
            { "p99 ms", latencies.Percentile(0.99) },
            { "max ms", latencies.Max },
            { "s of CPU of the service", cpu },
            { "ms of its pauses for garbage", pauses.TotalMilliseconds },
            { "ms of the clients' pauses", ownPauses.TotalMilliseconds },
            { "MiB of the service", MiB(service.Usage().MemoryBytes) },
            { StolenTime.Figure, taken },
        };
    }
}
