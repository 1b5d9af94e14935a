using Streaming.Http.Limits;
using Streaming.Tests.Models.Offline;
using Xunit;

namespace Streaming.Tests.Http;

public sealed class PaceTests
{
    const int PerSecond = 1000;

    readonly ManualClock _clock = new();

    [Fact]
    public void Those_who_come_slower_never_wait()
    {
        var pace = new Pace(PerSecond, _clock);
        for (var i = 0; i < 100; i++)
        {
            Assert.True(pace.WaitAsync().IsCompleted);
            _clock.Advance(TimeSpan.FromMilliseconds(1));
        }
    }

    [Fact]
    public async Task Those_who_come_faster_go_on_at_the_pace_also_when_each_wait_takes_too_long()
    {
        var pace = new Pace(PerSecond, _clock);
        var began = _clock.GetUtcNow();
        const int Count = 500;
        for (var i = 0; i < Count; i++)
        {
            var wait = pace.WaitAsync();
            while (!wait.IsCompleted)
                _clock.Advance(TimeSpan.FromMilliseconds(1.7));
            await wait;
        }

        var time = (_clock.GetUtcNow() - began).TotalSeconds;
        Assert.InRange(Count / time, PerSecond, PerSecond * 1.05);
    }

    [Fact]
    public async Task A_long_pause_allows_one_burst_and_no_more()
    {
        var pace = new Pace(PerSecond, _clock);
        await pace.WaitAsync();
        _clock.Advance(TimeSpan.FromMinutes(1));
        var atOnce = 0;
        while (pace.WaitAsync().IsCompleted)
            atOnce++;
        Assert.Equal((int)(Pace.Burst.TotalSeconds * PerSecond) + 1, atOnce);
    }
}
