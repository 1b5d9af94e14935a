using System.Text;
using System.Text.Json;
using Microsoft.Extensions.AI;

namespace Streaming.Models.Offline;

/// <summary>
/// What a prompt asks for: the JSON that each of our prompts ends with, in the last user message, between
/// <c>&lt;request&gt;</c> tags. Text that the user wrote may hold the tags as well.
/// </summary>
/// <param name="Task">The task's name; empty when the prompt has no request.</param>
/// <param name="Text">The request's JSON, or without one the whole message.</param>
/// <param name="Body">The parsed JSON; undefined without one.</param>
internal sealed record OfflineRequest(string Task, string Text, JsonElement Body)
{
    private const string OpenTag = "<request>";
    private const string CloseTag = "</request>";

    // Each try parses up to the whole message; a prompt of ours has one tag before its JSON.
    private const int TriesMax = 8;

    public static OfflineRequest Read(IEnumerable<ChatMessage> messages)
    {
        var message = messages.LastOrDefault(message => message.Role == ChatRole.User)?.Text ?? "";
        var text = WithoutHalfPairs(message);
        var end = text.LastIndexOf(CloseTag, StringComparison.Ordinal);
        var open = text.IndexOf(OpenTag, StringComparison.Ordinal);
        for (var tries = 0; tries < TriesMax && open >= 0 && open + OpenTag.Length <= end; tries++)
        {
            var json = text[(open + OpenTag.Length)..end];
            if (TryParse(json) is { } body)
                return new OfflineRequest(StringOf(body, "task"), json, body);
            open = text.IndexOf(OpenTag, open + OpenTag.Length, StringComparison.Ordinal);
        }

        return new OfflineRequest("", text, default);
    }

    /// <summary>A string property, or "" when it is missing or something else.</summary>
    public string String(string name) => StringOf(Body, name);

    /// <summary>A number property, or null when it is missing or something else.</summary>
    public double? Number(string name)
        => Property(Body, name) is { ValueKind: JsonValueKind.Number } number && number.TryGetDouble(out var value)
            ? value
            : null;

    /// <summary>A number property of 1 to <see cref="int.MaxValue"/>, rounded down, or null.</summary>
    public int? PositiveInteger(string name) => Number(name) is >= 1 and <= int.MaxValue and var value ? (int)value : null;

    /// <summary>The elements of an array property; none when it is missing or something else.</summary>
    public IEnumerable<JsonElement> Array(string name)
        => Property(Body, name) is { ValueKind: JsonValueKind.Array } array ? array.EnumerateArray() : [];

    /// <summary>The names of an object property's own properties; none when it is missing or something else.</summary>
    public IEnumerable<string> Names(string name)
        => Property(Body, name) is { ValueKind: JsonValueKind.Object } value ? value.EnumerateObject().Select(property => property.Name) : [];

    /// <summary>The property of an object, or "" when it is missing or no string.</summary>
    public static string StringOf(JsonElement element, string name)
        => Property(element, name) is { } property ? StringOf(property) : "";

    /// <summary>The string, or "" when the element is something else.</summary>
    public static string StringOf(JsonElement element)
    {
        if (element.ValueKind != JsonValueKind.String)
            return "";
        try
        {
            return element.GetString()!;
        }
        catch (InvalidOperationException)
        {
            // An escaped half of a surrogate pair (`\ud83d`): valid JSON, but no text.
            return "";
        }
    }

    private static JsonElement? Property(JsonElement element, string name)
        => element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var property) ? property : null;

    private static JsonElement? TryParse(string json)
    {
        try
        {
            var element = JsonElement.Parse(json);
            return element.ValueKind == JsonValueKind.Object ? element : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static string WithoutHalfPairs(string text) => Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text));
}
