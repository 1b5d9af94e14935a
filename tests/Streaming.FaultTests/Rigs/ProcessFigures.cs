using System.Globalization;

namespace Streaming.FaultTests.Rigs;

/// <summary>What Linux says of a process.</summary>
/// <param name="ResidentBytes">Memory that it has in use.</param>
/// <param name="Threads">Threads.</param>
/// <param name="Handles">Open files and sockets.</param>
public readonly record struct ProcessFigures(long ResidentBytes, int Threads, int Handles)
{
    public static ProcessFigures Of(int id)
    {
        var status = File.ReadAllLines($"/proc/{id}/status");
        return new ProcessFigures(1024 * Number("VmRSS:"), (int)Number("Threads:"), Directory.GetFiles($"/proc/{id}/fd").Length);

        long Number(string name) => long.Parse(
            status.First(line => line.StartsWith(name, StringComparison.Ordinal))[name.Length..].Replace("kB", "", StringComparison.Ordinal).Trim(), CultureInfo.InvariantCulture);
    }

    /// <summary>State and parent of a process; null if there is none.</summary>
    public static (string State, int Parent)? Stat(int id)
    {
        try
        {
            // The name, in brackets, may hold anything.
            var stat = File.ReadAllText($"/proc/{id}/stat");
            var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            return (fields[0], int.Parse(fields[1], CultureInfo.InvariantCulture));
        }
        catch (IOException)
        {
            return null;
        }
    }

    /// <summary>Connections to a port of this machine that clients have not closed.</summary>
    public static int ConnectionsTo(int port)
    {
        var local = $":{port:X4}";
        return ((string[])["/proc/net/tcp", "/proc/net/tcp6"]).Where(File.Exists).SelectMany(File.ReadLines)
            .Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            // 01 is ESTABLISHED, 08 is CLOSE_WAIT: the client has gone, and the service has not noticed.
            .Count(fields => fields.Length > 3 && fields[1].EndsWith(local, StringComparison.Ordinal) && fields[3] is "01" or "08" && fields[1].EndsWith(local, StringComparison.Ordinal));
    }
}
