using System.Globalization;

namespace Streaming.Files;

/// <summary>The memory limit of this process's control group on Linux, version 2 or 1.</summary>
public static class CgroupMemory
{
    // Version 1 says "no limit" as the largest multiple of a page.
    const long NoLimit = 1L << 60;

    /// <summary>The smallest limit from the group up to the root, in bytes; null where there is none, or no control group.</summary>
    public static long? Limit(string membership = "/proc/self/cgroup", string root = "/sys/fs/cgroup")
    {
        try
        {
            foreach (var line in File.ReadLines(membership))
                if (line.Split(':', 3) is [var hierarchy, var controllers, var path])
                {
                    if (controllers.Split(',').Contains("memory"))
                        return Smallest(Path.Combine(root, "memory"), path, "memory.limit_in_bytes");
                    if (hierarchy == "0" && controllers.Length == 0 && Smallest(root, path, "memory.max") is { } limit)
                        return limit;
                }
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            // Not Linux, or a container that does not let itself be looked at.
        }

        return null;
    }

    static long? Smallest(string root, string path, string file)
    {
        long? smallest = null;
        // Inside a container the path may be that of the host, and not be there; the root is then the group's own.
        for (var group = path; group is not null; group = Path.GetDirectoryName(group))
            if (Path.Combine(root, group.TrimStart('/'), file) is var limit && File.Exists(limit)
                && long.TryParse(File.ReadAllText(limit).Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out var bytes)
                && bytes < NoLimit && !(bytes >= smallest))
                smallest = bytes;
        return smallest;
    }
}
