using Streaming.Files;

namespace Streaming.Status;

/// <summary>What the runtime tells of this process. Shares and rates are those since they were last taken, for all who ask.</summary>
public sealed class ProcessMeter(TimeProvider clock)
{
    // Shorter, and a share would be noise; who asks sooner gets the one before.
    static readonly TimeSpan TimeMin = TimeSpan.FromSeconds(1);

    readonly Lock _gate = new();
    Taken _last = Take(clock);
    (double Pause, double Cpu, double Allocated) _shares;

    readonly record struct Taken(long At, TimeSpan Pause, TimeSpan Cpu, long Allocated);

    public static MemoryFigures Memory()
    {
        var sample = MemorySample.Take();
        return new MemoryFigures(
            sample.UsedBytes, sample.LimitBytes, Math.Round(sample.Load, 4), sample.Level.ToString().ToLowerInvariant(), GC.GetTotalMemory(forceFullCollection: false),
            Environment.WorkingSet, CgroupMemory.Limit());
    }

    public (GcFigures Gc, double CpuShare) Shares()
    {
        lock (_gate)
        {
            var now = Take(clock);
            var elapsed = clock.GetElapsedTime(_last.At, now.At);
            if (elapsed >= TimeMin)
            {
                _shares = ((now.Pause - _last.Pause) / elapsed, (now.Cpu - _last.Cpu) / elapsed / Environment.ProcessorCount, (now.Allocated - _last.Allocated) / elapsed.TotalSeconds);
                _last = now;
            }

            return (new GcFigures(
                [.. Enumerable.Range(0, GC.MaxGeneration + 1).Select(GC.CollectionCount)], Math.Round(_shares.Pause, 4), Math.Round(_shares.Allocated),
                GC.GetGCMemoryInfo().FragmentedBytes), Math.Round(_shares.Cpu, 4));
        }
    }

    public static ThreadFigures Threads() => new(ThreadPool.ThreadCount, ThreadPool.PendingWorkItemCount);

    static Taken Take(TimeProvider clock) => new(clock.GetTimestamp(), GC.GetTotalPauseDuration(), Environment.CpuUsage.TotalTime, GC.GetTotalAllocatedBytes());
}
