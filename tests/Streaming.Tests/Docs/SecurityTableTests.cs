using System.Text.RegularExpressions;
using Xunit;

namespace Streaming.Tests.Docs;

/// <summary>Each attack of docs/security.md is a test, by that name.</summary>
public sealed partial class SecurityTableTests
{
    [Fact]
    public void Each_attack_names_a_test_that_exists()
    {
        var tests = Directory.EnumerateFiles(Repository.Path("tests"), "*.cs", SearchOption.AllDirectories)
            .SelectMany(file => Test().Matches(File.ReadAllText(file))).Select(match => match.Groups[1].Value).ToHashSet();
        var named = MarkdownFile.Read("docs/security.md").Rows.Where(row => row.Cells.ContainsKey("Tried")).Select(row => row.Code("Test")).ToList();

        Assert.NotEmpty(named);
        Assert.All(named, name => Assert.Contains(name, tests));
    }

    [GeneratedRegex(@"public (?:async Task|void) (\w+)\(")]
    private static partial Regex Test();
}
