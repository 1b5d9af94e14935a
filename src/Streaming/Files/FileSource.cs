using Microsoft.Win32.SafeHandles;

namespace Streaming.Files;

/// <summary>What tells whether a file is still the same: its size in bytes, and when it was last written, to the microsecond.</summary>
public readonly record struct FileStamp(long Size, DateTime ModifiedAt)
{
    // What PostgreSQL keeps of a time.
    const long TicksPerMicrosecond = TimeSpan.TicksPerMicrosecond;

    public static FileStamp Of(SafeFileHandle file)
    {
        var time = File.GetLastWriteTimeUtc(file);
        return new FileStamp(RandomAccess.GetLength(file), time.AddTicks(-(time.Ticks % TicksPerMicrosecond)));
    }
}

/// <summary>
/// A file that is read, as it was at one moment: whatever has changed since is a fault, before a byte of it is given away.
/// Errors that may pass are tried again on a new handle. Not for two readers at once.
/// </summary>
/// <remarks>A file that is replaced by another of its name is read to its end as it was: the handle holds it.</remarks>
public sealed class FileSource : IDisposable
{
    readonly Func<SafeFileHandle> _open;
    readonly TimeProvider _clock;
    SafeFileHandle _file;

    FileSource(Func<SafeFileHandle> open, FileStamp? expected, TimeProvider clock)
    {
        (_open, _clock, _file) = (open, clock, open());
        Stamp = expected ?? FileStamp.Of(_file);
    }

    /// <summary>What it must be, from the first byte to the last.</summary>
    public FileStamp Stamp { get; }

    /// <summary>Opens a file.</summary>
    /// <param name="path">Where it is.</param>
    /// <param name="expected">What it must be; null: what it is now.</param>
    /// <param name="clock">Times the waits between tries.</param>
    /// <exception cref="FileFaultException">It is not there, or may not be read.</exception>
    public static FileSource Open(string path, FileStamp? expected, TimeProvider clock) =>
        Open(() => File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete), expected, clock);

    /// <summary>The same with another way to come by a handle, each time that one is needed.</summary>
    public static FileSource Open(Func<SafeFileHandle> open, FileStamp? expected, TimeProvider clock)
    {
        try
        {
            return new FileSource(open, expected, clock);
        }
        catch (Exception fault) when (FileFaultException.Classify(fault) is { } kind)
        {
            throw new FileFaultException(kind, fault.Message, fault);
        }
    }

    /// <summary>Fills the buffer from a place on. In most cases it is done when this returns.</summary>
    /// <exception cref="FileFaultException">It has changed, or could not be read; nothing in the buffer counts.</exception>
    public async ValueTask ReadAsync(long position, Memory<byte> buffer, CancellationToken cancellation)
    {
        for (var failures = 0; ; )
        {
            cancellation.ThrowIfCancellationRequested();
            try
            {
                // Synchronous: most of it is in memory already, and a hop to another thread costs more than the copy.
                for (var filled = 0; filled < buffer.Length;)
                {
                    var read = RandomAccess.Read(_file, buffer.Span[filled..], position + filled);
                    filled += read > 0 ? read : throw Changed();
                }

                // After the read: what was written before it has changed the stamp, what comes after it is not in the buffer.
                if (FileStamp.Of(_file) != Stamp)
                    throw Changed();
                return;
            }
            catch (Exception fault) when (FileFaultException.Classify(fault) is { } kind)
            {
                if (!FileFaultException.MayRetry(kind, ++failures))
                    throw fault as FileFaultException ?? new FileFaultException(kind, fault.Message, fault);
            }

            await Task.Delay(FileFaultException.RetryDelay(failures), _clock, cancellation);
            Reopen();
        }
    }

    void Reopen()
    {
        try
        {
            var file = _open();
            _file.Dispose();
            _file = file;
        }
        catch (Exception fault) when (FileFaultException.Classify(fault) is { } kind)
        {
            // The next read says it of the old handle, or succeeds.
            if (kind != FileFault.Transient)
                throw new FileFaultException(kind, fault.Message, fault);
        }
    }

    static FileFaultException Changed() => new(FileFault.Changed, "The file was changed while it was read.");

    public void Dispose() => _file.Dispose();
}
