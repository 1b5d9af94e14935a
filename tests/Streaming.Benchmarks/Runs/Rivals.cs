using System.Diagnostics;
using System.Globalization;
using Streaming.Benchmarks.Service;

namespace Streaming.Benchmarks.Runs;

/// <summary>
/// Other servers of event streams, and this one as they are: each chunk is a POST to it, and a load meter is publisher and reader. The
/// folder holds the meter <c>sseload</c> and <c>rivals.sh</c>, which starts them.
/// </summary>
/// <param name="folder">Where they are.</param>
sealed class Rivals(string folder)
{
    const string Us = "this service, a POST a chunk";

    // What rivals.sh knows them by, and what people do; those that need what is not installed fail, and have no row.
    static readonly Dictionary<string, string> Names = new()
    {
        ["nchan"] = "Nchan, memory",
        ["durable-mem"] = "durable-streams, memory",
        ["durable-file"] = "durable-streams, file",
        ["better-sse"] = "better-sse",
        ["redis-bridge"] = "Redis Streams, everysec",
        ["redis-bridge-always"] = "Redis Streams, always",
        ["resumable"] = "resumable-stream",
    };

    /// <summary>Arguments of the meter, and what to read from it.</summary>
    static readonly (string Name, int Subscribers, int Streams, string Load)[] Tests =
    [
        ("fan30", 1000, 1, "--rate 30"), ("fanmax", 1000, 1, "--window 64"), ("llm30", 200, 200, "--rate 30"), ("llmmax", 200, 200, "--window 1"),
    ];

    readonly List<(string Rival, string Test, Dictionary<string, string> Figures)> _rows = [];

