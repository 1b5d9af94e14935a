using Streaming.Configuration;
using Xunit;

namespace Streaming.Tests.Subscriptions;

public sealed class FlushIntervalTests
{
    [Theory]
    [InlineData(0, 5)]
    [InlineData(1, 5)]
    [InlineData(250, 5)]
    [InlineData(1_000, 20)]
    [InlineData(2_500, 50)]
    [InlineData(100_000, 50)]
    public void Interval_grows_with_the_readers_of_a_transform(int readers, int milliseconds) =>
        Assert.Equal(TimeSpan.FromMilliseconds(milliseconds), new SubscriptionOptions().FlushIntervalOf(readers));

    [Fact]
    public void Interval_that_was_set_longer_stays() =>
        Assert.Equal(TimeSpan.FromSeconds(1), new SubscriptionOptions { FlushInterval = TimeSpan.FromSeconds(1) }.FlushIntervalOf(100_000));
}
