using System.Buffers;
using System.Text;
using Streaming.Sse;
using Xunit;

namespace Streaming.Tests.Sse;

/// <summary>The exact bytes: clients are written against them.</summary>
public sealed class FrameWriterTests
{
    static readonly Guid Session = Guid.Parse("0198c0de-0000-7000-8000-000000000001");

    static string Written(Action<ArrayBufferWriter<byte>> write)
    {
        var buffer = new ArrayBufferWriter<byte>();
        write(buffer);
        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    [Fact]
    public void Message_is_one_data_line_then_its_id() => Assert.Equal(
        "data: {\"type\":\"chunk\",\"index\":42,\"sessionId\":\"0198c0de-0000-7000-8000-000000000001\",\"timestamp\":1763,\"stage\":\"ideas\",\"text\":\"Hé 🙂\"}\nid: 1-42\n\n",
        Written(o => FrameWriter.WriteMessage(o, new EventId(1, 42), 42, Session, "chunk", 1763, "{\"stage\":\"ideas\",\"text\":\"Hé 🙂\"}"u8)));

    [Fact]
    public void Merged_message_says_where_it_begins() => Assert.Equal(
        "data: {\"type\":\"chunk\",\"index\":42,\"first\":7,\"sessionId\":\"0198c0de-0000-7000-8000-000000000001\",\"timestamp\":1763,\"text\":\"x\"}\nid: 3-42\n\n",
        Written(o => FrameWriter.WriteMessage(o, new EventId(3, 42), 7, Session, "chunk", 1763, "{\"text\":\"x\"}"u8)));

    [Fact]
    public void Message_without_fields_of_its_own_has_the_envelope_alone() => Assert.Equal(
        "data: {\"type\":\"end\",\"index\":0,\"sessionId\":\"0198c0de-0000-7000-8000-000000000001\",\"timestamp\":0}\nid: 1-0\n\n",
        Written(o => FrameWriter.WriteMessage(o, new EventId(1, 0), 0, Session, "end", 0, "{}"u8)));

    [Fact]
    public void Type_of_an_external_writer_is_escaped() => Assert.Contains(
        "\"type\":\"a\\u0022b\\n\"",
        Written(o => FrameWriter.WriteMessage(o, new EventId(1, 0), 0, Session, "a\"b\n", 0, "{}"u8)), StringComparison.Ordinal);

    [Fact]
    public void Retry_is_a_line_of_its_own() => Assert.Equal("retry: 1500\n\n", Written(o => FrameWriter.WriteRetry(o, TimeSpan.FromSeconds(1.5))));

    [Fact]
    public void Heartbeat_is_data_without_an_id() =>
        Assert.Equal("data: {\"type\":\"heartbeat\",\"timestamp\":5}\n\n", Written(o => FrameWriter.WriteHeartbeat(o, 5)));

    [Fact]
    public void Reset_and_reconnect_are_status_messages_without_an_id()
    {
        Assert.Equal("data: {\"type\":\"status\",\"reset\":true,\"sessionId\":\"0198c0de-0000-7000-8000-000000000001\",\"timestamp\":5}\n\n",
            Written(o => FrameWriter.WriteReset(o, Session, 5)));
        Assert.Equal("data: {\"type\":\"status\",\"reconnect\":true,\"sessionId\":\"0198c0de-0000-7000-8000-000000000001\",\"timestamp\":5}\n\n",
            Written(o => FrameWriter.WriteReconnect(o, Session, 5)));
    }
}
