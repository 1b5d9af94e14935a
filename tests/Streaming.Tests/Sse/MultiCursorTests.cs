using System.Buffers;
using System.Text;
using Streaming.Sse;
using Xunit;

namespace Streaming.Tests.Sse;

public sealed class MultiCursorTests
{
    static readonly Guid Session = Guid.Parse("0198c0de-0000-7000-8000-000000000001");

    [Fact]
    public void Text_of_a_cursor_reads_back_as_the_same_cursor()
    {
        var random = new Random(1);
        for (var round = 0; round < 1000; round++)
        {
            var cursor = new MultiCursor(random.Next(1, 60));
            var count = cursor.ToString().Split('.').Length;
            for (var place = 0; place < count; place++)
                switch (random.Next(3))
                {
                    case 0:
                        cursor.Advance(place, new EventId(random.Next(1, int.MaxValue), random.Next()));
                        break;
                    case 1:
                        cursor.Delete(place);
                        break;
                }

            Assert.True(MultiCursor.TryParse(cursor.ToString(), count, out var read));
            Assert.Equal(cursor.ToString(), read.ToString());
            for (var place = 0; place < count; place++)
                Assert.Equal((cursor.Last(place), cursor.IsDeleted(place), cursor.IsBegun(place)), (read.Last(place), read.IsDeleted(place), read.IsBegun(place)));
        }
    }

    [Theory]
    [InlineData("", 1)]
    [InlineData("1-1", 2)]
    [InlineData("1-1.1-1", 1)]
    [InlineData("1-1.", 2)]
    [InlineData("1-1..1-1", 3)]
    [InlineData("1-1.y", 2)]
    [InlineData("1-1.--", 2)]
    [InlineData("1-1,1-1", 2)]
    [InlineData("1-1. 1-1", 2)]
    [InlineData("01-1.-", 2)]
    [InlineData("2147483648-1", 1)]
    public void Anything_else_is_refused(string text, int count) => Assert.False(MultiCursor.TryParse(text, count, out _));

    [Fact]
    public void Longest_cursor_is_read_and_a_longer_text_is_refused()
    {
        var longest = string.Join('.', Enumerable.Repeat("2147483647-2147483647", 50));
        Assert.True(MultiCursor.TryParse(longest, 50, out _));
        Assert.False(MultiCursor.TryParse(new string('.', 1_000_000), 50, out _));
    }

    [Fact]
    public void Frame_gets_the_cursor_in_place_of_its_id_whatever_its_text_is()
    {
        var frame = new ArrayBufferWriter<byte>();
        FrameWriter.WriteMessage(frame, new EventId(1, 42), 42, Session, "chunk", 1763, """{"text":"\nid: 1-7 id: "}"""u8);
        var cursor = new MultiCursor(3);
        cursor.Advance(1, new EventId(1, 42));
        cursor.Delete(2);
        var output = new ArrayBufferWriter<byte>();
        FrameWriter.WriteWithId(output, frame.WrittenSpan, cursor);
        Assert.Equal(
            Encoding.UTF8.GetString(frame.WrittenSpan).Replace("\nid: 1-42\n", "\nid: -.1-42.x\n", StringComparison.Ordinal), Encoding.UTF8.GetString(output.WrittenSpan));
    }

    [Fact]
    public void Deleted_session_is_a_status_with_an_id()
    {
        var cursor = new MultiCursor(2);
        cursor.Delete(0);
        var output = new ArrayBufferWriter<byte>();
        FrameWriter.WriteDeleted(output, Session, 5, cursor);
        Assert.Equal("data: {\"type\":\"status\",\"code\":\"deleted\",\"sessionId\":\"0198c0de-0000-7000-8000-000000000001\",\"timestamp\":5}\nid: x.-\n\n",
            Encoding.UTF8.GetString(output.WrittenSpan));
        output.ResetWrittenCount();
        FrameWriter.WriteReconnect(output, null, 5);
        Assert.Equal("data: {\"type\":\"status\",\"reconnect\":true,\"timestamp\":5}\n\n", Encoding.UTF8.GetString(output.WrittenSpan));
    }
}
