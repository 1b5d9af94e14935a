using System.Diagnostics;
using Streaming.Benchmarks.Readers;
using Streaming.Benchmarks.Service;

namespace Streaming.Benchmarks.Runs;

/// <summary>What the README's command takes until the service is ready, and what a service takes to stop that has streams open.</summary>
sealed class StartAndStop() : Benchmark("B10", $"`dotnet run` after the build until it is ready, the first time and later; stop with {IdleStreams.Count:#,0} streams",
    "3 s and 1.5 s; 3 s")
{
    const int Relays = 100;

    public override bool Meets(Figures figures) => figures["s first"] <= 3 && figures["s later"] <= 1.5 && figures["s to stop"] <= 3;

    public override string Shown(Figures figures) =>
        $"{Figures.Text(figures["s first"])} s and {Figures.Text(figures["s later"])} s; {Figures.Text(figures["s to stop"])} s";

    public override async Task<Figures> RunAsync(TimeSpan measured, CancellationToken cancellation)
    {
        var (folder, stolen) = (DatabaseProcess.NewFolder(), StolenTime.Start());
        try
        {
            return new Figures
            {
                { "s first", await StartAsync(folder, cancellation) },
                { "s later", await StartAsync(folder, cancellation) },
                { "s to stop", await StopAsync(cancellation) },
                { StolenTime.Figure, stolen.Cores },
            };
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    static async Task<double> StartAsync(string folder, CancellationToken cancellation)
    {
        var address = $"http://127.0.0.1:{ServiceProcess.FreePort()}";
        using var client = new HttpClient { BaseAddress = new Uri(address) };
        var start = new ProcessStartInfo(ChildProcess.Dotnet,
        [
            "run", "--no-build", "-c", "Release", "--project", Path.Combine(Repository.Root(), "src", "Streaming"), "--",
            "--urls", address, $"--Streaming:DataDirectory={folder}",
        ])
        { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment.Remove(ChildProcess.InlineCompletions);
        start.Environment.Remove(ChildProcess.SocketThreads);
        var started = Stopwatch.GetTimestamp();
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync(cancellation);
        if (!await ServiceProcess.IsReadyAsync(client, () => process.HasExited, cancellation))
            throw new BenchmarkException($"The service did not become ready.\n{(process.HasExited ? await output : "")}");
        var seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        // Ctrl-C in a terminal goes to the service as well as to `dotnet run`, which waits for it.
        using (var kill = Process.Start("pkill", ["-TERM", "--parent", $"{process.Id}"]))
            await kill.WaitForExitAsync(cancellation);
        await process.WaitForExitAsync(cancellation);
        return seconds;
    }

    static async Task<double> StopAsync(CancellationToken cancellation)
    {
        await using var database = await DatabaseProcess.StartAsync(cancellation);
        await using var service = await ServiceProcess.StartAsync(new ServiceSetup(database), cancellation);
        var part = new MeasuredPart();
        await using var readers = new ReaderGroup(part);
        var relays = new string[Relays];
        await ReaderGroup.InTurnsAsync(Relays, async (i, token) => relays[i] = await service.RelayAsync(0, token), cancellation);
        await readers.OpenAsync(IdleStreams.Count, i => new MeasuredReader(service.Address, $"/api/stream/relay/{relays[i % Relays]}", part), cancellation);
        var started = Stopwatch.GetTimestamp();
        await service.StopAsync();
        return Stopwatch.GetElapsedTime(started).TotalSeconds;
    }
}
