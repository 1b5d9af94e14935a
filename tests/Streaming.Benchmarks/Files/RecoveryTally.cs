using System.Globalization;
using System.Text;

namespace Streaming.Benchmarks.Files;

/// <summary>What became of all transfers. Safe for all clients at once.</summary>
sealed class RecoveryTally
{
    const int BlockBytes = 256 * 1024;

    readonly Lock _gate = new();
    readonly Dictionary<(string Direction, long Size), List<double>> _rates = [];
    readonly Dictionary<string, List<double>> _blocks = new() { ["up"] = [], ["down"] = [] };
    readonly Dictionary<string, int> _recoveries = new() { ["continued"] = 0, ["reread"] = 0, ["touched"] = 0, ["lost"] = 0 };
    long _bytes;
    int _failures;

    /// <summary>A chunk, as far as a client can see one.</summary>
    public static int ChunkBytes => BlockBytes;

    /// <summary>A whole file went through; <paramref name="seconds"/> with all interruptions, and without the waits for a turn that they cost.</summary>
    public void Completed(string direction, long size, double seconds)
    {
        lock (_gate)
        {
            if (!_rates.TryGetValue((direction, size), out var rates))
                _rates[(direction, size)] = rates = [];
            rates.Add(size / 1e6 / seconds);
        }
    }

    public void Failed(string why)
    {
        Console.Error.WriteLine(why);
        lock (_gate)
            _failures++;
    }

    /// <summary>A chunk took so long.</summary>
    public void Chunk(string direction, double seconds)
    {
        lock (_gate)
        {
            _blocks[direction].Add(seconds);
            _bytes += BlockBytes;
        }
    }

    /// <summary>A transfer went on: <c>continued</c>; <c>touched</c>: read anew because the file was touched; <c>reread</c>: for no reason; <c>lost</c>: bytes that were counted.</summary>
    public void Recovered(string how)
    {
        lock (_gate)
            _recoveries[how]++;
    }

    /// <summary>Nothing arrived wrong, and what was counted was there.</summary>
    public bool IsSound => _failures == 0 && _recoveries["lost"] == 0;

    public string Table(IEnumerable<long> sizes, TimeSpan elapsed)
    {
        var text = new StringBuilder();
        lock (_gate)
        {
            text.AppendLine("| size | uploads | MB/s, median | downloads | MB/s, median | slowest |").AppendLine("|---|---|---|---|---|---|");
            foreach (var size in sizes)
            {
                var (up, down) = (_rates.GetValueOrDefault(("up", size)) ?? [], _rates.GetValueOrDefault(("down", size)) ?? []);
                text.AppendLine(string.Create(CultureInfo.InvariantCulture, $"| {size / 1_000_000} MB | {up.Count} | {At(up, 0.5):0.0} | {down.Count} | {At(down, 0.5):0.0} | {(up.Count + down.Count > 0 ? up.Concat(down).Min() : 0):0.0} |"));
            }

            var files = _rates.Values.Sum(rates => rates.Count);
            var recoveries = _recoveries.Values.Sum();
            text.AppendLine(string.Create(CultureInfo.InvariantCulture, $"transfers: {files} complete with the right SHA-256, {_failures} failed ({100.0 * files / Math.Max(1, files + _failures):0.00} %)"));
            text.AppendLine(string.Create(CultureInfo.InvariantCulture,
                $"recoveries: {recoveries}; {_recoveries["continued"]} continued ({100.0 * _recoveries["continued"] / Math.Max(1, recoveries):0.0} %), {_recoveries["touched"]} read anew because the file was touched, {_recoveries["reread"]} for no reason, {_recoveries["lost"]} lost bytes"));
            text.AppendLine(string.Create(CultureInfo.InvariantCulture,
                $"chunks of {BlockBytes / 1024} KiB: up p50 {1000 * At(_blocks["up"], 0.5):0.0} ms, p95 {1000 * At(_blocks["up"], 0.95):0.0} ms; down p50 {1000 * At(_blocks["down"], 0.5):0.0} ms, p95 {1000 * At(_blocks["down"], 0.95):0.0} ms; all together {_bytes / 1e6 / elapsed.TotalSeconds:0} MB/s"));
        }

        return text.ToString();
    }

    static double At(List<double> values, double quantile) => values.Count == 0 ? 0 : values.Order().ElementAt(Math.Min(values.Count - 1, (int)(quantile * values.Count)));
}
