using System.Reflection;
using System.Text.RegularExpressions;
using Streaming.Protocol;
using Xunit;

namespace Streaming.Tests.Docs;

/// <summary>
/// What README.md says can be had without a database. Its curl and SQL blocks are run by the integration tests; its two
/// commands by whoever tries the project as a newcomer does; its EventSource by a browser test.
/// </summary>
public sealed partial class ReadmeTests
{
    static readonly MarkdownFile Readme = MarkdownFile.Read("README.md");

    [Fact]
    public void The_two_commands_are_the_only_blocks_that_start_anything()
    {
        Assert.Equal(
            ["dotnet run --project src/Streaming\n", "dotnet test\n"],
            Readme.Blocks.Where(block => block is { Language: "sh", Test: null }).Select(block => block.Text));
        Assert.True(File.Exists(Repository.Path("src/Streaming/Streaming.csproj")));
        // Either would override the address that README.md names.
        Assert.False(File.Exists(Repository.Path("src/Streaming/Properties/launchSettings.json")));
    }

    [Fact]
    public void The_browser_example_uses_fields_that_exist()
    {
        var script = Assert.Single(Readme.Blocks, block => block.Test == "eventsource").Text;

        Assert.Contains("fetch(\"/api/ideations\"", script, StringComparison.Ordinal);
        Assert.All(Names(script, "state"), field => Assert.Contains(field, FieldsOf(typeof(SessionState))));
        var messages = typeof(Message).Assembly.GetTypes().Where(type => type.BaseType == typeof(Message)).SelectMany(FieldsOf).ToHashSet();
        Assert.All(Names(script, "message"), field => Assert.Contains(field, messages));
        var types = typeof(MessageTypes).GetFields().Select(field => (string)field.GetRawConstantValue()!).ToHashSet();
        Assert.All(Type().Matches(script), match => Assert.Contains(match.Groups[1].Value, types));
    }

    static IEnumerable<string> Names(string script, string variable) => Regex.Matches(script, $@"\b{variable}\.(\w+)").Select(match => match.Groups[1].Value);

    static IEnumerable<string> FieldsOf(Type type) => type.GetProperties(BindingFlags.Public | BindingFlags.Instance)
        .Select(property => char.ToLowerInvariant(property.Name[0]) + property.Name[1..]);

    [GeneratedRegex(@"message\.type === ""(\w+)""")]
    private static partial Regex Type();
}
