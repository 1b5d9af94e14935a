using System.ComponentModel.DataAnnotations;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Schema;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Streaming.Protocol;
using Streaming.Sse;

namespace Streaming.Tests.Protocol;

/// <summary>
/// Makes the JSON Schema (draft 2020-12) of all that is data on a stream from the records of Streaming.Protocol: a definition for each
/// of them, with the envelope that <see cref="FrameWriter"/> puts around it.
/// </summary>
/// <remarks>Unknown fields are allowed everywhere, because they are to be passed over. What is null is left out when it is written, unless a record says otherwise, so it is not required.</remarks>
sealed class MessageSchema
{
    const string Draft = "https://json-schema.org/draft/2020-12/schema";
    const string Id = "/schemas/messages.json";
    const string Definitions = "#/$defs/";

    /// <summary>As it is written, with what can be seen by reflection alone: attributes and nullability.</summary>
    static readonly JsonSerializerOptions Wire = new(ProtocolJson.Wire.Options) { TypeInfoResolver = new DefaultJsonTypeInfoResolver() };

    readonly Dictionary<string, JsonObject> _parts = [];

    /// <summary>The types of messages, in the order of <see cref="MessageTypes"/>.</summary>
    static IReadOnlyList<string> Types { get; } = [.. typeof(MessageTypes).GetFields().Select(field => (string)field.GetRawConstantValue()!)];

    public static JsonObject Make() => new MessageSchema().MakeDocument();

    JsonObject MakeDocument()
    {
        var messages = typeof(Message).Assembly.GetTypes().Where(type => type is { IsAbstract: false } && type.IsAssignableTo(typeof(Message)))
            .OrderBy(type => Types.ToList().IndexOf(TypeOf(type))).ThenBy(type => type.IsAssignableTo(typeof(ConnectionMessage))).ThenBy(type => type.Name, StringComparer.Ordinal)
            .ToDictionary(type => type.Name, MakeMessage);
        messages.Add("OtherMessage", MakeOther());
        return new JsonObject
        {
            ["$schema"] = Draft,
            ["$id"] = Id,
            ["title"] = "Message",
            ["description"] = "The data of one event of a stream. A relay's messages are as somebody has written them: those of a type that is here should fit it.",
            ["oneOf"] = new JsonArray([.. messages.Keys.Select(Reference)]),
            ["$defs"] = new JsonObject([
                .. messages.Concat(_parts.OrderBy(part => part.Key, StringComparer.Ordinal)).Select(entry => KeyValuePair.Create(entry.Key, (JsonNode?)entry.Value))]),
        };
    }

    JsonObject MakeMessage(Type record)
    {
        var own = Export(record);
        var isStored = !record.IsAssignableTo(typeof(ConnectionMessage));
        return MakeObject(own["description"]!.GetValue<string>(), new JsonObject { ["const"] = TypeOf(record) }, isStored, own);
    }

    static JsonObject MakeOther() => MakeObject(
        "A message of a type that this schema does not know: to be passed over.",
        new JsonObject { ["type"] = "string", ["not"] = new JsonObject { ["enum"] = new JsonArray([.. Types.Select(type => (JsonNode)type)]) } },
        isStored: true, own: null);

    /// <summary>Envelope first, then the record's own fields.</summary>
    static JsonObject MakeObject(string description, JsonObject type, bool isStored, JsonObject? own)
    {
        var properties = new JsonObject { ["type"] = type };
        List<string> required = ["type"];
        if (isStored)
        {
            properties.Add("index", WholeNumber("Its place in the stream of its transform."));
            properties.Add("first", WholeNumber("In a frame that stands for several messages: index of the first."));
            properties.Add("sessionId", new JsonObject { ["type"] = "string", ["format"] = "uuid", ["description"] = "The session." });
            required.AddRange(["index", "sessionId"]);
        }
        else
        {
            properties.Add("index", false);
        }

        properties.Add("timestamp", WholeNumber("When, in Unix milliseconds."));
        required.Add("timestamp");
        foreach (var (name, schema) in own?["properties"]?.AsObject().ToList() ?? [])
            properties.Add(name, schema!.DeepClone());
        required.AddRange((own?["required"]?.AsArray() ?? []).Select(name => name!.GetValue<string>()));
        return new JsonObject
        {
            ["description"] = description,
            ["type"] = "object",
            ["properties"] = properties,
            ["required"] = new JsonArray([.. required.Select(name => (JsonNode)name)]),
        };

        static JsonObject WholeNumber(string description) => new() { ["type"] = "integer", ["minimum"] = 0, ["description"] = description };
    }

    JsonObject Export(Type record) => Wire.GetJsonSchemaAsNode(record, new JsonSchemaExporterOptions
    {
        TreatNullObliviousAsNonNullable = true,
        TransformSchemaNode = (context, schema) => Complete(context, schema, record),
    }).AsObject();

    /// <summary>Adds what the exporter does not see, and refers to other records in place of repeating them.</summary>
    JsonObject Complete(JsonSchemaExporterContext context, JsonNode schema, Type record)
    {
        var type = context.TypeInfo.Type;
        if (type != record && type.Assembly == record.Assembly)
        {
            if (!_parts.ContainsKey(type.Name))
                _parts[type.Name] = Export(type);
            schema = Reference(type.Name);
        }

        if (schema is not JsonObject json)
            json = [];
        if (json["type"] is JsonArray types && (context.PropertyInfo is null || !IsWrittenAsNull(context.PropertyInfo)))
            json["type"] = types.Single(name => name!.GetValue<string>() != "null")!.DeepClone();
        json.Remove("default");
        if (context.PropertyInfo is { } property)
            Describe(json, property);
        else if (type == record)
        {
            json["description"] = RecordDocs.Of(record);
            // Of a dictionary of further fields: they are allowed as it is.
            json.Remove("additionalProperties");
            json["required"] = new JsonArray([.. context.TypeInfo.Properties.Where(IsRequired).Select(required => (JsonNode)required.Name)]);
        }

        return json;
    }

    static void Describe(JsonObject schema, JsonPropertyInfo property)
    {
        var member = (PropertyInfo)property.AttributeProvider!;
        if (member.GetCustomAttribute<AllowedValuesAttribute>() is { Values: var values })
            if (values is [var only])
                schema["const"] = JsonSerializer.SerializeToNode(only);
            else
                schema["enum"] = new JsonArray([.. values.Select(value => JsonSerializer.SerializeToNode(value))]);
        if (member.GetCustomAttribute<RangeAttribute>() is { } range)
        {
            schema["minimum"] = Convert.ToInt32(range.Minimum, null);
            if (Convert.ToDouble(range.Maximum, null) < int.MaxValue)
                schema["maximum"] = Convert.ToInt32(range.Maximum, null);
        }

        if (RecordDocs.Of(member) is { } description)
            schema["description"] = description;
    }

    static bool IsRequired(JsonPropertyInfo property) =>
        !property.IsExtensionData && property.Get is not null && (!property.IsGetNullable || IsWrittenAsNull(property));

    static bool IsWrittenAsNull(JsonPropertyInfo property) =>
        property.AttributeProvider!.GetCustomAttributes(typeof(JsonIgnoreAttribute), false) is [JsonIgnoreAttribute { Condition: JsonIgnoreCondition.Never }];

    static JsonObject Reference(string name) => new() { ["$ref"] = Definitions + name };

    /// <summary>What a message of this record says as its <c>type</c>.</summary>
    static string TypeOf(Type record)
    {
        var constructor = record.GetConstructors()[0];
        return ((Message)constructor.Invoke(new object?[constructor.GetParameters().Length])).Type;
    }
}
