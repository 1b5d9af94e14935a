using System.Text;
using System.Text.Json.Nodes;

namespace Streaming.Tests.Protocol;

/// <summary>Makes TypeScript types of <see cref="MessageSchema"/>: one for each definition, and a union of all messages.</summary>
static class MessageTypeScript
{
    const string Head = """
        // The messages of a stream, made from the records of src/Streaming.Protocol. Do not edit: run the tests with UPDATE_SNAPSHOTS=1.
        // Each may have more fields than are here; pass those over, and messages of other types.

        """;

    public static string Make(JsonObject schema)
    {
        var text = new StringBuilder(Head);
        foreach (var (name, definition) in schema["$defs"]!.AsObject())
            AddObject(text, name, definition!.AsObject());
        // A type with any text as its `type` would keep the compiler from telling the others apart.
        var messages = schema["oneOf"]!.AsArray().Select(message => NameOf(message!)).Where(name => name != "OtherMessage");
        text.Append("\n/** A message of a type that is known. `OtherMessage` is one that is not. */\n");
        text.Append("export type Message =\n").AppendJoin('\n', messages.Select(name => $"  | {name}")).Append(";\n");
        return text.ToString();
    }

    static void AddObject(StringBuilder text, string name, JsonObject definition)
    {
        var required = definition["required"]!.AsArray().Select(field => field!.GetValue<string>()).ToHashSet();
        text.Append('\n').Append(Comment(definition, "")).Append($"export type {name} = {{\n");
        foreach (var (field, schema) in definition["properties"]!.AsObject())
            text.Append(Comment(schema!, "  ")).Append($"  {field}{(required.Contains(field) ? "" : "?")}: {TypeOf(schema!)};\n");
        text.Append("};\n");
    }

    static string Comment(JsonNode schema, string indent) =>
        schema is JsonObject && schema["description"] is { } description ? $"{indent}/** {description.GetValue<string>().Replace("*/", "* /", StringComparison.Ordinal)} */\n" : "";

    static string TypeOf(JsonNode schema) => schema switch
    {
        JsonValue value => value.GetValue<bool>() ? "any" : "never",
        JsonObject json when json["$ref"] is not null => NameOf(json),
        JsonObject json when json["const"] is { } value => value.ToJsonString(),
        JsonObject json when json["enum"] is JsonArray values => string.Join(" | ", values.Select(value => value!.ToJsonString())),
        JsonObject json when json["type"] is JsonArray types => string.Join(" | ", types.Select(type => Simple(json, type!.GetValue<string>()))),
        JsonObject json => Simple(json, json["type"]?.GetValue<string>()),
        _ => throw new ArgumentException(schema.ToJsonString()),
    };

    static string Simple(JsonObject schema, string? type) => type switch
    {
        "integer" or "number" => "number",
        "array" => $"{(schema["items"] is { } items ? TypeOf(items) : "any")}[]",
        // Any JSON.
        null => "any",
        _ => type,
    };

    static string NameOf(JsonNode reference) => reference["$ref"]!.GetValue<string>().Split('/')[^1];
}
