using Streaming.Files;
using Xunit;

namespace Streaming.Tests.Files;

public sealed class BackpressureTests
{
    [Theory]
    [InlineData(0, 0, 0, 0)]
    // Memory alone: 40 at 85 %.
    [InlineData(0.425, 0, 0, 20)]
    [InlineData(0.849, 0, 0, 39)]
    [InlineData(0.85, 0, 0, 40)]
    [InlineData(3, 0, 0, 40)]
    // Streams alone: 30 at the most that there may be. Ten at once are no reason to slow down.
    [InlineData(0, 10, 0, 18)]
    [InlineData(0, 11, 0, 20)]
    [InlineData(0, 16, 0, 30)]
    [InlineData(0, 40, 0, 30)]
    // Processing alone: 30 at 200 ms.
    [InlineData(0, 0, 100, 15)]
    [InlineData(0, 0, 199.9, 29)]
    [InlineData(0, 0, 200, 30)]
    [InlineData(0, 0, 9000, 30)]
    // Together.
    [InlineData(0.425, 8, 100, 50)]
    [InlineData(1, 16, 200, 100)]
    public void Score_is_the_sum_of_its_three_parts(double memoryLoad, int streams, double processingMs, int expected) =>
        Assert.Equal(expected, Backpressure.Score(memoryLoad, streams, 16, TimeSpan.FromMilliseconds(processingMs)));

    [Theory]
    [InlineData(0, BackpressureLevel.None)]
    [InlineData(19, BackpressureLevel.None)]
    [InlineData(20, BackpressureLevel.Light)]
    [InlineData(39, BackpressureLevel.Light)]
    [InlineData(40, BackpressureLevel.Moderate)]
    [InlineData(59, BackpressureLevel.Moderate)]
    [InlineData(60, BackpressureLevel.Heavy)]
    [InlineData(79, BackpressureLevel.Heavy)]
    [InlineData(80, BackpressureLevel.Critical)]
    [InlineData(100, BackpressureLevel.Critical)]
    public void Level_begins_at_its_score(int score, BackpressureLevel expected) => Assert.Equal(expected, Backpressure.LevelOf(score));

    [Theory]
    [InlineData(BackpressureLevel.None, 0, 16)]
    [InlineData(BackpressureLevel.Light, 0.20, 6)]
    [InlineData(BackpressureLevel.Moderate, 0.50, 3)]
    [InlineData(BackpressureLevel.Heavy, 0.75, 1)]
    [InlineData(BackpressureLevel.Critical, 1, 0)]
    public void Level_says_how_much_slower_and_how_many_streams(BackpressureLevel level, double slowdown, int streams)
    {
        Assert.Equal(slowdown, Backpressure.Slowdown(level));
        Assert.Equal(streams, Backpressure.StreamsMax(level, 16));
        Assert.Equal(Math.Min(2, streams), Backpressure.StreamsMax(level, 2));
    }

    [Theory]
    [InlineData(BackpressureLevel.None, 19, BackpressureLevel.None)]
    [InlineData(BackpressureLevel.None, 20, BackpressureLevel.Light)]
    [InlineData(BackpressureLevel.None, 85, BackpressureLevel.Critical)]
    [InlineData(BackpressureLevel.Light, 19, BackpressureLevel.Light)]
    [InlineData(BackpressureLevel.Light, 15, BackpressureLevel.Light)]
    [InlineData(BackpressureLevel.Light, 14, BackpressureLevel.None)]
    [InlineData(BackpressureLevel.Moderate, 35, BackpressureLevel.Moderate)]
    [InlineData(BackpressureLevel.Moderate, 34, BackpressureLevel.Light)]
    [InlineData(BackpressureLevel.Critical, 75, BackpressureLevel.Critical)]
    [InlineData(BackpressureLevel.Critical, 74, BackpressureLevel.Heavy)]
    [InlineData(BackpressureLevel.Critical, 0, BackpressureLevel.None)]
    public void Level_rises_at_once_and_falls_when_the_score_is_clearly_below(BackpressureLevel current, int score, BackpressureLevel expected) =>
        Assert.Equal(expected, Backpressure.Next(current, score));

    [Fact]
    public void Score_that_swings_about_an_edge_does_not_make_the_level_flap()
    {
        var (level, changes) = (BackpressureLevel.None, 0);
        foreach (var score in Enumerable.Range(0, 100).Select(i => i % 2 == 0 ? 38 : 41))
        {
            var next = Backpressure.Next(level, score);
            changes += next == level ? 0 : 1;
            level = next;
        }

        Assert.Equal((BackpressureLevel.Moderate, 2), (level, changes));
    }
}
