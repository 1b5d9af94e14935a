using System.Globalization;

namespace Streaming.Database.Embedded;

/// <summary>
/// <c>postmaster.pid</c>, which a running server keeps in its data folder: process id, data folder, start time, port,
/// socket folder, and more lines. A crash leaves it behind.
/// </summary>
sealed record PidFile(int ProcessId, string DataFolder, int Port, string SocketFolder, string Text)
{
    /// <summary>Null when there is none, or only the beginning of one.</summary>
    public static PidFile? Read(string path)
    {
        var text = TryReadText(path);
        var lines = text?.Split('\n') ?? [];
        return lines.Length > 5
            && int.TryParse(lines[0], CultureInfo.InvariantCulture, out var process)
            && int.TryParse(lines[3], CultureInfo.InvariantCulture, out var port)
                ? new PidFile(process, lines[1], port, lines[4], text!)
                : null;
    }

    /// <summary>
    /// Whether the process lives and is this server, not a later one with the same id: a server's working folder is its
    /// data folder, so this very file must be found there. Linux only; elsewhere false.
    /// </summary>
    public bool IsOfLiveProcess() =>
        // Only the head is compared: the last line is the server's status, which changes.
        TryReadText($"/proc/{ProcessId}/cwd/postmaster.pid") is { } text
        && text.Split('\n').Take(5).SequenceEqual(Text.Split('\n').Take(5));

    static string? TryReadText(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
