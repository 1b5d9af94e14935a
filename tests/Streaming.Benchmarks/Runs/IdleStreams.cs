using System.Diagnostics;
using Streaming.Benchmarks.Readers;
using Streaming.Benchmarks.Service;

namespace Streaming.Benchmarks.Runs;

/// <summary>Streams on which nothing happens but heartbeats: each of a relay of its own.</summary>
sealed class IdleStreams() : Benchmark("B5", $"{Count:#,0} open streams, idle, each of a session of its own: memory each, and what the heartbeats cost",
    "<= 16 KiB each, heartbeats < 5 % of a core")
{
    public const int Count = 10_000;

    // What is loaded and compiled for the first streams is not counted as theirs: memory each is the slope from here on.
    const int First = 1_000;

    // Two heartbeats of each.
    static readonly TimeSpan Watched = TimeSpan.FromSeconds(20);

    public override bool Meets(Figures figures) => figures["KiB each"] <= 16 && figures["cores"] < 0.05;

    public override string Shown(Figures figures) => $"{Figures.Text(figures["KiB each"])} KiB each, {Figures.Text(figures["cores"])} cores";

    public override async Task<Figures> RunAsync(TimeSpan measured, CancellationToken cancellation)
    {
        await using var database = await DatabaseProcess.StartAsync(cancellation);
        await using var service = await ServiceProcess.StartAsync(new ServiceSetup(database), cancellation);
        var part = new MeasuredPart();
        await using var readers = new ReaderGroup(part);
        var relays = new string[Count];
        await ReaderGroup.InTurnsAsync(Count, async (i, token) => relays[i] = await service.RelayAsync(0, token), cancellation);
        await Task.Delay(TimeSpan.FromSeconds(2), TimeProvider.System, cancellation);
        await readers.OpenAsync(First, i => new MeasuredReader(service.Address, $"/api/stream/relay/{relays[i]}", part), cancellation);
        await Task.Delay(TimeSpan.FromSeconds(2), TimeProvider.System, cancellation);
        var before = service.Usage();
        await readers.OpenAsync(Count - First, i => new MeasuredReader(service.Address, $"/api/stream/relay/{relays[First + i]}", part), cancellation);
        // The first seconds are those of opening.
        await Task.Delay(TimeSpan.FromSeconds(5), TimeProvider.System, cancellation);
        var (opened, databaseOpened, started) = (service.Usage(), database.Usage(), Stopwatch.GetTimestamp());
        await Task.Delay(Watched, TimeProvider.System, cancellation);
        var seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        var (after, databaseAfter) = (service.Usage(), database.Usage());
        readers.ThrowIfWrong(Id, service);
        if (readers.Readers.Any(reader => reader.Scanner.Next == 0))
            throw new BenchmarkException("Some streams brought nothing.");
        return new Figures
        {
            { "KiB each", (after.MemoryBytes - before.MemoryBytes) / 1024.0 / (Count - First) },
            { "cores", (after.Cpu - opened.Cpu).TotalSeconds / seconds },
            { "of PostgreSQL", (databaseAfter.Cpu - databaseOpened.Cpu).TotalSeconds / seconds },
            { "MiB of the service", MiB(after.MemoryBytes) },
        };
    }
}
