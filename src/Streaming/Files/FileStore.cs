using Microsoft.Extensions.Options;
using Microsoft.Win32.SafeHandles;
using Streaming.Configuration;
using Streaming.Database.Embedded;

namespace Streaming.Files;

/// <summary>The bytes of files in a folder. Their names are ids of the service's own: nothing that a client says is part of a path.</summary>
public sealed class FileStore(IOptions<FilesOptions> options, IOptions<ServiceOptions> service)
{
    const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    readonly Lazy<string> _root = new(() => options.Value.Directory ?? Path.Combine(service.Value.DataDirectory ?? DataDirectory.Default(), "files"));

    /// <summary>Where a file's bytes are, or will be.</summary>
    public string PathOf(Guid id)
    {
        var name = id.ToString("N");
        // The end of an id is random, its beginning is the time.
        return Path.Combine(_root.Value, name[^2..], name);
    }

    /// <summary>For writing; made if it is not there.</summary>
    public SafeFileHandle OpenForWriting(Guid id)
    {
        var path = PathOf(id);
        var folder = Path.GetDirectoryName(path)!;
        if (OperatingSystem.IsWindows())
            Directory.CreateDirectory(folder);
        else
            Directory.CreateDirectory(folder, Private | UnixFileMode.UserExecute);
        var file = File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(file, Private);
        return file;
    }

    /// <summary>Whether so many bytes have room on the volume now.</summary>
    public bool HasRoomFor(long bytes)
    {
        for (var folder = Path.GetFullPath(_root.Value); folder is not null; folder = Path.GetDirectoryName(folder))
            if (Directory.Exists(folder))
                return new DriveInfo(folder).AvailableFreeSpace >= bytes;
        return true;
    }

    /// <summary>Removes a file's bytes; none is as good.</summary>
    public void Delete(Guid id)
    {
        if (Directory.Exists(Path.GetDirectoryName(PathOf(id))))
            File.Delete(PathOf(id));
    }

    /// <summary>Ids of all files that were last written before a moment.</summary>
    public IEnumerable<Guid> WrittenBefore(DateTimeOffset moment)
    {
        if (!Directory.Exists(_root.Value))
            yield break;
        foreach (var path in Directory.EnumerateFiles(_root.Value, "*", SearchOption.AllDirectories))
            if (Guid.TryParseExact(Path.GetFileName(path), "N", out var id) && PathOf(id) == path && File.GetLastWriteTimeUtc(path) < moment)
                yield return id;
    }
}
