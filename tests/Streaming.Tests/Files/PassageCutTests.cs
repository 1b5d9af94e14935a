using Streaming.Files;
using Xunit;

namespace Streaming.Tests.Files;

public sealed class PassageCutTests
{
    [Theory]
    [InlineData("One two three. Four.\n\nFive. Six", "One two three. Four.\n\n")]
    [InlineData("A.\n\nThree four five. Six seven", "A.\n\nThree four five. ")]
    [InlineData("One two three.\r\n \t\r\nFour five six", "One two three.\r\n \t\r\n")]
    [InlineData("one two three \"Four five.\" six seven", "one two three \"Four five.\" ")]
    [InlineData("one two three four\nfive six seven", "one two three four\n")]
    [InlineData("one two three four five", "one two three four ")]
    [InlineData("一二三四五。六七", "一二三四五。")]
    [InlineData("onetwothreefour", "onetwothreefour")]
    public void Cut_is_at_the_best_boundary_of_the_second_half(string text, string expected) => Assert.Equal(expected, text[..PassageCut.At(text)]);

    [Fact]
    public void Cut_is_never_within_a_pair()
    {
        Assert.Equal(4, PassageCut.At("ab🙂\uD83D"));
        Assert.Equal("🙂", PassageCut.Shorten("🙂🙂", 3));
    }

    [Fact]
    public void Cut_takes_linear_time_whatever_the_text()
    {
        foreach (var text in (string[])[new('\n', 1_000_000), new(' ', 1_000_000), string.Concat(Enumerable.Repeat(" \n", 500_000)), new('.', 1_000_000), new(')', 1_000_000)])
            Assert.InRange(PassageCut.At(text), text.Length / 2, text.Length);
    }

    [Fact]
    public void Shortened_text_ends_with_a_sentence_if_it_can()
    {
        Assert.Equal("One two. Three.", PassageCut.Shorten("One two. Three. Four five", 20));
        Assert.Equal("short", PassageCut.Shorten("short", 20));
    }
}
