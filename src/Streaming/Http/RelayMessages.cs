using System.Text.Json;
using Streaming.Protocol;
using Streaming.Sessions;

namespace Streaming.Http;

/// <summary>
/// The body of <c>POST /api/relays/{id}/messages</c>: a message <c>{type, …}</c>, an array of them, or
/// <c>{producerId, sequence, messages: […]}</c>. <c>producerId</c> and <c>sequence</c> may stand in the message, in the
/// envelope, or in the query.
/// </summary>
public sealed class RelayMessages(JsonBody body, IQueryCollection query, int messagesMax, int dataBytesMax)
{
    const int NameCharactersMax = 64;
    const int ProducerCharactersMax = 200;

    /// <summary>What to append, in order; errors stand in the body. One append a sequence, all or nothing.</summary>
    public IReadOnlyList<RelayAppend> Read()
    {
        var appends = ReadAppends();
        // A reader that has seen `end` never comes back for what follows it.
        if (appends.SelectMany(append => append.Messages).SkipLast(1).Any(message => message.Type == MessageTypes.End))
            body.Fail("messages", "Nothing can follow a message of type end.");
        return appends;
    }

    List<RelayAppend> ReadAppends()
    {
        var producer = query["producerId"] is [{ } id, ..] ? id : null;
        long? sequence = query["sequence"] is [{ } text, ..] ? Number(text, "sequence") : null;
        var root = body.Root;
        if (root.ValueKind == JsonValueKind.Object && !root.TryGetProperty("type", out _) && root.TryGetProperty("messages", out var inner))
        {
            (producer, sequence) = Source(root, "", producer, sequence);
            root = inner;
        }

        if (root.ValueKind == JsonValueKind.Object)
            return [Single(root, "", producer, sequence)];
        if (root.ValueKind != JsonValueKind.Array || root.GetArrayLength() == 0 || root.GetArrayLength() > messagesMax)
        {
            body.Fail("messages", $"Must be a message or an array of 1 to {messagesMax} messages.");
            return [];
        }

        var appends = root.EnumerateArray().Select((message, i) => Single(message, $"[{i}].", null, null)).ToList();
        if (appends.All(append => append.ProducerId is null))
            return [new RelayAppend(producer, sequence, [.. appends.SelectMany(append => append.Messages)])];
        return appends;
    }

    RelayAppend Single(JsonElement message, string path, string? producer, long? sequence)
    {
        (producer, sequence) = Source(message, path, producer, sequence);
        if (producer is null != sequence is null)
            body.Fail(path + "producerId", "Goes with sequence, and sequence with it.");
        return new RelayAppend(producer, sequence, [Message(message, path)]);
    }

    (string? Producer, long? Sequence) Source(JsonElement element, string path, string? producer, long? sequence)
    {
        if (element.ValueKind != JsonValueKind.Object)
            return (producer, sequence);
        if (element.TryGetProperty("producerId", out var id))
            producer = body.Text(id, path + "producerId", ProducerCharactersMax, isRequired: true);
        if (element.TryGetProperty("sequence", out var number))
            sequence = Number(number.ValueKind == JsonValueKind.Number ? number.GetRawText() : "", path + "sequence");
        return (producer, sequence);
    }

    long? Number(string text, string field)
    {
        if (long.TryParse(text, out var number) && number >= 0)
            return number;
        body.Fail(field, "Must be a whole number, not below 0.");
        return null;
    }

    RelayMessage Message(JsonElement message, string path)
    {
        if (message.ValueKind != JsonValueKind.Object)
        {
            body.Fail(path + "type", "A message is an object.");
            return new RelayMessage("", []);
        }

        var type = body.Text(message.TryGetProperty("type", out var value) ? value : null, path + "type", NameCharactersMax, isRequired: true) ?? "";
        if (message.TryGetProperty("text", out var text))
            body.Text(text, path + "text", dataBytesMax);
        var data = Data(message);
        if (data.Length > dataBytesMax)
            body.Fail(path + "text", $"A message must have {dataBytesMax} bytes at most (Messages:DataBytesMax).");
        return new RelayMessage(type, data);
    }

    /// <summary>The message's own fields; NUL, which PostgreSQL refuses in text, can only stand there as an escape.</summary>
    static byte[] Data(JsonElement message)
    {
        var buffer = new System.Buffers.ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            writer.WriteStartObject();
            foreach (var property in message.EnumerateObject())
                if (property.Name is not ("type" or "producerId" or "sequence" or "index" or "first" or "sessionId" or "timestamp"))
                    property.WriteTo(writer);
            writer.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }
}
