using Streaming.Status;
using Xunit;

namespace Streaming.Tests.Status;

/// <summary>Quantiles of the last minute, of buckets.</summary>
public sealed class RecentDistributionTests
{
    readonly SteppedClock _clock = new();

    [Fact]
    public void Quantile_of_buckets_is_off_by_six_percent_at_most()
    {
        var random = new Random(7);
        // From 0.2 ms to 80 s, evenly by orders of magnitude.
        var values = Enumerable.Range(0, 20_000).Select(_ => 0.0002 * Math.Pow(400_000, random.NextDouble())).ToArray();
        var distribution = Seconds();
        foreach (var value in values)
            distribution.Add(value);

        Array.Sort(values);
        double[] quantiles = [0.01, 0.25, 0.5, 0.9, 0.99, 0.999];
        var (count, found) = distribution.Read(quantiles);
        Assert.Equal(values.Length, count);
        for (var i = 0; i < quantiles.Length; i++)
            Assert.InRange(found[i]!.Value / values[(int)Math.Ceiling(quantiles[i] * values.Length) - 1], 0.94, 1.065);
    }

    [Fact]
    public void Nothing_measured_is_no_value_and_one_value_is_every_quantile()
    {
        var distribution = Seconds();
        Assert.Equal((0, null), (distribution.Read(0.5).Count, distribution.Read(0.5).Values[0]));

        distribution.Add(0.25);
        var (_, values) = distribution.Read(0, 0.5, 1);
        Assert.All(values, value => Assert.InRange(value!.Value, 0.235, 0.266));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-3)]
    [InlineData(1e9)]
    [InlineData(double.MaxValue)]
    public void Value_beyond_the_buckets_is_counted_in_the_one_at_the_edge(double value)
    {
        var distribution = Seconds();
        distribution.Add(value);
        Assert.Equal(1, distribution.Read(0.5).Count);
        Assert.InRange(distribution.Read(0.5).Values[0]!.Value, 0.00005, 101);
    }

    [Fact]
    public void What_is_older_than_a_minute_does_not_count()
    {
        var distribution = Seconds();
        distribution.Add(5);
        _clock.Advance(TimeSpan.FromSeconds(50));
        Assert.Equal(1, distribution.Read(0.5).Count);
        distribution.Add(0.001);
        _clock.Advance(TimeSpan.FromSeconds(15));
        Assert.Equal(1, distribution.Read(0.5).Count);
        Assert.InRange(distribution.Read(0.5).Values[0]!.Value, 0.0009, 0.0011);
        // After a night in which nobody asked.
        _clock.Advance(TimeSpan.FromHours(9));
        Assert.Equal(0, distribution.Read(0.5).Count);
    }

    [Fact]
    public async Task Nothing_is_lost_when_many_measure_at_once()
    {
        var distribution = Seconds();
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() =>
        {
            for (var i = 0; i < 10_000; i++)
                distribution.Add(0.01);
        })));
        Assert.Equal(80_000, distribution.Read(0.5).Count);
    }

    RecentDistribution Seconds() => new(0.0001, 6, _clock);

    sealed class SteppedClock : TimeProvider
    {
        long _ticks;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => _ticks;

        public void Advance(TimeSpan time) => _ticks += time.Ticks;
    }
}
