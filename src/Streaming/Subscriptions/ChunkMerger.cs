using System.Buffers;
using System.Text.Json;
using Streaming.Messages;
using Streaming.Protocol;
using Streaming.Sse;

namespace Streaming.Subscriptions;

/// <summary>
/// Makes one frame of consecutive <c>chunk</c> messages of one stage, for readers that catch up: the texts joined,
/// <c>index</c> the last one's, <c>first</c> the first one's.
/// </summary>
public static class ChunkMerger
{
    /// <summary>Adds the frames of a page, in order.</summary>
    /// <param name="target">The stream it belongs to.</param>
    /// <param name="rows">The page; its data fit for a frame, see <see cref="MessageData"/>.</param>
    /// <param name="bytesMax">A merged frame holds so many bytes of text at most, unless a single message has more.</param>
    /// <param name="frames">Where to.</param>
    public static void Merge(StreamTarget target, IReadOnlyList<MessageRow> rows, int bytesMax, List<Frame> frames)
    {
        var merged = new ArrayBufferWriter<byte>();
        for (var i = 0; i < rows.Count;)
        {
            var first = rows[i++];
            if (!TryRead(first, out var stage, out var text) || i == rows.Count || !TryRead(rows[i], out var nextStage, out var next)
                || !nextStage.SequenceEqual(stage) || text.Length + next.Length > bytesMax)
            {
                frames.Add(Frame.Of(target, first));
                continue;
            }

            merged.ResetWrittenCount();
            merged.Write("{"u8);
            if (stage.Length > 0)
            {
                merged.Write("\"stage\":"u8);
                merged.Write(stage);
                merged.Write(","u8);
            }

            merged.Write("\"text\":\""u8);
            merged.Write(text);
            var textBytes = text.Length;
            do
            {
                merged.Write(next);
                textBytes += next.Length;
                i++;
            } while (i < rows.Count && TryRead(rows[i], out nextStage, out next) && nextStage.SequenceEqual(stage) && textBytes + next.Length <= bytesMax);

            merged.Write("\"}"u8);
            frames.Add(Frame.Of(target, rows[i - 1], merged.WrittenSpan, first.Index));
        }
    }

    /// <summary>
    /// The stage, in its quotes, none: empty, and the text of a chunk that has nothing else, both still escaped as in the JSON.
    /// </summary>
    static bool TryRead(MessageRow row, out ReadOnlySpan<byte> stage, out ReadOnlySpan<byte> text)
    {
        stage = text = default;
        if (row.Type != MessageTypes.Chunk)
            return false;
        if (MessageData.TryReadPlain(row.Data, out stage, out text))
            return true;
        stage = text = default;
        var reader = new Utf8JsonReader(row.Data);
        reader.Read();
        var hasText = false;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var isText = reader.ValueTextEquals("text"u8);
            if (!isText && !reader.ValueTextEquals("stage"u8))
                return false;
            if (!reader.Read() || reader.TokenType != JsonTokenType.String)
                return false;
            if (isText)
                text = reader.ValueSpan;
            else
                stage = row.Data.AsSpan((int)reader.TokenStartIndex, reader.ValueSpan.Length + 2);
            hasText |= isText;
        }

        return hasText;
    }
}
