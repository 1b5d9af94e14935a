using System.Diagnostics;
using System.Globalization;
using Streaming.Benchmarks.Readers;
using Streaming.Benchmarks.Reports;
using Streaming.Benchmarks.Runs;
using Streaming.Benchmarks.Service;

namespace Streaming.Benchmarks.Growth;

/// <summary>
/// How what a message costs grows with what there is: messages kept, transforms open, readers of one transform, instances. The exponent is the
/// slope between the first and the last row on logarithmic axes: 0 means that it does not grow, 1 that it grows in proportion.
/// </summary>
static class GrowthCommand
{
    public const string Name = "growth";

    const string Usage = "Usage: Streaming.Benchmarks growth [--seconds 5] [--millions 1,10,50]";

    static readonly TimeSpan Settling = TimeSpan.FromSeconds(5);

    /// <summary>Prints one table each.</summary>
    public static async Task<int> RunAsync(string[] args, CancellationToken cancellation)
    {
        var (seconds, millions) = (5, new long[] { 1, 10, 50 });
        for (var i = 0; i < args.Length; i += 2)
        {
            var value = i + 1 < args.Length ? args[i + 1] : "";
            if (args[i] == "--seconds" && int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out seconds) && seconds > 0)
                continue;
            if (args[i] == "--millions" && value.Split(',').All(text => long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number > 0))
            {
                millions = [.. value.Split(',').Select(text => long.Parse(text, CultureInfo.InvariantCulture)).Order()];
                continue;
            }

            Console.Error.WriteLine(Usage);
            return 2;
        }

        var measured = TimeSpan.FromSeconds(seconds);
        Console.WriteLine($"Commit {await Repository.CommitAsync(cancellation)} on {Machine.Describe()}, {seconds} s each\n");
        await MessagesKeptAsync(millions, measured, cancellation);
        await TableAsync("transforms open, each with a reader, and 30 chunks/s of one more", [100, 1_000, 10_000],
            count => TransformsOpenAsync(count, measured, cancellation), ["p50 ms", "cores", "MiB of the service"]);
        await TableAsync("readers of one transform at 5 chunks/s", [100, 1_000, 10_000],
            count => ReadersAsync(count, measured, cancellation), ["p50 ms", "p99 ms", "cores", "MiB of the service"]);
        await TableAsync("instances, 200 generations at 30 chunks/s among them, all readers at the first", [1, 2, 3],
            count => InstancesAsync(count, measured, cancellation), ["p50 ms", "p99 ms", "cores", "of PostgreSQL"]);
        return 0;
    }

    static async Task MessagesKeptAsync(long[] millions, TimeSpan measured, CancellationToken cancellation)
    {
        await using var database = await DatabaseProcess.StartAsync(cancellation);
        // The first start makes the tables.
        await using (await ServiceProcess.StartAsync(new ServiceSetup(database), cancellation))
        {
        }

        var kept = 0L;
        await TableAsync("messages kept, 200 generations at 30 chunks/s", [.. millions.Select(million => million * 1_000_000)], async messages =>
        {
            await StoredMessages.FillAsync(database, kept, messages, cancellation);
            kept = messages;
            await using var service = await ServiceProcess.StartAsync(new ServiceSetup(database) { TokensPerSecond = 30, Generations = 200 }, cancellation);
            var relay = await service.RelayAsync(StoredMessages.PerGeneration, cancellation);
            var state = await MillisecondsAsync(service, $"/api/relays/{relay}", measured, cancellation);
            var list = await MillisecondsAsync(service, "/api/ideations?limit=50", measured, cancellation);
            var figures = await Generations.MeasureAsync(Name, database, [service], generations: 200, readersEach: 1, measured, cancellation);
            figures.Add("ms for a state", state);
            figures.Add("ms for a list", list);
            return figures;
        }, ["p50 ms", "p99 ms", "cores", "of PostgreSQL", "ms for a state", "ms for a list"]);
    }

    static async Task<double> MillisecondsAsync(ServiceProcess service, string path, TimeSpan time, CancellationToken cancellation)
    {
        _ = await service.Client.GetByteArrayAsync(path, cancellation);
        var (count, started) = (0, Stopwatch.GetTimestamp());
        for (; Stopwatch.GetElapsedTime(started) < time; count++)
            _ = await service.Client.GetByteArrayAsync(path, cancellation);
        return Stopwatch.GetElapsedTime(started).TotalMilliseconds / count;
    }

    static async Task<Figures> TransformsOpenAsync(long count, TimeSpan measured, CancellationToken cancellation)
    {
        await using var database = await DatabaseProcess.StartAsync(cancellation);
        await using var service = await ServiceProcess.StartAsync(new ServiceSetup(database) { TokensPerSecond = 30 }, cancellation);
        var relays = new string[count];
        await ReaderGroup.InTurnsAsync((int)count, async (i, token) => relays[i] = await service.RelayAsync(0, token), cancellation);
        await using var idle = new ReaderGroup(new MeasuredPart());
        await idle.OpenAsync((int)count, i => new MeasuredReader(service.Address, $"/api/stream/relay/{relays[i]}", idle.Part), cancellation);
        await Task.Delay(Settling, TimeProvider.System, cancellation);
        return await Generations.MeasureAsync(Name, database, [service], generations: 1, readersEach: 1, measured, cancellation);
    }

    static async Task<Figures> ReadersAsync(long count, TimeSpan measured, CancellationToken cancellation)
    {
        await using var database = await DatabaseProcess.StartAsync(cancellation);
        await using var service = await ServiceProcess.StartAsync(new ServiceSetup(database) { TokensPerSecond = 5 }, cancellation);
        return await Generations.MeasureAsync(Name, database, [service], generations: 1, readersEach: (int)count, measured, cancellation);
    }

    static async Task<Figures> InstancesAsync(long count, TimeSpan measured, CancellationToken cancellation)
    {
        const int GenerationCount = 198;
        await using var database = await DatabaseProcess.StartAsync(cancellation);
        var services = new List<ServiceProcess>();
        try
        {
            for (var i = 0; i < count; i++)
                services.Add(await ServiceProcess.StartAsync(
                    new ServiceSetup(database) { TokensPerSecond = 30, Generations = GenerationCount / (int)count }, cancellation));
            return await Generations.MeasureAsync(Name, database, services, GenerationCount, readersEach: 1, measured, cancellation);
        }
        finally
        {
            foreach (var service in services)
                await service.DisposeAsync();
        }
    }

    static async Task TableAsync(string what, long[] sizes, Func<long, Task<Figures>> measure, string[] growing)
    {
        string[] shown = [.. growing, StolenTime.Figure];
        Console.WriteLine($"| {what} | {string.Join(" | ", shown)} |\n|---|{string.Concat(shown.Select(_ => "---|"))}");
        var rows = new List<Figures>();
        foreach (var size in sizes)
        {
            rows.Add(await measure(size));
            Console.WriteLine($"| {size.ToString("#,0", CultureInfo.InvariantCulture)} | {string.Join(" | ", shown.Select(name => Figures.Text(rows[^1][name])))} |");
        }

        if (rows.Count > 1)
            Console.WriteLine($"| exponent | {string.Join(" | ", growing.Select(name => Exponent(rows[0][name], rows[^1][name]).ToString("0.00", CultureInfo.InvariantCulture)))} | |");
        Console.WriteLine();

        double Exponent(double first, double last) => Math.Log(last / first) / Math.Log((double)sizes[^1] / sizes[0]);
    }
}
