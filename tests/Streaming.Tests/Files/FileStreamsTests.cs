using Streaming.Configuration;
using Streaming.Files;
using Xunit;

namespace Streaming.Tests.Files;

/// <summary>Who is let in, when, and how fast.</summary>
public sealed class FileStreamsTests
{
    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Streams_are_let_in_first_come_first_served()
    {
        using var rig = new FileRig(new FilesOptions { StreamsMax = 2 });
        var (one, two) = (await rig.AdmitAsync(), await rig.AdmitAsync());
        var waiting = Enumerable.Range(0, 3).Select(_ => rig.Streams.AdmitAsync(FileDirection.Upload, 0, Cancellation)).ToList();
        Assert.Equal((2, 3), (rig.Streams.ActiveCount, rig.Streams.WaitingCount));

        foreach (var (leaving, next) in ((FileOperation, Task<FileOperation?>)[])[(two, waiting[0]), (one, waiting[1])])
        {
            Assert.False(next.IsCompleted);
            leaving.Dispose();
            leaving.Dispose();
            await next;
        }

        Assert.False(waiting[2].IsCompleted);
        (await waiting[1])!.Dispose();
        (await waiting[0])!.Dispose();
        (await waiting[2])!.Dispose();
        Assert.Equal((0, 0), (rig.Streams.ActiveCount, rig.Streams.WaitingCount));
    }

