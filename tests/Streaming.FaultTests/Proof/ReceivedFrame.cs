using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Streaming.FaultTests.Proof;

/// <summary>One frame with an index, as a reader got it; what it said is kept as a digest.</summary>
/// <param name="First">Index of the first message in it.</param>
/// <param name="Last">Index of the last one; the same unless chunks were merged.</param>
/// <param name="Type">The message's type.</param>
/// <param name="Digest">Of the message's own fields; of stage and text if chunks were merged.</param>
/// <param name="Lag">From the message's timestamp to its arrival. Of a message that was caught up, this is its age.</param>
public readonly record struct ReceivedFrame(int First, int Last, string Type, ulong Digest, TimeSpan Lag)
{
    /// <summary>The fields that the service adds; all others are the message's own.</summary>
    static bool IsEnvelope(string name) => name is "type" or "index" or "first" or "sessionId" or "timestamp";

    /// <summary>Reads a frame; null if it is about the connection, and so has no index.</summary>
    public static ReceivedFrame? Of(JsonElement data, DateTimeOffset now)
    {
        if (!data.TryGetProperty("index", out var index))
            return null;
        var last = index.GetInt32();
        var first = data.TryGetProperty("first", out var from) ? from.GetInt32() : last;
        var digest = first == last ? DigestOf(data) : DigestOfText(Text(data, "stage"), Text(data, "text")!);
        var sent = DateTimeOffset.FromUnixTimeMilliseconds(data.GetProperty("timestamp").GetInt64());
        return new ReceivedFrame(first, last, data.GetProperty("type").GetString()!, digest, now - sent);
    }

    /// <summary>What stands in <c>chunk_data</c>: an object, or else plain text.</summary>
    public static JsonElement Stored(string data) =>
        JsonElement.Parse(data.StartsWith('{') ? data : $$"""{"text":{{JsonSerializer.Serialize(data)}}}""");

    /// <summary>Of several chunks of one stage in one frame.</summary>
    public static ulong DigestOfText(string? stage, string text) => Hash(Encoding.UTF8.GetBytes($"{stage}\0{text}"));

    public static string? Text(JsonElement data, string field) => data.TryGetProperty(field, out var value) ? value.GetString() : null;

    /// <summary>Of one message's own fields.</summary>
    public static ulong DigestOf(JsonElement data)
    {
        var buffer = new ArrayBufferWriter<byte>(256);
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            foreach (var property in data.EnumerateObject())
                if (!IsEnvelope(property.Name))
                    property.WriteTo(writer);
            writer.WriteEndObject();
        }

        return Hash(buffer.WrittenSpan);
    }

    static ulong Hash(ReadOnlySpan<byte> bytes)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(bytes, hash);
        return BitConverter.ToUInt64(hash);
    }
}
