using System.Diagnostics;
using System.Globalization;

namespace Streaming.Benchmarks.Service;

/// <summary>
/// Processor time that this machine had work for and its host gave to others, since <see cref="Start"/>: "steal" of <c>/proc/stat</c>, proc(5).
/// A thread that is to run stands still meanwhile, 3 to 11 ms at a time: a 99th percentile of a few milliseconds tells nothing else then.
/// </summary>
readonly struct StolenTime
{
    /// <summary>The figure's name in all benchmarks. 0 on a machine that has no host.</summary>
    public const string Figure = "cores taken by the host";

    // The first line: "cpu", user, nice, system, idle, iowait, irq, softirq, steal, in ticks, of all processors.
    const int Steal = 8;

    readonly long _started;
    readonly long _ticks;

    StolenTime(long started, long ticks) => (_started, _ticks) = (started, ticks);

    /// <summary>On average, of all processors.</summary>
    public double Cores => (double)(Ticks() - _ticks) / ProcessUsage.TicksPerSecond / Stopwatch.GetElapsedTime(_started).TotalSeconds;

    public static StolenTime Start() => new(Stopwatch.GetTimestamp(), Ticks());

    static long Ticks() => long.Parse(
        File.ReadLines("/proc/stat").First().Split(' ', StringSplitOptions.RemoveEmptyEntries)[Steal], CultureInfo.InvariantCulture);
}
