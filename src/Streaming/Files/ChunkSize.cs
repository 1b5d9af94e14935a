namespace Streaming.Files;

/// <summary>
/// How many bytes are read or written at once: by the class of the file, moved by what its stream achieves and by the
/// memory that is left, within 32 to 256 KiB.
/// </summary>
public static class ChunkSize
{
    public const int Min = 32 * 1024;
    public const int Max = 256 * 1024;
    const long MiB = 1024 * 1024;

    // For longer, pace and cancellation, which come between two chunks, get coarse; for shorter, the cost of each chunk shows.
    static readonly TimeSpan Longest = TimeSpan.FromMilliseconds(100);
    static readonly TimeSpan Shortest = TimeSpan.FromMilliseconds(2);

    /// <summary>Of a file of <paramref name="fileSize"/> bytes, before anything is measured.</summary>
    public static int OfFile(long fileSize) => fileSize switch
    {
        < MiB => Min,
        < 10 * MiB => 64 * 1024,
        < 100 * MiB => 128 * 1024,
        _ => Max,
    };

    /// <summary>The size of the next chunk.</summary>
    /// <param name="fileSize">Bytes of the file.</param>
    /// <param name="memory">Each level halves it.</param>
    /// <param name="bytesPerSecond">What the stream achieves; 0 while it is not known.</param>
    public static int Next(long fileSize, MemoryLevel memory, double bytesPerSecond)
    {
        var size = OfFile(fileSize);
        if (bytesPerSecond > 0)
        {
            while (size > Min && size / bytesPerSecond > Longest.TotalSeconds)
                size /= 2;
            while (size < Max && size / bytesPerSecond < Shortest.TotalSeconds)
                size *= 2;
        }

        return Math.Max(Min, size >> (int)memory);
    }
}
