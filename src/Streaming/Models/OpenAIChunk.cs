using System.Runtime.InteropServices;
using System.Text.Json;
using Microsoft.Extensions.AI;

namespace Streaming.Models;

/// <summary>Reads one chunk of a streamed chat completion.</summary>
public static class OpenAIChunk
{
    /// <summary>The update that the chunk stands for: the first choice's text, finish reason, usage, model; any of them
    /// may be absent.</summary>
    /// <param name="data">The data of one server-sent event.</param>
    /// <exception cref="JsonException">The data is no JSON.</exception>
    /// <exception cref="ModelFault">The data is an error of the provider, or no object.</exception>
    public static ChatResponseUpdate Read(ReadOnlySpan<byte> data)
    {
        var reader = new Utf8JsonReader(data);
        using var document = JsonDocument.ParseValue(ref reader);
        var chunk = document.RootElement;
        if (chunk.ValueKind != JsonValueKind.Object)
            throw new ModelFault(ModelFaultKind.InvalidResponse, "The model provider sent a chunk that is no object.");
        if (Member(chunk, "error", JsonValueKind.Object) is { } error)
            throw ModelFaults.FromErrorType(Text(error, "type"), new InvalidDataException(chunk.GetRawText()));
        if (Text(chunk, "error") is { } words)
            throw ModelFaults.FromErrorType(null, new InvalidDataException(words));

        var update = new ChatResponseUpdate
        {
            Role = ChatRole.Assistant,
            ResponseId = Text(chunk, "id"),
            MessageId = Text(chunk, "id"),
            ModelId = Text(chunk, "model"),
        };
        if (FirstChoice(chunk) is { } choice)
        {
            if (Member(choice, "delta", JsonValueKind.Object) is { } delta
                && Text(delta, "content") is { Length: > 0 } text) update.Contents.Add(new TextContent(text));
            if (Text(choice, "finish_reason") is { } reason) update.FinishReason = new ChatFinishReason(reason);
        }
        if (Member(chunk, "usage", JsonValueKind.Object) is { } usage) update.Contents.Add(Usage(usage));
        return update;
    }

    static UsageContent Usage(JsonElement usage) => new(new UsageDetails
    {
        InputTokenCount = Number(usage, "prompt_tokens"),
        OutputTokenCount = Number(usage, "completion_tokens"),
        TotalTokenCount = Number(usage, "total_tokens"),
    });

    static JsonElement? FirstChoice(JsonElement chunk)
    {
        if (Member(chunk, "choices", JsonValueKind.Array) is not { } choices) return null;
        foreach (var choice in choices.EnumerateArray())
        {
            if (choice.ValueKind == JsonValueKind.Object && Number(choice, "index") is null or 0) return choice;
        }
        return null;
    }

    static JsonElement? Member(JsonElement parent, string name, JsonValueKind kind) =>
        parent.TryGetProperty(name, out var member) && member.ValueKind == kind ? member : null;

    static string? Text(JsonElement parent, string name) =>
        Member(parent, name, JsonValueKind.String) is { } member
            ? JsonText.Decode(JsonMarshal.GetRawUtf8Value(member))
            : null;

    static long? Number(JsonElement parent, string name) =>
        Member(parent, name, JsonValueKind.Number) is { } member && member.TryGetInt64(out var number) ? number : null;
}
