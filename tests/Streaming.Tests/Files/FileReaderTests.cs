using Microsoft.Win32.SafeHandles;
using Streaming.Files;
using Xunit;

namespace Streaming.Tests.Files;

/// <summary>Reading real files.</summary>
public sealed class FileReaderTests
{
    const int MiB = 1024 * 1024;

    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(0, 0)]
    [InlineData(1, 1)]
    [InlineData(MiB - 1, 1)]
    [InlineData(MiB, 16)]
    [InlineData(3 * MiB + 5, 49)]
    public async Task File_arrives_as_it_is_in_chunks_of_its_class(int length, int chunks)
    {
        using var rig = new FileRig();
        var (bytes, count) = await ReadAsync(rig, rig.Write("a", length), length);
        Assert.Equal(FileRig.Bytes(length), bytes);
        Assert.Equal(chunks, count);
    }

    [Fact]
    public async Task Part_of_a_file_is_read_from_its_place()
    {
        using var rig = new FileRig();
        var path = rig.Write("a", 2 * MiB);
        using var operation = await rig.AdmitAsync(2 * MiB);
        using var source = FileSource.Open(path, null, rig.Clock);
        var read = new List<byte>();
        await foreach (var chunk in FileReader.ReadAsync(source, operation, 1000, MiB + 3, Cancellation))
            using (chunk)
            {
                Assert.Equal(1000 + read.Count, chunk.Position);
                read.AddRange(chunk.Bytes.Span);
            }

        Assert.Equal(FileRig.Bytes(2 * MiB)[1000..(MiB + 3)], read);
    }

    [Fact]
    public async Task Chunk_is_its_readers_and_may_be_disposed_twice()
    {
        using var rig = new FileRig();
        using var operation = await rig.AdmitAsync(2 * MiB);
        using var source = FileSource.Open(rig.Write("a", 2 * MiB), null, rig.Clock);
        var kept = new List<FileChunk>();
        await foreach (var chunk in FileReader.ReadAsync(source, operation, 0, 2 * MiB, Cancellation))
            kept.Add(chunk);
        // None was overwritten by the next: each has a buffer of its own.
        Assert.Equal(FileRig.Bytes(2 * MiB), kept.SelectMany(chunk => chunk.Bytes.ToArray()));
        Assert.Equal(2 * MiB, operation.HeldBytes);
        foreach (var chunk in kept.Concat(kept))
            chunk.Dispose();
        Assert.Equal(0, operation.HeldBytes);
        Assert.Throws<ObjectDisposedException>(() => kept[0].Bytes);

        // A buffer that was returned twice would be given to two.
        var (one, two) = (operation.Rent(0, 64 * 1024), operation.Rent(0, 64 * 1024));
        Assert.False(one.Bytes.Span.Overlaps(two.Bytes.Span));
    }

    [Fact]
    public async Task Chunk_that_is_never_given_back_is_counted_after_a_minute()
    {
        using var rig = new FileRig();
        using var source = FileSource.Open(rig.Write("a", 2 * MiB), null, rig.Clock);
        using (var operation = await rig.AdmitAsync(2 * MiB))
            await foreach (var chunk in FileReader.ReadAsync(source, operation, 0, 2 * MiB, Cancellation))
                if (chunk.Position >= 3 * 64 * 1024)
                    chunk.Dispose();
        await rig.Cleanup.RunDueAsync(Cancellation);
        Assert.Equal(0, rig.Count("streaming.files.orphans chunk"));
        rig.Clock.Advance(TimeSpan.FromMinutes(1));
        await rig.Cleanup.RunDueAsync(Cancellation);
        Assert.Equal(3, rig.Count("streaming.files.orphans chunk"));
        rig.Clock.Advance(TimeSpan.FromMinutes(1));
        await rig.Cleanup.RunDueAsync(Cancellation);
        Assert.Equal(3, rig.Count("streaming.files.orphans chunk"));
    }

    [Fact]
    public async Task Cancellation_ends_it_between_two_chunks()
    {
        using var rig = new FileRig();
        using var operation = await rig.AdmitAsync(2 * MiB);
        using var source = FileSource.Open(rig.Write("a", 2 * MiB), null, rig.Clock);
        using var stop = new CancellationTokenSource();
        var count = 0;
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (var chunk in FileReader.ReadAsync(source, operation, 0, 2 * MiB, stop.Token))
                using (chunk)
                    if (++count == 3)
                        await stop.CancelAsync();
        });
        Assert.Equal(3, count);
        Assert.Equal(0, operation.HeldBytes);
    }

    public enum Change { Byte, Shorter, Longer, Time }

    [Theory]
    [InlineData(Change.Byte)]
    [InlineData(Change.Shorter)]
    [InlineData(Change.Longer)]
    [InlineData(Change.Time)]
    public async Task File_that_is_changed_in_the_middle_is_detected_and_never_mixed(Change change)
    {
        using var rig = new FileRig();
        var path = rig.Write("a", 2 * MiB);
        // Not in the same tick of the file system's clock as the change.
        File.SetLastWriteTimeUtc(path, File.GetLastWriteTimeUtc(path).AddSeconds(-10));
        using var operation = await rig.AdmitAsync(2 * MiB);
        using var source = FileSource.Open(path, null, rig.Clock);
        var read = new List<byte>();
        var fault = await Assert.ThrowsAsync<FileFaultException>(async () =>
        {
            await foreach (var chunk in FileReader.ReadAsync(source, operation, 0, 2 * MiB, Cancellation))
                using (chunk)
                {
                    read.AddRange(chunk.Bytes.Span);
                    if (read.Count != 5 * 64 * 1024)
                        continue;
                    if (change == Change.Time)
                        File.SetLastWriteTimeUtc(path, DateTime.UnixEpoch);
                    else
                    {
                        await using var file = new FileStream(path, FileMode.Open);
                        file.Position = 2 * MiB - 1;
                        if (change == Change.Shorter)
                            file.SetLength(file.Position);
                        else
                            await file.WriteAsync(change == Change.Longer ? new byte[] { FileRig.Bytes(2 * MiB)[^1], 0 } : [1], Cancellation);
                    }
                }
        });
        Assert.Equal(FileFault.Changed, fault.Fault);
        Assert.Equal(FileRig.Bytes(2 * MiB)[..(5 * 64 * 1024)], read);
    }

    [Fact]
    public async Task File_that_is_replaced_by_another_is_read_to_its_end_as_it_was()
    {
        using var rig = new FileRig();
        var path = rig.Write("a", 2 * MiB);
        using var operation = await rig.AdmitAsync(2 * MiB);
        using var source = FileSource.Open(path, null, rig.Clock);
        var read = new List<byte>();
        await foreach (var chunk in FileReader.ReadAsync(source, operation, 0, 2 * MiB, Cancellation))
            using (chunk)
            {
                read.AddRange(chunk.Bytes.Span);
                if (chunk.Position == 0)
                    File.Move(rig.Write("b", 100), path, overwrite: true);
            }

        Assert.Equal(FileRig.Bytes(2 * MiB), read);
        // The next one is told that it is not what it was.
        using var next = FileSource.Open(path, source.Stamp, rig.Clock);
        var fault = await Assert.ThrowsAsync<FileFaultException>(() => next.ReadAsync(0, new byte[10], Cancellation).AsTask());
        Assert.Equal(FileFault.Changed, fault.Fault);
    }

    [Fact]
    public async Task Error_that_passes_is_tried_again_on_a_new_handle()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "needs /proc");
        using var rig = new FileRig();
        var path = rig.Write("a", 1000);
        FileStamp stamp;
        using (var file = File.OpenHandle(path))
            stamp = FileStamp.Of(file);
        var opened = 0;
        // The memory of this process has nothing at address 0: reading there is an input/output error, a real one.
        using var source = FileSource.Open(() => Open(++opened <= 3 ? "/proc/self/mem" : path), stamp, rig.Clock);
        var buffer = new byte[1000];
        var reading = source.ReadAsync(0, buffer, Cancellation).AsTask();
        var waits = new List<double>();
        while (!reading.IsCompleted)
        {
            waits.Add(rig.Clock.NextDue()!.Value.TotalMilliseconds);
            rig.Clock.Advance(rig.Clock.NextDue()!.Value);
        }

        await reading;
        Assert.Equal(FileRig.Bytes(1000), buffer);
        Assert.Equal((double[])[50, 100, 200], waits);
    }

    [Fact]
    public async Task Error_that_does_not_pass_is_given_up()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "needs /proc");
        using var rig = new FileRig();
        using var source = FileSource.Open(() => Open("/proc/self/mem"), new FileStamp(10, default), rig.Clock);
        var reading = source.ReadAsync(0, new byte[10], Cancellation).AsTask();
        while (rig.Clock.NextDue() is { } wait)
            rig.Clock.Advance(wait);
        Assert.Equal(FileFault.Transient, (await Assert.ThrowsAsync<FileFaultException>(() => reading)).Fault);
    }

    [Fact]
    public void File_that_is_not_there_is_gone()
    {
        using var rig = new FileRig();
        Assert.Equal(FileFault.Gone, Assert.Throws<FileFaultException>(() => FileSource.Open(Path.Combine(rig.Folder, "none"), null, rig.Clock)).Fault);
        Assert.Equal(FileFault.Forbidden, Assert.Throws<FileFaultException>(() => FileSource.Open(rig.Folder, null, rig.Clock)).Fault);
    }

    [Theory]
    [InlineData(FileFault.Transient, 1, true)]
    [InlineData(FileFault.Transient, 3, true)]
    [InlineData(FileFault.Transient, 4, false)]
    [InlineData(FileFault.Changed, 1, false)]
    [InlineData(FileFault.Gone, 1, false)]
    [InlineData(FileFault.Forbidden, 1, false)]
    [InlineData(FileFault.Full, 1, false)]
    public void Only_what_may_pass_is_tried_again(FileFault fault, int failures, bool expected) =>
        Assert.Equal(expected, FileFaultException.MayRetry(fault, failures));

    [Fact]
    public void Faults_have_their_class()
    {
        Assert.Equal(FileFault.Gone, FileFaultException.Classify(new DirectoryNotFoundException()));
        Assert.Equal(FileFault.Forbidden, FileFaultException.Classify(new UnauthorizedAccessException()));
        Assert.Equal(FileFault.Full, FileFaultException.Classify(new IOException("No space left on device", 28)));
        Assert.Equal(FileFault.Transient, FileFaultException.Classify(new IOException("Input/output error", 5)));
        Assert.Null(FileFaultException.Classify(new InvalidOperationException()));
    }

    static SafeFileHandle Open(string path) => File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);

    static async Task<(byte[] Bytes, int Chunks)> ReadAsync(FileRig rig, string path, int length)
    {
        using var operation = await rig.AdmitAsync(length);
        using var source = FileSource.Open(path, null, rig.Clock);
        var (bytes, chunks) = (new List<byte>(), 0);
        await foreach (var chunk in FileReader.ReadAsync(source, operation, 0, length, Cancellation))
            using (chunk)
            {
                bytes.AddRange(chunk.Bytes.Span);
                chunks++;
            }

        return ([.. bytes], chunks);
    }
}
