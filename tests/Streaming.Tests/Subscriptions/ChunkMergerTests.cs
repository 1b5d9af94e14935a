using System.Text;
using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;
using Streaming.Messages;
using Streaming.Protocol;
using Streaming.Subscriptions;
using Xunit;

namespace Streaming.Tests.Subscriptions;

public sealed class ChunkMergerTests
{
    static readonly StreamTarget Target = new(Guid.NewGuid(), Guid.NewGuid(), 1, 100);

    static MessageRow Row(int index, Message message) => new(index, message.Type, ProtocolJson.Utf8(message), DateTimeOffset.UnixEpoch.AddMilliseconds(index));

    static List<JsonElement> Merged(IReadOnlyList<MessageRow> rows, int bytesMax = 1 << 15) =>
        [.. Frames(rows, bytesMax).Select(frame => JsonSerializer.Deserialize<JsonElement>(Encoding.UTF8.GetString(frame.Bytes).Split('\n')[0]["data: ".Length..]))];

    static List<Frame> Frames(IReadOnlyList<MessageRow> rows, int bytesMax)
    {
        var frames = new List<Frame>();
        ChunkMerger.Merge(Target, rows, bytesMax, frames);
        return frames;
    }

    [Fact]
    public void Consecutive_chunks_of_a_stage_become_one_frame()
    {
        var frames = Merged([Row(3, new ChunkMessage("a", "x\"")), Row(4, new ChunkMessage("a", "\n🙂")), Row(5, new ChunkMessage("b", "z")), Row(6, new EndMessage("completed"))]);
        Assert.Equal(3, frames.Count);
        Assert.Equal((3, 4, "x\"\n🙂", "a"), (frames[0].GetProperty("first").GetInt32(), frames[0].GetProperty("index").GetInt32(),
            frames[0].GetProperty("text").GetString(), frames[0].GetProperty("stage").GetString()));
        Assert.Equal(4, frames[0].GetProperty("timestamp").GetInt64());
        Assert.False(frames[1].TryGetProperty("first", out _));
    }

    [Fact]
    public void Chunk_with_fields_of_its_own_stays_alone()
    {
        var frames = Merged([new MessageRow(0, "chunk", """{"text":"a"}"""u8.ToArray(), default), new MessageRow(1, "chunk", """{"text":"b","tone":"warm"}"""u8.ToArray(), default), new MessageRow(2, "chunk", """{"text":"c"}"""u8.ToArray(), default)]);
        Assert.Equal(3, frames.Count);
        Assert.Equal("warm", frames[1].GetProperty("tone").GetString());
    }

    [Fact]
    public void Fields_of_another_writer_may_stand_in_any_order_and_no_stage_is_not_an_empty_one()
    {
        var frames = Merged([
            new MessageRow(0, "chunk", """{"text":"a\n","stage":"\u0073"}"""u8.ToArray(), default), new MessageRow(1, "chunk", """{ "stage" : "\u0073", "text" : "b" }"""u8.ToArray(), default),
            new MessageRow(2, "chunk", """{"text":"c"}"""u8.ToArray(), default), new MessageRow(3, "chunk", """{"stage":"","text":"d"}"""u8.ToArray(), default)]);
        Assert.Equal(["a\nb", "c", "d"], frames.Select(frame => frame.GetProperty("text").GetString()));
        Assert.Equal(["s", null, ""], frames.Select(frame => frame.TryGetProperty("stage", out var stage) ? stage.GetString() : null));
    }

    [Fact]
    public void Merged_text_is_bounded() =>
        Assert.All(Merged([.. Enumerable.Range(0, 100).Select(i => Row(i, new ChunkMessage("a", new string('x', 10))))], 50),
            frame => Assert.InRange(frame.GetProperty("text").GetString()!.Length, 1, 50));

    [Fact]
    public void Merging_loses_and_repeats_nothing() =>
        Prop.ForAll<(int Kind, string Text)[]>(messages =>
        {
            var rows = messages.Select((m, i) => Row(i, (m.Kind & 3) == 0 ? new StatusMessage("x") : new ChunkMessage((m.Kind & 4) == 0 ? "a" : "b", Printable(m.Text)))).ToList();
            var next = 0;
            foreach (var frame in Merged(rows, 20))
            {
                if ((frame.TryGetProperty("first", out var first) ? first.GetInt32() : frame.GetProperty("index").GetInt32()) != next)
                    return false;
                next = frame.GetProperty("index").GetInt32() + 1;
            }

            return next == rows.Count
                && string.Concat(Merged(rows, 20).Where(f => f.GetProperty("type").GetString() == "chunk").Select(f => f.GetProperty("text").GetString()))
                    == string.Concat(messages.Where(m => (m.Kind & 3) != 0).Select(m => Printable(m.Text)));
        }).QuickCheckThrowOnFailure();

    // Text of a model has no lone surrogates: they are replaced where it enters.
    static string Printable(string? text) => new((text ?? "").Where(c => !char.IsSurrogate(c)).ToArray());
}