    /// <summary>Every rival and test once, then this service.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        var head = (await OutputAsync("./sseload", ["--head"], cancellation)).Trim().Split('\t');
        Keep(head, await OutputAsync("bash", ["rivals.sh", "1", string.Join(' ', Names.Keys), string.Join(' ', Tests.Select(test => test.Name))], cancellation));
        foreach (var test in Tests)
        {
            await using var database = await DatabaseProcess.StartAsync(cancellation);
            await using var service = await ServiceProcess.StartAsync(new ServiceSetup(database), cancellation);
            var ids = Path.Combine(database.Folder, "ids");
            var relays = new List<string>();
            for (var i = 0; i < test.Streams; i++)
                relays.Add(await service.RelayAsync(0, cancellation));
            await File.WriteAllLinesAsync(ids, relays, cancellation);
            Keep(head, await OutputAsync("./sseload",
            [
                "--name", Us, "--port", $"{service.Address.Port}", "--pids", string.Join(',', service.Processes.Concat(database.Processes())),
                "--ids", ids, "--sub-path", "/api/stream/relay/{s}", "--pub-path", "/api/relays/{s}/messages", "--ctype", "application/json",
                "--body", """{"type":"chunk","text":"{data}"}""", "--secs", "2", "--warm", "1",
                "--subs", $"{test.Subscribers}", "--streams", $"{test.Streams}", .. test.Load.Split(' '),
            ], cancellation));
        }
    }

    void Keep(string[] head, string output)
    {
        foreach (var line in output.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            var figures = head.Zip(line.Split('\t')).ToDictionary(pair => pair.First, pair => pair.Second);
            if (figures.Count == head.Length && Tests.FirstOrDefault(test => test.Streams == Number(figures, "streams")
                    && (Number(figures, "offered/s") > 0) == test.Load.StartsWith("--rate", StringComparison.Ordinal)) is { Name: { } name })
                _rows.Add((Names.GetValueOrDefault(figures["name"], figures["name"]), name, figures));
        }
    }

    /// <summary>Medians of all runs so far.</summary>
    public string Table()
    {
        var lines = _rows.GroupBy(row => row.Rival).Select(rival =>
            $"| {rival.Key} | {Latency(rival, "fan30")} | {Figure(rival, "fanmax", "delivered/s")} | {Latency(rival, "llm30")} | {Figure(rival, "llmmax", "delivered/s")} |\n");
        return $"""
            | server | 1 to 1,000 readers at 30/s: p50 / p99 ms, cores | 1 to 1,000, deliveries/s | 200 generations at 30/s: p50 / p99 ms, cores | 200 generations, chunks/s |
            |---|---|---|---|---|
            {string.Concat(lines)}
            """;
    }

    /// <summary>A figure of a benchmark, and the rivals' in a test that is nearest to it.</summary>
    /// <param name="Id">The benchmark.</param>
    /// <param name="Ours">Its figure.</param>
    /// <param name="Test">The rivals' test.</param>
    /// <param name="Theirs">Their figure, in units of <paramref name="Unit"/>.</param>
    /// <param name="Unit">In units of our figure.</param>
    /// <param name="Among">What the names of those begin with that are compared.</param>
    /// <param name="IsMoreBetter">Which of them is the best one.</param>
    sealed record Comparison(string Id, string Ours, string Test, string Theirs, double Unit, string[] Among, bool IsMoreBetter);

    static readonly string[] Durable = ["durable-streams, file", "Redis Streams, always"];

    static readonly Comparison[] Comparisons =
    [
        new("B1", "p99 ms", "llm30", "lat_p99us", 1000, Durable, IsMoreBetter: false), new("B1", "cores", "llm30", "srv_cores", 1, Durable, IsMoreBetter: false),
        new("B2", "chunks/s", "llmmax", "delivered/s", 1, Durable, IsMoreBetter: true), new("B2", "chunks/s", "llmmax", "delivered/s", 1, ["Nchan"], IsMoreBetter: true),
        new("B3", "chunks/s", "fanmax", "delivered/s", 1, [""], IsMoreBetter: true),
        new("B4", "p99 ms", "fan30", "lat_p99us", 1000, [""], IsMoreBetter: false), new("B4", "cores", "fan30", "srv_cores", 1, ["better-sse"], IsMoreBetter: false),
    ];

    /// <summary>The service's own generations beside the best of those rivals in the same runs.</summary>
    public string Ratios(IReadOnlyList<Result> results)
    {
        var lines = new List<string>();
        foreach (var comparison in Comparisons)
        {
            var rivals = _rows.Where(row => row.Rival != Us && comparison.Among.Any(row.Rival.StartsWith)).GroupBy(row => row.Rival)
                .Select(rows => (Name: rows.Key, Value: Median(rows, comparison.Test, comparison.Theirs, comparison.Unit))).Where(rival => rival.Value is not null)
                .OrderBy(rival => comparison.IsMoreBetter ? -rival.Value : rival.Value).ToList();
            if (rivals.Count == 0 || results.FirstOrDefault(result => result.Benchmark.Id == comparison.Id)?.Medians is not { } ours)
                continue;
            var ((name, value), mine) = (rivals[0], ours[comparison.Ours]);
            lines.Add($"| {comparison.Id} | {comparison.Ours} | {Runs.Figures.Text(mine)} | {name}: {Runs.Figures.Text(value!.Value)} | {Runs.Figures.Text(mine / value.Value)} |\n");
        }

        return $"""
            | | figure | the service's own generations | best rival of its sort | ratio |
            |---|---|---|---|---|
            {string.Concat(lines)}
            """;
    }

    static double? Median(IEnumerable<(string Rival, string Test, Dictionary<string, string> Figures)> rows, string test, string name, double unit)
    {
        var values = rows.Where(row => row.Test == test).Select(row => Number(row.Figures, name) / unit).Order().ToList();
        return values.Count == 0 ? null : values[values.Count / 2];
    }

    static string Latency(IEnumerable<(string Rival, string Test, Dictionary<string, string> Figures)> rows, string test) =>
        $"{Figure(rows, test, "lat_p50us", 1000)} / {Figure(rows, test, "lat_p99us", 1000)}, {Figure(rows, test, "srv_cores")}";

    static string Figure(IEnumerable<(string Rival, string Test, Dictionary<string, string> Figures)> rows, string test, string name, double unit = 1)
    {
        var faults = rows.Where(row => row.Test == test).Sum(row => Number(row.Figures, "gap") + Number(row.Figures, "dup") + Number(row.Figures, "missing"));
        return Median(rows, test, name, unit) is not { } median ? "–" : Runs.Figures.Text(median) + (faults > 0 ? " (lost or repeated some)" : "");
    }

    static double Number(Dictionary<string, string> figures, string name) =>
        double.TryParse(figures[name], NumberStyles.Float, CultureInfo.InvariantCulture, out var number) ? number : 0;

    async Task<string> OutputAsync(string program, IEnumerable<string> arguments, CancellationToken cancellation)
    {
        var start = new ProcessStartInfo(program.StartsWith('.') ? Path.Combine(folder, program) : program, arguments)
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
        };
        start.Environment.Remove(ChildProcess.InlineCompletions);
        start.Environment.Remove(ChildProcess.SocketThreads);
        try
        {
            using var process = Process.Start(start)!;
            var output = await process.StandardOutput.ReadToEndAsync(cancellation);
            await process.WaitForExitAsync(cancellation);
            return output;
        }
        catch (System.ComponentModel.Win32Exception fault)
        {
            throw new BenchmarkException($"{program} of {folder} cannot be run: {fault.Message}");
        }
    }
}
