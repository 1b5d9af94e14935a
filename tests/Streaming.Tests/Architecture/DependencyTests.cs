using System.Reflection;
using System.Text.RegularExpressions;
using Xunit;

namespace Streaming.Tests.Architecture;

/// <summary>Arrows run one way: Http, then the features, then Messages, Notifications, Database, Sse.</summary>
public sealed partial class DependencyTests
{
    /// <summary>Each room and the rooms it may use.</summary>
    static readonly Dictionary<string, string[]> Rooms = new()
    {
        ["Sse"] = [],
        ["Telemetry"] = ["Configuration"],
        ["Programs"] = [],
        ["Images"] = ["Programs", "Configuration"],
        ["Database"] = ["Configuration"],
        ["Notifications"] = ["Database", "Configuration"],
        ["Messages"] = ["Database", "Telemetry", "Configuration", "Sse"],
        ["Models"] = ["Images", "Telemetry", "Configuration"],
        ["Estimation"] = ["Database"],
        ["Subscriptions"] = ["Messages", "Notifications", "Database", "Sse", "Telemetry", "Configuration"],
        ["Sessions"] = ["Subscriptions", "Messages", "Notifications", "Database", "Sse", "Models", "Telemetry", "Configuration"],
        ["WebSockets"] = ["Sessions", "Subscriptions", "Notifications", "Database", "Sse", "Telemetry", "Configuration"],
        ["Transforms"] = ["Estimation", "Sessions", "Messages", "Notifications", "Database", "Models", "Telemetry", "Configuration"],
        ["Pipelines"] = ["Transforms", "Estimation", "Sessions", "Messages", "Models", "Files", "Images", "Programs", "Configuration"],
        ["Imports"] = ["Messages", "Database", "Sse"],
        ["Files"] = ["Sessions", "Database", "Configuration"],
        ["Status"] = ["Pipelines", "Transforms", "Files", "Images", "Sessions", "Subscriptions", "Messages", "Notifications", "Models", "Database", "Telemetry", "Configuration"],
        ["Http"] = ["Status", "Pipelines", "Transforms", "Files", "Images", "WebSockets", "Sessions", "Subscriptions", "Messages", "Notifications", "Database", "Sse", "Telemetry", "Configuration"],
    };

    [GeneratedRegex(@"^using (?:\w+ = )?Streaming\.(\w+)", RegexOptions.Multiline)]
    private static partial Regex UsingPattern();

    [Fact]
    public void Rooms_use_only_the_rooms_below_them()
    {
        var source = Path.Combine(RepositoryRoot(), "src", "Streaming");
        foreach (var (room, allowed) in Rooms)
            foreach (var file in Directory.EnumerateFiles(Path.Combine(source, room), "*.cs", SearchOption.AllDirectories))
                foreach (Match match in UsingPattern().Matches(File.ReadAllText(file)))
                    Assert.True(
                        match.Groups[1].Value is var used && (used == room || used == "Protocol" || allowed.Contains(used)),
                        $"{Path.GetRelativePath(source, file)} uses {match.Groups[1].Value}");
    }

    [Fact]
    public void Every_room_is_in_the_list()
    {
        var folders = Directory.GetDirectories(Path.Combine(RepositoryRoot(), "src", "Streaming")).Select(Path.GetFileName)
            .Where(name => name is not ("wwwroot" or "Configuration" or "bin" or "obj" or "Properties"));
        Assert.Equal(Rooms.Keys.Order(), folders.Order());
    }

    static string RepositoryRoot()
    {
        var folder = new DirectoryInfo(Path.GetDirectoryName(Assembly.GetExecutingAssembly().Location)!);
        while (!File.Exists(Path.Combine(folder.FullName, "Streaming.sln")))
            folder = folder.Parent ?? throw new InvalidOperationException("Streaming.sln is in no folder above the tests.");
        return folder.FullName;
    }
}
