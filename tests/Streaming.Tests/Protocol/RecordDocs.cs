using System.Reflection;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using Streaming.Protocol;

namespace Streaming.Tests.Protocol;

/// <summary>The documentation of Streaming.Protocol, as the compiler wrote it beside the assembly.</summary>
static partial class RecordDocs
{
    static readonly Dictionary<string, XElement> Members = XDocument.Load(Path.ChangeExtension(typeof(Message).Assembly.Location, ".xml"))
        .Descendants("member").ToDictionary(member => member.Attribute("name")!.Value);

    public static string? Of(Type record) => Text(Members.GetValueOrDefault($"T:{record.FullName}")?.Element("summary"));

    public static string? Of(PropertyInfo property) =>
        Text(Members.GetValueOrDefault($"P:{property.DeclaringType!.FullName}.{property.Name}")?.Element("summary"))
        ?? Text(Members.GetValueOrDefault($"T:{property.DeclaringType.FullName}")?.Elements("param").FirstOrDefault(parameter => parameter.Attribute("name")!.Value == property.Name));

    static string? Text(XElement? element) => element is null ? null : Blank().Replace(string.Concat(element.Nodes().Select(Text)), " ").Trim();

    static string Text(XNode node) => node switch
    {
        XElement { Name.LocalName: "c" } code => $"`{code.Value}`",
        XElement { Name.LocalName: "see" } reference when reference.Attribute("cref")!.Value.Split('.')[^1] is var name =>
            reference.Attribute("cref")!.Value.StartsWith('P') ? $"`{char.ToLowerInvariant(name[0])}{name[1..]}`" : name,
        XText text => text.Value,
        _ => "",
    };

    [GeneratedRegex(@"\s+")]
    private static partial Regex Blank();
}
