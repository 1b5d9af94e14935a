using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;

namespace Streaming.Models;

/// <summary>Writes the body of a streamed chat completion.</summary>
/// <remarks>What it takes of a message: role, text, images. Of <see cref="ChatOptions"/>: output tokens, temperature,
/// top-p, seed, stop sequences, JSON as response format, another model. Tools are not written, no pipeline has
/// any.</remarks>
public static class OpenAIRequest
{
    /// <exception cref="NotSupportedException">A message holds content of another kind.</exception>
    public static BinaryData Write(string model, IEnumerable<ChatMessage> messages, ChatOptions? options)
    {
        var body = new JsonObject
        {
            ["model"] = options?.ModelId ?? model,
            ["messages"] = new JsonArray([.. Messages(messages, options)]),
            ["stream"] = true,
            ["stream_options"] = new JsonObject { ["include_usage"] = true },
        };
        if (options?.MaxOutputTokens is { } tokens) body["max_completion_tokens"] = tokens;
        if (options?.Temperature is { } temperature) body["temperature"] = temperature;
        if (options?.TopP is { } topP) body["top_p"] = topP;
        if (options?.Seed is { } seed) body["seed"] = seed;
        if (options?.StopSequences is { Count: > 0 } stop)
            body["stop"] = new JsonArray([.. stop.Select(s => JsonValue.Create(s))]);
        if (options?.ResponseFormat is ChatResponseFormatJson)
            body["response_format"] = new JsonObject { ["type"] = "json_object" };
        return BinaryData.FromBytes(JsonSerializer.SerializeToUtf8Bytes(body));
    }

    static IEnumerable<JsonNode> Messages(IEnumerable<ChatMessage> messages, ChatOptions? options)
    {
        if (options?.Instructions is { } instructions)
            yield return new JsonObject { ["role"] = "system", ["content"] = instructions };
        foreach (var message in messages)
            yield return new JsonObject { ["role"] = message.Role.Value, ["content"] = Content(message) };
    }

    // Plain text stays a string: many compatible servers read no list of parts.
    static JsonNode Content(ChatMessage message) =>
        message.Contents.All(content => content is TextContent)
            ? JsonValue.Create(message.Text)
            : new JsonArray([.. message.Contents.Select(Part)]);

    static JsonObject Part(AIContent content) => content switch
    {
        TextContent text => new() { ["type"] = "text", ["text"] = text.Text },
        DataContent image when image.HasTopLevelMediaType("image") => Image(image.Uri),
        UriContent image when image.HasTopLevelMediaType("image") => Image(image.Uri.AbsoluteUri),
        _ => throw new NotSupportedException(
            $"A message to an OpenAI-compatible model cannot hold {content.GetType().Name}."),
    };

    static JsonObject Image(string uri) =>
        new() { ["type"] = "image_url", ["image_url"] = new JsonObject { ["url"] = uri } };
}
