using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Streaming.Sse;

/// <summary>
/// Makes what stands in <c>transform_chunks.chunk_data</c> fit for a frame, whoever wrote it: any program may insert rows.
/// </summary>
public static class MessageData
{
    // What ends a text, or must not stand in one as it is.
    static readonly SearchValues<byte> NotPlain = SearchValues.Create([.. Enumerable.Range(0, 0x20).Select(code => (byte)code), (byte)'"', (byte)'\\']);

    static readonly JsonWriterOptions Compact = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>
    /// A JSON object on one line, without the fields of the envelope. An object is returned as it is where possible;
    /// anything else is taken for text: <c>{"text": …}</c>.
    /// </summary>
    public static string Normalize(string data)
    {
        if (!data.StartsWith('{'))
            return Text(data);
        var bytes = ArrayPool<byte>.Shared.Rent(Encoding.UTF8.GetMaxByteCount(data.Length));
        bool isClean;
        try
        {
            if (!TryRead(bytes.AsSpan(0, Encoding.UTF8.GetBytes(data, bytes)), out isClean))
                return Text(data);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(bytes);
        }

        if (isClean)
            return data;
        using var document = JsonDocument.Parse(data);
        return Write(writer =>
        {
            foreach (var property in document.RootElement.EnumerateObject())
                if (!IsEnvelope(property.Name))
                    property.WriteTo(writer);
        });
    }

    /// <summary>The same in UTF-8, as the database sends it: what is clean is neither decoded nor copied.</summary>
    public static byte[] Normalize(byte[] data) =>
        TryReadPlain(data, out _, out _) || (data is [(byte)'{', ..] && TryRead(data, out var isClean) && isClean) ? data : Encoding.UTF8.GetBytes(Normalize(Encoding.UTF8.GetString(data)));

    /// <summary>
    /// Reads <c>{"text":"…"}</c> or <c>{"stage":"…","text":"…"}</c> without an escape, which most chunks are: a ninth of the time that
    /// it takes as JSON. False: it may be the same in other words.
    /// </summary>
    /// <param name="data">UTF-8.</param>
    /// <param name="stage">In its quotes; empty: there is none.</param>
    /// <param name="text">Without quotes.</param>
    public static bool TryReadPlain(ReadOnlySpan<byte> data, out ReadOnlySpan<byte> stage, out ReadOnlySpan<byte> text)
    {
        stage = text = default;
        var rest = data;
        if (Skip(ref rest, "{\"stage\":"u8))
        {
            if (rest is not [(byte)'"', ..] || rest[1..].IndexOfAny(NotPlain) is not (>= 0 and var stageLength))
                return false;
            stage = rest[..(stageLength + 2)];
            rest = rest[(stageLength + 1)..];
            if (!Skip(ref rest, "\",\"text\":\""u8))
                return false;
        }
        else if (!Skip(ref rest, "{\"text\":\""u8))
        {
            return false;
        }

        if (rest.IndexOfAny(NotPlain) is not (>= 0 and var length) || !rest[length..].SequenceEqual("\"}"u8))
            return false;
        text = rest[..length];
        return true;

        static bool Skip(ref ReadOnlySpan<byte> rest, ReadOnlySpan<byte> expected)
        {
            if (!rest.StartsWith(expected))
                return false;
            rest = rest[expected.Length..];
            return true;
        }
    }

    /// <summary>The fields that only the service sets.</summary>
    static bool IsEnvelope(string name) => name is "type" or "index" or "first" or "sessionId" or "timestamp";

    static bool IsEnvelope(ref Utf8JsonReader name) =>
        name.ValueTextEquals("type"u8) || name.ValueTextEquals("index"u8) || name.ValueTextEquals("first"u8)
        || name.ValueTextEquals("sessionId"u8) || name.ValueTextEquals("timestamp"u8);

    static string Text(string text) => Write(writer => writer.WriteString("text", text));

    static string Write(Action<Utf8JsonWriter> fields)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer, Compact))
        {
            writer.WriteStartObject();
            fields(writer);
            writer.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    /// <summary>
    /// Whether it is one JSON object and nothing else; <paramref name="isClean"/>: it is on one line, and none of its own fields is the envelope's.
    /// </summary>
    static bool TryRead(ReadOnlySpan<byte> data, out bool isClean)
    {
        isClean = data.IndexOfAny((byte)'\r', (byte)'\n') < 0;
        try
        {
            var reader = new Utf8JsonReader(data);
            while (reader.Read())
                if (reader is { TokenType: JsonTokenType.PropertyName, CurrentDepth: 1 } && IsEnvelope(ref reader))
                    isClean = false;
            return true;
        }
        catch (Exception fault) when (fault is JsonException or InvalidOperationException)
        {
            return false;
        }
    }
}
