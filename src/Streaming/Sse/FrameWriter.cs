using System.Buffers;
using System.Buffers.Text;
using System.Text;
using System.Text.Json;

namespace Streaming.Sse;

/// <summary>
/// Writes Server-Sent Events by the rules of docs/protocol.md: unnamed events, LF only, <c>data:</c> before <c>id:</c>, one
/// JSON object a frame. Pure: bytes out, nothing else.
/// </summary>
public static class FrameWriter
{
    // Every type of ours; an external writer's may need escaping.
    static readonly SearchValues<char> PlainTypeCharacters = SearchValues.Create("abcdefghijklmnopqrstuvwxyz_");

    /// <summary><c>retry:</c>, the first line of every stream: how long a browser waits before it connects again.</summary>
    public static void WriteRetry(IBufferWriter<byte> output, TimeSpan delay)
    {
        output.Write("retry: "u8);
        WriteNumber(output, (long)delay.TotalMilliseconds);
        output.Write("\n\n"u8);
    }

    /// <summary>A persisted message, with its id.</summary>
    /// <param name="output">Where to.</param>
    /// <param name="id">Event id of the (last) message of the frame.</param>
    /// <param name="first">Index of the first message that the frame stands for; equal to <c>id.Index</c> if it is one.</param>
    /// <param name="sessionId">The session.</param>
    /// <param name="type">The message's type.</param>
    /// <param name="timestampMs">Unix time in milliseconds.</param>
    /// <param name="data">The message's own fields: a JSON object on one line, UTF-8, see <see cref="MessageData"/>.</param>
    public static void WriteMessage(
        IBufferWriter<byte> output, EventId id, int first, Guid sessionId, string type, long timestampMs, ReadOnlySpan<byte> data)
    {
        const int IdBytesMax = 64;
        var text = new Text(output.GetSpan(MessageBytesMax(type, data) + IdBytesMax));
        text.Add("data: "u8);
        text.AddMessage(id.Index, first, sessionId, type, timestampMs, data);
        text.Add("\nid: "u8);
        text.Add(id.Ordinal);
        text.Add("-"u8);
        text.Add(id.Index);
        text.Add("\n\n"u8);
        output.Advance(text.Length);
    }

    /// <summary>The same message as it stands in a frame, without the frame.</summary>
    public static void WriteMessageJson(IBufferWriter<byte> output, int index, Guid sessionId, string type, long timestampMs, ReadOnlySpan<byte> data)
    {
        var text = new Text(output.GetSpan(MessageBytesMax(type, data)));
        text.AddMessage(index, index, sessionId, type, timestampMs, data);
        output.Advance(text.Length);
    }

    static int MessageBytesMax(string type, ReadOnlySpan<byte> data)
    {
        // The fields' names, three numbers and the session; a character of a type is six bytes at most when it is escaped.
        const int EnvelopeBytesMax = 192;
        const int EscapedBytesMax = 6;
        return EnvelopeBytesMax + (type.Length * EscapedBytesMax) + data.Length;
    }

    /// <summary>Bytes that are put one after the other into one span, which is long enough: to ask the output for each piece took three times as long.</summary>
    ref struct Text(Span<byte> bytes)
    {
        readonly Span<byte> _bytes = bytes;

        public int Length { get; private set; }

        public void Add(ReadOnlySpan<byte> piece)
        {
            piece.CopyTo(_bytes[Length..]);
            Length += piece.Length;
        }

        public void Add(long number)
        {
            Utf8Formatter.TryFormat(number, _bytes[Length..], out var written);
            Length += written;
        }

        public void AddMessage(int index, int first, Guid sessionId, string type, long timestampMs, ReadOnlySpan<byte> data)
        {
            Add("{\"type\":\""u8);
            Length += Encoding.UTF8.GetBytes(type.AsSpan().ContainsAnyExcept(PlainTypeCharacters) ? JsonEncodedText.Encode(type).Value : type, _bytes[Length..]);
            Add("\",\"index\":"u8);
            Add(index);
            if (first != index)
            {
                Add(",\"first\":"u8);
                Add(first);
            }

            Add(",\"sessionId\":\""u8);
            sessionId.TryFormat(_bytes[Length..], out var written);
            Length += written;
            Add("\",\"timestamp\":"u8);
            Add(timestampMs);
            if (data.Length > 2)
                Add(","u8);
            Add(data[1..]);
        }
    }

