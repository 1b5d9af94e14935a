using Streaming.Subscriptions;
using Xunit;

namespace Streaming.Tests.Subscriptions;

public sealed class WakeSignalTests
{
    [Fact]
    public void Set_before_the_wait_is_remembered_once()
    {
        var signal = new WakeSignal();
        signal.Set();
        signal.Set();
        Assert.True(signal.WaitAsync().AsTask().IsCompletedSuccessfully);
        Assert.False(signal.WaitAsync().AsTask().IsCompleted);
    }

    [Fact]
    public async Task Set_wakes_who_waits()
    {
        var signal = new WakeSignal();
        var wait = signal.WaitAsync().AsTask();
        Assert.False(wait.IsCompleted);
        signal.Set();
        await wait;
    }

    [Fact]
    public async Task No_set_is_lost_between_threads()
    {
        const int Messages = 200_000;
        var (signal, sent, seen) = (new WakeSignal(), 0, 0);
        var producer = Task.Run(() =>
        {
            for (var i = 0; i < Messages; i++)
            {
                Interlocked.Increment(ref sent);
                signal.Set();
            }
        });
        var consumer = Task.Run(async () =>
        {
            while (seen < Messages)
            {
                await signal.WaitAsync();
                seen = Volatile.Read(ref sent);
            }
        });
        await Task.WhenAll(producer, consumer).WaitAsync(TimeSpan.FromSeconds(30));
        Assert.Equal(Messages, seen);
    }
}
