using System.Text;
using System.Text.Json;
using Streaming.Messages;
using Streaming.Protocol;

namespace Streaming.Subscriptions;

/// <summary>
/// Makes one frame of consecutive <c>chunk</c> messages of one stage, for readers that catch up: the texts joined,
/// <c>index</c> the last one's, <c>first</c> the first one's.
/// </summary>
public static class ChunkMerger
{
    /// <summary>Frames of a page, in order; a merged one holds <paramref name="bytesMax"/> bytes of text at most, unless a single message has more.</summary>
    public static IEnumerable<Frame> Merge(StreamTarget target, IReadOnlyList<MessageRow> rows, int bytesMax)
    {
        var text = new StringBuilder();
        for (var i = 0; i < rows.Count;)
        {
            var first = rows[i++];
            if (!TryRead(first, out var stage, out var piece))
            {
                yield return Frame.Of(target, first);
                continue;
            }

            var last = first;
            text.Clear().Append(piece);
            for (; i < rows.Count && TryRead(rows[i], out var nextStage, out var next) && nextStage == stage && text.Length + next.Length <= bytesMax; i++)
            {
                text.Append(next);
                last = rows[i];
            }

            yield return last.Index == first.Index
                ? Frame.Of(target, first)
                : Frame.Of(target, last with { Data = Data(stage, text) }, first.Index);
        }
    }

    /// <summary>The stage and text of a chunk that has nothing else, both still escaped as in the JSON.</summary>
    static bool TryRead(MessageRow row, out string? stage, out string text)
    {
        stage = null;
        text = "";
        if (row.Type != MessageTypes.Chunk)
            return false;
        var bytes = Encoding.UTF8.GetBytes(row.Data);
        var reader = new Utf8JsonReader(bytes);
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
                (text, hasText) = (Encoding.UTF8.GetString(reader.ValueSpan), true);
            else
                stage = Encoding.UTF8.GetString(reader.ValueSpan);
        }

        return hasText;
    }

    static string Data(string? stage, StringBuilder text) =>
        stage is null ? $$"""{"text":"{{text}}"}""" : $$"""{"stage":"{{stage}}","text":"{{text}}"}""";
}