    /// <summary>An event of a stream that is of no session.</summary>
    /// <param name="output">Where to.</param>
    /// <param name="json">A JSON object on one line, UTF-8.</param>
    /// <param name="id">Where a reader can go on after it; null: nowhere.</param>
    public static void WriteEvent(IBufferWriter<byte> output, ReadOnlySpan<byte> json, long? id)
    {
        output.Write("data: "u8);
        output.Write(json);
        if (id is { } known)
        {
            output.Write("\nid: "u8);
            WriteNumber(output, known);
        }

        output.Write("\n\n"u8);
    }

    /// <summary>Sent after a silence, as data, because scripts cannot see comments. It has no id: nothing to resume from.</summary>
    public static void WriteHeartbeat(IBufferWriter<byte> output, long timestampMs)
    {
        output.Write("data: {\"type\":\"heartbeat\",\"timestamp\":"u8);
        WriteNumber(output, timestampMs);
        output.Write("}\n\n"u8);
    }

    /// <summary>The cursor is none of this stream's: what follows begins at its beginning.</summary>
    public static void WriteReset(IBufferWriter<byte> output, Guid sessionId, long timestampMs) =>
        WriteStatus(output, "\"reset\":true"u8, sessionId, timestampMs);

    /// <summary>The server is about to close this connection, not the stream.</summary>
    /// <param name="output">Where to.</param>
    /// <param name="sessionId">The session; null on a connection of several.</param>
    /// <param name="timestampMs">Unix time in milliseconds.</param>
    /// <param name="code">The limit that sends the reader away; plain ASCII. None: the service stops, or its database is away.</param>
    public static void WriteReconnect(IBufferWriter<byte> output, Guid? sessionId, long timestampMs, string? code = null) =>
        WriteStatus(output, code is null ? "\"reconnect\":true"u8 : Encoding.UTF8.GetBytes($"\"reconnect\":true,\"code\":\"{code}\""), sessionId, timestampMs);

    /// <summary>On a connection of several: this session is no more. The id says that the reader knows.</summary>
    public static void WriteDeleted(IBufferWriter<byte> output, Guid sessionId, long timestampMs, MultiCursor cursor) =>
        WriteStatus(output, "\"code\":\"deleted\""u8, sessionId, timestampMs, cursor);

    /// <summary>An event that was framed for its own session's stream, with the id of a connection of several in place of its own.</summary>
    /// <param name="output">Where to.</param>
    /// <param name="frame">As <see cref="WriteMessage"/> writes it.</param>
    /// <param name="cursor">What the reader has with this event.</param>
    public static void WriteWithId(IBufferWriter<byte> output, ReadOnlySpan<byte> frame, MultiCursor cursor)
    {
        // The data are on one line, so the last line that begins like this is the id's.
        output.Write(frame[..(frame.LastIndexOf("\nid: "u8) + "\nid: ".Length)]);
        cursor.WriteTo(output);
        output.Write("\n\n"u8);
    }

    /// <summary>The message within a frame of <see cref="WriteMessage"/>: one JSON object.</summary>
    public static ReadOnlyMemory<byte> MessageJson(ReadOnlyMemory<byte> frame) => frame["data: ".Length..frame.Span.LastIndexOf("\nid: "u8)];

    static void WriteStatus(IBufferWriter<byte> output, ReadOnlySpan<byte> field, Guid? sessionId, long timestampMs, MultiCursor? cursor = null)
    {
        output.Write("data: {\"type\":\"status\","u8);
        output.Write(field);
        if (sessionId is { } id)
        {
            output.Write(",\"sessionId\":\""u8);
            WriteGuid(output, id);
            output.Write("\""u8);
        }

        output.Write(",\"timestamp\":"u8);
        WriteNumber(output, timestampMs);
        output.Write("}\n"u8);
        if (cursor is not null)
        {
            output.Write("id: "u8);
            cursor.WriteTo(output);
            output.Write("\n"u8);
        }

        output.Write("\n"u8);
    }

    static void WriteNumber(IBufferWriter<byte> output, long number)
    {
        Utf8Formatter.TryFormat(number, output.GetSpan(20), out var written);
        output.Advance(written);
    }

    static void WriteGuid(IBufferWriter<byte> output, Guid id)
    {
        Utf8Formatter.TryFormat(id, output.GetSpan(36), out var written);
        output.Advance(written);
    }
}