    [Fact]
    public async Task Stream_that_gives_up_waiting_leaves_its_place_to_the_next()
    {
        using var rig = new FileRig(new FilesOptions { StreamsMax = 1 });
        var one = await rig.AdmitAsync();
        using var patience = new CancellationTokenSource();
        var impatient = rig.Streams.AdmitAsync(FileDirection.Upload, 0, patience.Token);
        var next = rig.Streams.AdmitAsync(FileDirection.Upload, 0, Cancellation);
        await patience.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => impatient);
        one.Dispose();
        Assert.NotNull(await next);
        Assert.Equal((1, 0), (rig.Streams.ActiveCount, rig.Streams.WaitingCount));
    }

    [Fact]
    public async Task Stream_over_the_queue_is_refused_at_once_and_one_in_it_when_its_time_is_over()
    {
        using var rig = new FileRig(new FilesOptions { StreamsMax = 1, WaitingMax = 1 });
        using var one = await rig.AdmitAsync();
        var waits = rig.Streams.AdmitAsync(FileDirection.Download, 0, Cancellation);
        Assert.Null(await rig.Streams.AdmitAsync(FileDirection.Download, 0, Cancellation));
        rig.Clock.Advance(TimeSpan.FromSeconds(30));
        Assert.Null(await waits);
        Assert.Equal(0, rig.Streams.WaitingCount);
        Assert.Equal(2, rig.Count("streaming.files.streams download refused"));
    }

    [Theory]
    [InlineData(BackpressureLevel.Light, 45, 0, 6)]
    [InlineData(BackpressureLevel.Moderate, 57, 100, 3)]
    [InlineData(BackpressureLevel.Heavy, 70, 200, 1)]
    public async Task Level_lets_so_many_streams_in_and_the_others_when_it_is_over(BackpressureLevel level, int load, int processingMs, int max)
    {
        using var rig = new FileRig { Memory = new MemorySample(load, 100) };
        for (var i = 0; i < 100; i++)
            rig.Streams.Processed(TimeSpan.FromMilliseconds(processingMs));
        rig.Streams.Sample();
        Assert.Equal(level, rig.Streams.Level);
        var asked = Enumerable.Range(0, 8).Select(_ => rig.Streams.AdmitAsync(FileDirection.Upload, 0, Cancellation)).ToList();
        Assert.Equal((max, 8 - max), (rig.Streams.ActiveCount, rig.Streams.WaitingCount));
        await Task.WhenAll(asked.Take(max));

        rig.Memory = new MemorySample(0, 100);
        for (var i = 0; i < 12; i++)
            rig.Streams.Sample();
        Assert.Equal((8, 0), (rig.Streams.ActiveCount, rig.Streams.WaitingCount));
    }

    [Fact]
    public async Task Critical_level_pauses_streams_until_it_is_over()
    {
        using var rig = new FileRig();
        var operations = new List<FileOperation>();
        for (var i = 0; i < 16; i++)
            operations.Add(await rig.AdmitAsync());
        rig.Memory = new MemorySample(90, 100);
        for (var i = 0; i < 40; i++)
            rig.Streams.Processed(TimeSpan.FromSeconds(1));
        rig.Streams.Sample();
        Assert.Equal((BackpressureLevel.Critical, 100), (rig.Streams.Level, rig.Streams.Score));

        var pace = operations[0].PaceAsync(1, TimeSpan.FromSeconds(1), Cancellation).AsTask();
        var next = rig.Streams.AdmitAsync(FileDirection.Upload, 0, Cancellation);
        Assert.False(pace.IsCompleted);
        // The one that is paused does not stand still by its own fault; the others do.
        rig.Clock.Advance(TimeSpan.FromSeconds(20));
        Assert.Equal(15, rig.Streams.Stall(TimeSpan.FromSeconds(10)));
        Assert.False(operations[0].Stalled.IsCancellationRequested);
        // Nobody reads while everybody pauses: the time of chunks fades, so a pause cannot feed on itself.
        for (var i = 0; i < 8; i++)
            rig.Streams.Sample();
        Assert.Equal(BackpressureLevel.Heavy, rig.Streams.Level);
        await pace;
        Assert.False(next.IsCompleted);
        operations.ForEach(operation => operation.Dispose());
        Assert.NotNull(await next);
    }

    [Theory]
    [InlineData(45, 0, 25)]
    [InlineData(57, 100, 100)]
    [InlineData(70, 200, 300)]
    public async Task Slowed_stream_waits_for_its_share_of_the_time_a_chunk_took(int load, int processing, int expectedMs)
    {
        using var rig = new FileRig { Memory = new MemorySample(load, 100) };
        using var operation = await rig.AdmitAsync();
        for (var i = 0; i < 60; i++)
            rig.Streams.Processed(TimeSpan.FromMilliseconds(processing));
        rig.Streams.Sample();
        rig.Clock.Advance(TimeSpan.FromMilliseconds(100));
        var pace = operation.PaceAsync(1, TimeSpan.FromMilliseconds(processing), Cancellation).AsTask();
        Assert.False(pace.IsCompleted);
        Assert.Equal(TimeSpan.FromMilliseconds(expectedMs), rig.Clock.NextDue());
        rig.Clock.Advance(TimeSpan.FromMilliseconds(expectedMs));
        await pace;
    }

    [Fact]
    public async Task Short_waits_are_saved_up()
    {
        using var rig = new FileRig { Memory = new MemorySample(45, 100) };
        using var operation = await rig.AdmitAsync();
        rig.Streams.Sample();
        for (var i = 0; i < 4; i++)
        {
            rig.Clock.Advance(TimeSpan.FromMilliseconds(4));
            Assert.True(operation.PaceAsync(1, TimeSpan.Zero, Cancellation).AsTask().IsCompletedSuccessfully);
        }

        rig.Clock.Advance(TimeSpan.FromMilliseconds(4));
        var pace = operation.PaceAsync(1, TimeSpan.Zero, Cancellation).AsTask();
        Assert.Equal(TimeSpan.FromMilliseconds(5), rig.Clock.NextDue());
        rig.Clock.Advance(TimeSpan.FromMilliseconds(5));
        await pace;
    }

    [Fact]
    public async Task Stream_may_hold_so_much_memory_and_says_when_it_gets_near()
    {
        using var rig = new FileRig(new FilesOptions { OperationBytesMax = 50 * 64 * 1024 });
        using var operation = await rig.AdmitAsync();
        var chunks = new Stack<FileChunk>();
        for (var i = 1; i <= 50; i++)
        {
            chunks.Push(operation.Rent(0, 64 * 1024));
            Assert.Equal((i >= 45 ? 1 : 0, i >= 48 ? 1 : 0, i >= 50 ? 1 : 0), (Alerts(90), Alerts(96), Alerts(100)));
        }

        var fault = Assert.Throws<FileFaultException>(() => operation.Rent(0, 1));
        Assert.Equal(FileFault.TooMuchMemory, fault.Fault);
        chunks.Pop().Dispose();
        operation.Rent(0, 64 * 1024).Dispose();
        while (chunks.TryPop(out var chunk))
            chunk.Dispose();
        Assert.Equal((0, 50 * 64 * 1024), (operation.HeldBytes, operation.PeakBytes));

        long Alerts(int percent) => rig.Count($"streaming.files.memory.alerts {percent}");
    }
}
