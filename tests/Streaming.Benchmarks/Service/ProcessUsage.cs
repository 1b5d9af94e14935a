using System.Globalization;

namespace Streaming.Benchmarks.Service;

/// <summary>CPU time and memory of processes, from <c>/proc</c>.</summary>
/// <param name="Cpu">User and system time since their start.</param>
/// <param name="MemoryBytes">Proportional set size: what processes share counts once.</param>
readonly record struct ProcessUsage(TimeSpan Cpu, long MemoryBytes)
{
    /// <summary>USER_HZ, which is 100 on every Linux that .NET runs on.</summary>
    public const int TicksPerSecond = 100;

    // Fields of /proc/PID/stat after the name, which is in brackets and may hold anything: state, parent, …
    const int Parent = 1, UserTime = 11, SystemTime = 12, ChildrenUserTime = 13, ChildrenSystemTime = 14;

    public static ProcessUsage Of(int id) =>
        Stat(id) is { } stat ? new ProcessUsage(Time(stat, UserTime, SystemTime), Memory(id)) : default;

    /// <summary>A process, its children, and those of them that have ended.</summary>
    public static ProcessUsage OfTree(int id)
    {
        if (Stat(id) is not { } root)
            return default;
        var (cpu, memory) = (Time(root, UserTime, SystemTime, ChildrenUserTime, ChildrenSystemTime), Memory(id));
        foreach (var child in ChildrenOf(id))
            if (Stat(child) is { } stat)
                (cpu, memory) = (cpu + Time(stat, UserTime, SystemTime), memory + Memory(child));
        return new ProcessUsage(cpu, memory);
    }

    public static IEnumerable<int> ChildrenOf(int id)
    {
        foreach (var folder in Directory.EnumerateDirectories("/proc"))
            if (int.TryParse(Path.GetFileName(folder), NumberStyles.None, CultureInfo.InvariantCulture, out var child)
                && Stat(child) is { } stat && stat[Parent] == $"{id}")
                yield return child;
    }

    static string[]? Stat(int id)
    {
        try
        {
            var stat = File.ReadAllText($"/proc/{id}/stat");
            return stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        }
        // It has ended since it was listed.
        catch (IOException)
        {
            return null;
        }
    }

    static TimeSpan Time(string[] stat, params ReadOnlySpan<int> fields)
    {
        var ticks = 0L;
        foreach (var field in fields)
            ticks += long.Parse(stat[field], CultureInfo.InvariantCulture);
        return TimeSpan.FromSeconds((double)ticks / TicksPerSecond);
    }

    static long Memory(int id)
    {
        try
        {
            var line = File.ReadLines($"/proc/{id}/smaps_rollup").FirstOrDefault(line => line.StartsWith("Pss:", StringComparison.Ordinal));
            return line is null ? 0 : 1024 * long.Parse(line["Pss:".Length..^"kB".Length], CultureInfo.InvariantCulture);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            return 0;
        }
    }
}
