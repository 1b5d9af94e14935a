using Streaming.Estimation;
using Xunit;

namespace Streaming.Tests.Estimation;

/// <summary>The time left as people see it.</summary>
public sealed class CountdownTests
{
    [Fact]
    public void It_counts_down_with_the_clock_while_the_estimate_holds()
    {
        var countdown = new Countdown();
        Assert.Equal(100, countdown.Show(100, 100, 0).Remaining, 6);
        Assert.Equal(90, countdown.Show(91, 101, 10).Remaining, 6);
        Assert.Equal(80, countdown.Show(79, 99, 20).Remaining, 6);
    }

    [Fact]
    public void It_stands_still_when_the_end_moves_away()
    {
        var countdown = new Countdown();
        countdown.Show(100, 100, 0);

        Assert.Equal((100.0, false), countdown.Show(120, 121, 1));
        Assert.Equal((100.0, false), countdown.Show(120, 122, 2));
    }

    [Fact]
    public void It_hurries_when_the_end_comes_nearer_but_never_faster_than_four_times()
    {
        var countdown = new Countdown();
        countdown.Show(100, 100, 0);

        Assert.InRange(countdown.Show(20, 21, 1).Remaining, 96, 99);
        Assert.InRange(countdown.Show(19, 21, 2).Remaining, 92, 98);
    }

    [Fact]
    public void It_jumps_up_only_after_having_been_far_off_for_a_while_and_says_so()
    {
        var countdown = new Countdown();
        countdown.Show(10, 20, 0);

        Assert.Equal((10.0, false), countdown.Show(60, 60, 0.5));
        Assert.Equal((10.0, false), countdown.Show(60, 60, 2));
        var (remaining, hasRisen) = countdown.Show(58, 62, 4);
        Assert.Equal(58, remaining, 6);
        Assert.True(hasRisen);
    }

    [Fact]
    public void It_never_rises_without_saying_so()
    {
        for (var seed = 1; seed <= 300; seed++)
        {
            var random = new Random(seed);
            var countdown = new Countdown();
            var (now, before) = (0.0, double.PositiveInfinity);
            for (var i = 0; i < 100; i++)
            {
                now += random.NextDouble() * Math.Exp(History.Normal(random));
                var (remaining, hasRisen) = countdown.Show(30 * Math.Exp(History.Normal(random)), 60, now);
                Assert.True(remaining >= 0, $"seed {seed}");
                Assert.True(remaining <= before || hasRisen, $"seed {seed}: from {before} to {remaining}");
                before = remaining;
            }
        }
    }
}
