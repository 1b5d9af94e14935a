namespace Streaming.Files;

/// <summary>Classes of what can go wrong with a file.</summary>
public enum FileFault
{
    /// <summary>May be gone the next time: an error of the device or of a file server.</summary>
    Transient,

    /// <summary>It is not the file that it was. What was read of it must not be mixed with what would follow.</summary>
    Changed,

    Gone,
    Forbidden,

    /// <summary>No room on the volume.</summary>
    Full,

    /// <summary>The operation holds more memory than it may.</summary>
    TooMuchMemory,
}

/// <summary>A file could not be streamed on, and why.</summary>
public sealed class FileFaultException(FileFault fault, string message, Exception? inner = null) : Exception(message, inner)
{
    // errno of Linux and macOS, which .NET hands on as HResult when it has no exception of its own for them.
    const int NoSpace = 28, QuotaExceeded = 122, QuotaExceededMac = 69;

    const int FailuresMax = 4;

    public FileFault Fault { get; } = fault;

    /// <summary>The class of a fault of the file system; null if it is none.</summary>
    public static FileFault? Classify(Exception fault) => fault switch
    {
        FileFaultException known => known.Fault,
        FileNotFoundException or DirectoryNotFoundException => FileFault.Gone,
        UnauthorizedAccessException => FileFault.Forbidden,
        IOException { HResult: NoSpace or QuotaExceeded or QuotaExceededMac } => FileFault.Full,
        IOException => FileFault.Transient,
        _ => null,
    };

    /// <summary>Whether another try may help: only after what is transient, and four times in a row without progress at most.</summary>
    public static bool MayRetry(FileFault fault, int failuresWithoutProgress) => fault == FileFault.Transient && failuresWithoutProgress < FailuresMax;

    /// <summary>The wait before the try after so many failures: 50 ms, doubling.</summary>
    public static TimeSpan RetryDelay(int failuresWithoutProgress) => TimeSpan.FromMilliseconds(50 << (failuresWithoutProgress - 1));
}
