using System.Text.RegularExpressions;
using Xunit;

namespace Streaming.Tests.Docs;

/// <summary>docs/architecture.md describes the code as it is.</summary>
public sealed partial class ArchitectureTests
{
    static readonly MarkdownFile Document = MarkdownFile.Read("docs/architecture.md");

    [Fact]
    public void The_way_of_one_token_goes_through_at_most_six_files()
    {
        var files = Document.Links.Where(link => link.Heading == "The way of one token").Select(link => link.Target).Distinct().ToList();

        Assert.InRange(files.Count, 1, 6);
        Assert.All(files, file => Assert.True(File.Exists(Repository.Path($"docs/{file}")), file));
    }

    [Fact]
    public void Each_room_uses_the_rooms_of_its_row_and_no_others()
    {
        var documented = Document.Rows.Where(row => row.Cells.ContainsKey("Uses"))
            .Select(row => $"{row.Code("Room")}: {string.Join(", ", Code().Matches(row.Cells["Uses"]).Select(match => match.Groups[1].Value).Order())}");
        var actual = Directory.EnumerateDirectories(Repository.Path("src/Streaming")).Select(Path.GetFileName)
            .Where(room => room is not "Configuration" && Directory.EnumerateFiles(Repository.Path($"src/Streaming/{room}"), "*.cs").Any())
            .Select(room => $"{room}: {string.Join(", ", UsedBy(room!))}");

        Assert.Equal(actual.Order(), documented.Order());
    }

    static IEnumerable<string> UsedBy(string room) => Directory
        .EnumerateFiles(Repository.Path($"src/Streaming/{room}"), "*.cs", SearchOption.AllDirectories)
        .SelectMany(file => Using().Matches(File.ReadAllText(file)))
        .Select(match => match.Groups[1].Value)
        .Where(used => used != room && used is not ("Protocol" or "Configuration"))
        .Distinct()
        .Order();

    [GeneratedRegex(@"^using Streaming\.(\w+)", RegexOptions.Multiline)]
    private static partial Regex Using();

    [GeneratedRegex("`(\\w+)`")]
    private static partial Regex Code();
}
