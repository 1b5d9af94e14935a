using Streaming.Files;
using Xunit;

namespace Streaming.Tests.Files;

public sealed class FileCleanupTests
{
    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Emergency_goes_by_priority_until_it_is_enough()
    {
        using var rig = new FileRig();
        var done = new List<CleanupPriority>();
        foreach (var priority in (CleanupPriority[])[CleanupPriority.Low, CleanupPriority.Immediate, CleanupPriority.Deferred, CleanupPriority.High, CleanupPriority.Normal])
            rig.Cleanup.Add(new CleanupStep(priority, null, (isEmergency, _) =>
            {
                Assert.True(isEmergency);
                done.Add(priority);
                return Task.FromResult(2);
            }));

        await rig.Cleanup.RunEmergencyAsync(() => done.Count == 3, Cancellation);
        Assert.Equal([CleanupPriority.Immediate, CleanupPriority.High, CleanupPriority.Normal], done);
        Assert.Equal((2, 0), (rig.Count("streaming.files.cleanup normal"), rig.Count("streaming.files.cleanup low")));

        await rig.Cleanup.RunEmergencyAsync(() => false, Cancellation);
        Assert.Equal(Enum.GetValues<CleanupPriority>(), done.Skip(3));
    }

    [Fact]
    public async Task Step_is_done_at_its_interval_and_one_of_emergencies_alone_never()
    {
        using var rig = new FileRig();
        var (regular, emergency) = (0, 0);
        rig.Cleanup.Add(new CleanupStep(CleanupPriority.Low, TimeSpan.FromMinutes(1), (_, _) => Task.FromResult(++regular)));
        rig.Cleanup.Add(new CleanupStep(CleanupPriority.High, null, (_, _) => Task.FromResult(++emergency)));
        for (var second = 0; second < 121; second++)
        {
            await rig.Cleanup.RunDueAsync(Cancellation);
            rig.Clock.Advance(TimeSpan.FromSeconds(1));
        }

        Assert.Equal((3, 0), (regular, emergency));
    }

    [Fact]
    public async Task Step_that_fails_does_not_keep_the_others_from_being_done()
    {
        using var rig = new FileRig();
        var done = 0;
        rig.Cleanup.Add(new CleanupStep(CleanupPriority.Normal, null, (_, _) => throw new IOException("the disk")));
        rig.Cleanup.Add(new CleanupStep(CleanupPriority.Low, null, (_, _) => Task.FromResult(++done)));
        await rig.Cleanup.RunEmergencyAsync(() => false, Cancellation);
        Assert.Equal(1, done);
    }

    [Fact]
    public async Task Chunks_of_streams_that_are_over_are_dropped_at_once_in_an_emergency()
    {
        using var rig = new FileRig();
        FileChunk chunk;
        using (var operation = await rig.AdmitAsync())
            chunk = operation.Rent(0, 100);
        await rig.Cleanup.RunEmergencyAsync(() => true, Cancellation);
        Assert.Equal(1, rig.Count("streaming.files.orphans chunk"));
        chunk.Dispose();
    }

    [Fact]
    public async Task Stream_that_stands_still_is_cut_off_and_one_that_moves_is_not()
    {
        using var rig = new FileRig();
        using var still = await rig.AdmitAsync();
        using var moving = await rig.AdmitAsync();
        rig.Clock.Advance(TimeSpan.FromSeconds(30));
        await moving.PaceAsync(1, TimeSpan.Zero, Cancellation);
        Assert.Equal(1, rig.Streams.Stall(TimeSpan.FromSeconds(30)));
        Assert.True(still.Stalled.IsCancellationRequested);
        Assert.False(moving.Stalled.IsCancellationRequested);
    }
}
