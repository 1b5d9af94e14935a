using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Streaming.Protocol;
using Streaming.Tests.Docs;
using Xunit;

namespace Streaming.Tests.Protocol;

/// <summary>What is published of the messages is what the records say: the schema that the service serves, and the types of the browser client.</summary>
public sealed class PublishedSchemaTests
{
    const string SchemaFile = "src/Streaming/wwwroot/schemas/messages.json";
    const string TypesFile = "src/web-client/lib/protocol.d.ts";

    static readonly JsonSerializerOptions Layout = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, NewLine = "\n" };

    [Fact]
    public void Schema_that_is_served_is_made_from_the_records() => AssertSnapshot(SchemaFile, MessageSchema.Make().ToJsonString(Layout) + "\n");

    [Fact]
    public void Types_of_the_browser_client_are_made_from_the_records() => AssertSnapshot(TypesFile, MessageTypeScript.Make(MessageSchema.Make()));

    [Fact]
    public void Every_type_has_a_definition_with_a_description_and_so_has_every_part()
    {
        var definitions = MessageSchema.Make()["$defs"]!.AsObject().Select(definition => definition.Value!).ToList();
        var types = definitions.Select(definition => definition["properties"]!["type"]?["const"]?.GetValue<string>()).OfType<string>();
        Assert.Equal(typeof(MessageTypes).GetFields().Select(field => (string)field.GetRawConstantValue()!).Order(), types.Distinct().Order());
        Assert.All(definitions, definition => Assert.NotEmpty(definition["description"]!.GetValue<string>()));
    }

    [Fact]
    public void What_a_record_may_leave_out_is_not_required_and_the_rest_is()
    {
        var definitions = MessageSchema.Make()["$defs"]!;
        Assert.Equal(["type", "index", "sessionId", "timestamp", "text"], Required("ChunkMessage"));
        Assert.Equal(["type", "index", "sessionId", "timestamp", "code", "category", "message", "recoverable"], Required("ErrorMessage"));
        Assert.Equal(["at", "elapsedMs"], Required("TimeEstimate"));
        Assert.Equal(["type", "timestamp"], Required("HeartbeatMessage"));
        Assert.Equal("""{"type":"integer","minimum":1}""", Without(definitions["StatusMessage"]!["properties"]!["attempt"]!, "description"));
        Assert.Equal("""{"type":"number","minimum":0,"maximum":100}""", Without(definitions["ProgressMessage"]!["properties"]!["progress"]!, "description"));

        IEnumerable<string> Required(string name) => definitions[name]!["required"]!.AsArray().Select(field => field!.GetValue<string>());

        static string Without(JsonNode schema, string name)
        {
            var copy = schema.DeepClone().AsObject();
            copy.Remove(name);
            return copy.ToJsonString();
        }
    }

    static void AssertSnapshot(string file, string made)
    {
        if (Environment.GetEnvironmentVariable("UPDATE_SNAPSHOTS") == "1")
            File.WriteAllText(Repository.Path(file), made);

        Assert.Equal(Repository.Read(file), made);
    }
}
