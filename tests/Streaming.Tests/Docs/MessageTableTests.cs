using System.Reflection;
using System.Text.Json;
using System.Text.Json.Serialization;
using Streaming.Protocol;
using Xunit;

namespace Streaming.Tests.Docs;

/// <summary>docs/protocol.md describes every message and state with all of its fields, and its examples hold no others.</summary>
public sealed class MessageTableTests
{
    static readonly MarkdownFile Document = MarkdownFile.Read("docs/protocol.md");
    static readonly string[] Envelope = ["type", "index", "first", "sessionId", "timestamp"];

    static readonly Dictionary<string, string[]> FieldsByType = typeof(Message).Assembly.GetTypes()
        .Where(type => type is { IsAbstract: false } && type.BaseType == typeof(Message) && type != typeof(ResultMessage))
        .ToDictionary(
            type => (string)typeof(MessageTypes).GetField(type.Name[..^"Message".Length])!.GetRawConstantValue()!,
            type => Fields(type, nameof(Message.Type)));

    [Fact]
    public void Every_type_of_message_has_a_section()
    {
        var types = typeof(MessageTypes).GetFields().Select(field => (string)field.GetRawConstantValue()!);
        var sections = Document.Headings.Where(heading => heading.StartsWith('`')).Select(heading => heading.Trim('`'));

        Assert.Equal(types.Order(), sections.Order());
    }

    [Fact]
    public void A_message_is_described_with_all_of_its_fields()
    {
        Assert.All(FieldsByType, message => Assert.Equal(
            message.Value, Document.Rows.Where(row => row.Heading == $"`{message.Key}`").Select(row => row.Code("Field"))));
    }

    [Fact]
    public void An_example_of_a_message_has_only_fields_that_are_described()
    {
        var examples = Document.Blocks.Where(block => block.Language == "json" && block.Text.Contains("\"timestamp\"", StringComparison.Ordinal))
            .Select(block => JsonSerializer.Deserialize<JsonElement>(block.Text)).Where(json => json.TryGetProperty("type", out _)).ToList();

        Assert.True(examples.Count >= FieldsByType.Count);
        Assert.All(examples, example =>
        {
            var type = example.GetProperty("type").GetString()!;
            var known = Envelope.Concat(FieldsByType.GetValueOrDefault(type, ["ideas"])).Concat(type == "status" ? ["reset", "reconnect"] : []).ToHashSet();
            Assert.All(example.EnumerateObject(), field => Assert.Contains(field.Name, known));
        });
    }

    [Fact]
    public void A_state_is_described_with_all_of_its_fields()
    {
        var described = Document.Rows.Where(row => row.Heading == "The state of a session").SelectMany(row => row.Cells["Field"].Split(", "))
            .Select(field => field.Trim('`')).ToHashSet();
        var fields = ((Type[])[typeof(SessionState), typeof(IdeationState), typeof(OutlineState), typeof(LogoState), typeof(UploadState), typeof(AnalysisState), typeof(StreamingData)]).SelectMany(type => Fields(type));

        Assert.Equal(fields.Distinct().Order(), described.Order());
    }

    [Fact]
    public void A_state_of_a_file_is_described_with_all_of_its_fields() => Assert.Equal(
        Fields(typeof(FileState)), Document.Rows.Where(row => row.Heading == "The state of a file").Select(row => row.Code("Field")));

    static string[] Fields(Type type, params string[] except) =>
    [
        .. type.GetProperties(BindingFlags.Public | BindingFlags.Instance | BindingFlags.DeclaredOnly)
            .Where(property => !except.Contains(property.Name) && property.GetCustomAttribute<JsonIgnoreAttribute>() is null && property.Name != "EqualityContract")
            .Select(property => JsonNamingPolicy.CamelCase.ConvertName(property.Name)),
    ];
}
