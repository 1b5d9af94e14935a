using System.Diagnostics;
using System.Globalization;
using Streaming.Benchmarks.Reports;
using Streaming.Benchmarks.Service;

namespace Streaming.Benchmarks.Files;

/// <summary>
/// F8: files of 1 MB to 1 GB go up and come down again, a dozen at once, with a heap of 200 MB, while connections are cut, files are touched, and the
/// service is killed. What arrives is compared with what was sent by SHA-256.
/// </summary>
static class FileRecoveryCommand
{
    public const string Name = "F8";

    const long HeapBytesMax = 200_000_000;
    const int Kills = 3;
    static readonly TimeSpan SettleTime = TimeSpan.FromSeconds(5);

    /// <summary>Sizes in bytes, and how many clients send files of each.</summary>
    static readonly (long Size, int Clients)[] Loads = [(1_000_000, 4), (10_000_000, 4), (100_000_000, 3), (1_000_000_000, 1)];

    public static async Task<int> RunAsync(string[] args, CancellationToken cancellation)
    {
        var seconds = args is ["--seconds", var text] && int.TryParse(text, out var number) ? number : 150;
        var folder = Directory.CreateTempSubdirectory("streaming-files-benchmark-");
        await using var database = await DatabaseProcess.StartAsync(cancellation);
        var setup = new ServiceSetup(database)
        {
            Port = ServiceProcess.FreePort(), HeapBytesMax = HeapBytesMax, Settings = [$"--Files:Directory={folder.FullName}"],
        };
        var service = await ServiceProcess.StartAsync(setup, cancellation);
        try
        {
            using var http = new HttpClient(new SocketsHttpHandler { PooledConnectionIdleTimeout = TimeSpan.FromSeconds(1) }) { BaseAddress = service.Client.BaseAddress, Timeout = TimeSpan.FromMinutes(5) };
            var tally = new RecoveryTally();
            using var over = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            var started = Stopwatch.GetTimestamp();
            var seed = 0;
            var clients = Loads.SelectMany(load => Enumerable.Range(0, load.Clients).Select(_ => (load.Size, Seed: ++seed)))
                .Select(client => Task.Run(() => new RecoveringClient(http, folder.FullName, client.Size, client.Seed, tally).RunAsync(over.Token), CancellationToken.None)).ToList();
            var memory = new List<long>();
            var kills = 0;
            while (Stopwatch.GetElapsedTime(started).TotalSeconds < seconds)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(250), TimeProvider.System, cancellation);
                memory.Add(service.Usage().MemoryBytes);
                if (clients.Find(client => client.IsFaulted) is { } broken)
                    await broken;
                if (kills < Kills && Stopwatch.GetElapsedTime(started).TotalSeconds > seconds * (kills + 1.0) / (Kills + 1))
                {
                    kills++;
                    await service.KillAsync();
                    await service.DisposeAsync();
                    service = await ServiceProcess.StartAsync(setup, cancellation);
                }
            }

            var elapsed = Stopwatch.GetElapsedTime(started);
            await over.CancelAsync();
            await Task.WhenAll(clients);
            // What was let go of has gone when nobody streams any more.
            await Task.Delay(SettleTime, TimeProvider.System, cancellation);
            Console.WriteLine($"{TimeProvider.System.GetUtcNow():yyyy-MM-dd HH:mm}, {await Repository.CommitAsync(cancellation)}, {Machine.Describe()}, {elapsed.TotalSeconds:0} s, {clients.Count} at once, heap of {HeapBytesMax / 1_000_000} MB, {kills} kills");
            Console.WriteLine(tally.Table(Loads.Select(load => load.Size), elapsed));
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"memory (PSS): peak {memory.Max() / 1048576.0:0} MiB, afterwards {service.Usage().MemoryBytes / 1048576.0:0} MiB; last third at its median {Median(memory[^(memory.Count / 3)..]) / 1048576.0:0} MiB"));
            return tally.IsSound ? 0 : 1;
        }
        finally
        {
            await service.DisposeAsync();
            folder.Delete(recursive: true);
        }
    }

    static long Median(List<long> values) => values.Order().ElementAt(values.Count / 2);
}
