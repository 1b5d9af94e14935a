using System.Collections;
using System.Globalization;
using System.Reflection;
using System.Text.RegularExpressions;
using Streaming.Models;
using Xunit;

namespace Streaming.Tests.Docs;

/// <summary>The tables of docs/configuration.md list every option with the default it has.</summary>
public sealed partial class ConfigurationTests
{
    static readonly MarkdownFile Document = MarkdownFile.Read("docs/configuration.md");

    [Fact]
    public void The_tables_list_exactly_the_options_with_their_defaults()
    {
        var documented = Document.Rows.Where(row => row.Cells.ContainsKey("Option")).Select(row => $"{row.Code("Option")} = {row.Code("Default")}");

        Assert.Equal(Options().Order(StringComparer.Ordinal), documented.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void An_option_that_another_one_interacts_with_exists()
    {
        var known = Options().Select(option => option.Split(' ')[0]).ToHashSet();
        var mentioned = Repository.Documents().SelectMany(name => Key().Matches(Repository.Read(name))).Select(match => match.Groups[1].Value);

        Assert.All(mentioned, option => Assert.Contains(option, known));
    }

    [Fact]
    public void The_address_is_the_one_that_the_service_listens_on_by_default()
    {
        var registration = Repository.Read("src/Streaming/Configuration/ServiceRegistration.cs");
        var address = Document.Rows.Single(row => row.Cells.ContainsKey("Setting") && row.Code("Setting") == "urls").Code("Default");

        Assert.Contains($"UrlDefault = \"{address}\"", registration, StringComparison.Ordinal);
        Assert.Contains(address, Repository.Read("README.md"), StringComparison.Ordinal);
    }

    /// <summary>As <c>Section:Name = default</c>.</summary>
    static IEnumerable<string> Options()
    {
        var sections = Bind().Matches(Repository.Read("src/Streaming/Configuration/ServiceRegistration.cs"))
            .ToDictionary(match => match.Groups[1].Value, match => match.Groups[2].Value);
        var types = typeof(Program).Assembly.GetTypes()
            .Where(type => type.Namespace == "Streaming.Configuration" && type.Name.EndsWith("Options", StringComparison.Ordinal)).ToList();
        // A class that nobody binds has no section, and is found by this.
        Assert.Equal(types.Select(type => type.Name).Order(), sections.Keys.Order());
        return types.SelectMany(type => Options(sections[type.Name], Activator.CreateInstance(type)!))
            .Concat(Options(ModelOptions.Section, new ModelOptions()));
    }

    static IEnumerable<string> Options(string section, object options) => options.GetType()
        .GetProperties(BindingFlags.Public | BindingFlags.Instance)
        .Where(property => property.SetMethod is { IsPublic: true } || property.PropertyType.IsAssignableTo(typeof(IEnumerable)))
        .SelectMany(property => property.GetValue(options) is { } value && value.GetType().Namespace == "Streaming.Models"
            ? Options($"{section}:{property.Name}", value)
            : [$"{section}:{property.Name} = {Default(property.GetValue(options))}"]);

    static string Default(object? value) => value switch
    {
        null or ICollection { Count: 0 } => "none",
        IFormattable formattable => formattable.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString()!,
    };

    [GeneratedRegex(@"Bind<(\w+)>\(""(\w+)""\)")]
    private static partial Regex Bind();

    [GeneratedRegex("`((?:Streaming|Database|Messages|Subscriptions|Transforms|Retention|Limits|Files|Logos|Uploads|Images|Analyses|Telemetry|Status|Documents|Auth|WebSockets|Models):[A-Za-z:]*[A-Za-z])`")]
    private static partial Regex Key();
}
