using FsCheck;
using FsCheck.Fluent;
using Streaming.Sse;
using Xunit;

namespace Streaming.Tests.Sse;

public sealed class EventIdTests
{
    [Fact]
    public void Text_of_an_id_reads_back_as_the_same_id() =>
        Prop.ForAll<int, int>((ordinal, index) =>
        {
            var id = new EventId(Math.Max(1, Math.Abs(ordinal % int.MaxValue)), Math.Abs(index % int.MaxValue));
            return EventId.TryParse(id.ToString(), out var read) && read == id;
        }).QuickCheckThrowOnFailure();

    [Theory]
    [InlineData("1-0", 1, 0)]
    [InlineData("2147483647-2147483647", int.MaxValue, int.MaxValue)]
    public void Ids_are_read(string text, int ordinal, int index)
    {
        Assert.True(EventId.TryParse(text, out var id));
        Assert.Equal(new EventId(ordinal, index), id);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("-")]
    [InlineData("1")]
    [InlineData("1-")]
    [InlineData("-1")]
    [InlineData("0-1")]
    [InlineData("1--1")]
    [InlineData("1-1-1")]
    [InlineData("01-1")]
    [InlineData("1-01")]
    [InlineData(" 1-1")]
    [InlineData("1-1\n")]
    [InlineData("+1-1")]
    [InlineData("a-b")]
    [InlineData("1-2147483648")]
    [InlineData("99999999999999999999999-1")]
    [InlineData("١-١")]
    public void Anything_else_is_refused(string? text) => Assert.False(EventId.TryParse(text, out _));
}
