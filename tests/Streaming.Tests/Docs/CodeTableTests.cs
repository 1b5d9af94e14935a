using System.Reflection;
using System.Text.RegularExpressions;
using Streaming.Database.Embedded;
using Streaming.Http;
using Streaming.Models;
using Streaming.WebSockets;
using Xunit;

namespace Streaming.Tests.Docs;

/// <summary>The tables of codes are those of the code.</summary>
public sealed partial class CodeTableTests
{
    static readonly MarkdownFile Protocol = MarkdownFile.Read("docs/protocol.md");

    [Fact]
    public void The_problems_are_those_of_the_one_table()
    {
        var documented = Rows(Protocol, "Problems").Select(row => $"{row.Code("Code")} {row.Cells["Status"]}");

        Assert.Equal(Problems.Table.Select(kind => $"{kind.Code} {kind.Status}"), documented);
    }

    [Fact]
    public void The_codes_of_messages_are_those_of_the_providers_faults_and_of_the_service_itself()
    {
        var documented = Rows(Protocol, "Codes of messages")
            .Select(row => $"{row.Code("Code")} {row.Code("Category")} {row.Cells["Recoverable"]}").ToList();
        var ofProviders = ModelFaultKind.All.Select(kind => $"{kind.Code} {kind.Category} {(kind.Recoverable ? "yes" : "no")}").ToList();

        Assert.Equal(ofProviders, documented.Take(ofProviders.Count));
        Assert.Equal(CodesInSource().Order(), documented.Skip(ofProviders.Count).Select(row => row[..row.LastIndexOf(' ')]).Order());
    }

    [Fact]
    public void The_errors_of_a_WebSocket_are_those_of_the_code()
    {
        var constants = typeof(ErrorCodes).GetFields(BindingFlags.Public | BindingFlags.Static).Select(field => (string)field.GetRawConstantValue()!);

        Assert.Equal(constants, Rows(Protocol, "Errors of a WebSocket").Select(row => row.Code("Code")));
    }

    [Fact]
    public void The_reasons_of_a_close_are_those_of_the_code()
    {
        var documented = Rows(Protocol, "Closing").Select(row => $"{row.Cells["Status"]} {row.Code("Code")}");

        Assert.Equal(CloseReason.Table.OrderBy(reason => reason.Status).Select(reason => $"{reason.Status} {reason.Code}"), documented);
        // A reason has 123 bytes at most: RFC 6455, 5.5.
        Assert.All(CloseReason.Table, reason => Assert.InRange(reason.Code.Length, 1, 123));
    }

    [Fact]
    public void The_codes_of_the_embedded_database_are_its_constants()
    {
        var documented = Rows(MarkdownFile.Read("docs/operations.md"), "It does not start").Select(row => row.Code("Code"));
        var constants = typeof(EmbeddedPostgresException).GetFields(BindingFlags.Public | BindingFlags.Static).Select(field => (string)field.GetRawConstantValue()!);

        Assert.Equal(constants, documented);
    }

    static IEnumerable<TableRow> Rows(MarkdownFile document, string heading) => document.Rows.Where(row => row.Heading == heading);

    /// <summary>Code and category of every error and warning that the service itself makes.</summary>
    static IEnumerable<string> CodesInSource() => Directory
        .EnumerateFiles(Repository.Path("src/Streaming"), "*.cs", SearchOption.AllDirectories)
        .SelectMany(file => Made().Matches(File.ReadAllText(file)))
        .Select(match => $"{match.Groups[1].Value} {match.Groups[2].Value}")
        .Distinct();

    [GeneratedRegex(@"(?:new ErrorMessage|new TransformFault|WarningAsync)\(\s*""(\w+)"", ""(\w+)""")]
    private static partial Regex Made();
}
