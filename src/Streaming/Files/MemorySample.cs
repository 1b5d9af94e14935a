namespace Streaming.Files;

/// <summary>How full the memory is: from 60, 75 and 85 % of its limit on.</summary>
public enum MemoryLevel { Normal, Warning, Critical, Emergency }

/// <summary>What is used of what may be used, in bytes; a limit of 0 is not known.</summary>
public readonly record struct MemorySample(long UsedBytes, long LimitBytes)
{
    /// <summary>Load at which memory is at its last level.</summary>
    public const double EmergencyLoad = 0.85;

    static readonly Lazy<long?> GroupLimit = new(() => CgroupMemory.Limit());

    public double Load => LimitBytes > 0 ? (double)UsedBytes / LimitBytes : 0;

    public MemoryLevel Level => Load switch
    {
        >= EmergencyLoad => MemoryLevel.Emergency,
        >= 0.75 => MemoryLevel.Critical,
        >= 0.60 => MemoryLevel.Warning,
        _ => MemoryLevel.Normal,
    };

    /// <summary>
    /// Of this process, now: its heap against what the collector may use (physical memory, or <c>DOTNET_GCHeapHardLimit</c>),
    /// or all that it has in memory against its control group's limit, whichever is fuller.
    /// </summary>
    public static MemorySample Take()
    {
        var heap = new MemorySample(GC.GetTotalMemory(forceFullCollection: false), GC.GetGCMemoryInfo().TotalAvailableMemoryBytes);
        // Not the group's own count: pages of files that were streamed are in it, and are given up for the asking.
        var process = GroupLimit.Value is { } limit ? new MemorySample(Environment.WorkingSet, limit) : default;
        return process.Load > heap.Load ? process : heap;
    }
}
