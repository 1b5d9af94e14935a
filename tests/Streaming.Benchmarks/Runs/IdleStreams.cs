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

    public override bool Meets(Figures figures) => figures["KiB each"] <= 16 && figures["cores for heartbeats"] < 0.05;

    public override string Shown(Figures figures) =>
        $"{Figures.Text(figures["KiB each"])} KiB each, {Figures.Text(figures["cores for heartbeats"])} of {Figures.Text(figures["cores"])} cores for heartbeats";

    public override async Task<Figures> RunAsync(TimeSpan measured, CancellationToken cancellation)
    {
        await using var database = await DatabaseProcess.StartAsync(cancellation);
        var idle = await WatchAsync(new ServiceSetup(database), cancellation);
        // What the streams cost besides: the framework's look at its connections, the comparison of all heads.
        var silent = await WatchAsync(new ServiceSetup(database) { Settings = ["--Subscriptions:HeartbeatInterval=01:00:00"] }, cancellation);
        return new Figures
        {
            { "KiB each", idle.KiB },
            { "cores", idle.Cores },
            { "cores for heartbeats", Math.Max(0, idle.Cores - silent.Cores) },
            { "of PostgreSQL", idle.DatabaseCores },
            { "MiB of the service", idle.MiB },
        };
    }

    async Task<(double KiB, double MiB, double Cores, double DatabaseCores)> WatchAsync(
        ServiceSetup setup, CancellationToken cancellation)
    {
        await using var service = await ServiceProcess.StartAsync(setup, cancellation);
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
        var (opened, databaseOpened, started) = (service.Usage(), setup.Database.Usage(), Stopwatch.GetTimestamp());
        await Task.Delay(Watched, TimeProvider.System, cancellation);
        var seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        var (after, databaseAfter) = (service.Usage(), setup.Database.Usage());
        readers.ThrowIfWrong(Id, service);
        if (readers.Readers.Any(reader => reader.Scanner.Next == 0))
            throw new BenchmarkException("Some streams brought nothing.");
        return ((after.MemoryBytes - before.MemoryBytes) / 1024.0 / (Count - First), MiB(after.MemoryBytes),
            (after.Cpu - opened.Cpu).TotalSeconds / seconds, (databaseAfter.Cpu - databaseOpened.Cpu).TotalSeconds / seconds);
    }
}
