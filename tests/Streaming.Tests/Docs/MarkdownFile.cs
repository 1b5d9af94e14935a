using System.Text;
using System.Text.RegularExpressions;

namespace Streaming.Tests.Docs;

/// <summary>A fenced block: its language, its text, and the name that <c>&lt;!-- test: name --&gt;</c> before it gives.</summary>
public sealed record CodeBlock(string Language, string Text, string? Test);

/// <summary>A row of a table below a heading, with its cells by the names of their columns.</summary>
public sealed record TableRow(string Heading, IReadOnlyDictionary<string, string> Cells)
{
    /// <summary>The cell without the backticks around it.</summary>
    public string Code(string column) => Cells[column].Trim('`');
}

/// <summary>A link, as it is written.</summary>
public sealed record MarkdownLink(string Heading, string Text, string Target);

/// <summary>As much of Markdown as the documents here use.</summary>
public sealed partial class MarkdownFile
{
    readonly List<CodeBlock> _blocks = [];
    readonly List<TableRow> _rows = [];
    readonly List<MarkdownLink> _links = [];
    readonly List<string> _headings = [];

    MarkdownFile(string name) => Name = name;

    public string Name { get; }
    public IReadOnlyList<CodeBlock> Blocks => _blocks;
    public IReadOnlyList<TableRow> Rows => _rows;
    public IReadOnlyList<MarkdownLink> Links => _links;
    public IReadOnlyList<string> Headings => _headings;

    /// <summary>Names that <c>#…</c> can point to, as GitHub makes them of the headings.</summary>
    public IEnumerable<string> Anchors => _headings
        .Select(heading => NoAnchor().Replace(heading.ToLowerInvariant(), "").Replace(' ', '-'))
        .GroupBy(anchor => anchor)
        .SelectMany(group => group.Select((anchor, i) => i == 0 ? anchor : $"{anchor}-{i}"));

    /// <param name="name">From the root of the repository, with slashes.</param>
    public static MarkdownFile Read(string name)
    {
        var file = new MarkdownFile(name);
        file.Read(Repository.Read(name).Split('\n'));
        return file;
    }

    void Read(string[] lines)
    {
        string? test = null;
        string[]? columns = null;
        for (var i = 0; i < lines.Length; i++)
        {
            var line = lines[i];
            if (line.StartsWith("```", StringComparison.Ordinal))
            {
                var text = new StringBuilder();
                for (i++; !lines[i].StartsWith("```", StringComparison.Ordinal); i++)
                    text.Append(lines[i]).Append('\n');
                _blocks.Add(new CodeBlock(line[3..].Trim(), text.ToString(), test));
                (test, columns) = (null, null);
                continue;
            }

            if (TestMark().Match(line) is { Success: true } mark)
                test = mark.Groups[1].Value;
            if (line.StartsWith('#'))
                _headings.Add(line.TrimStart('#').Trim());
            var heading = _headings.LastOrDefault() ?? "";
            foreach (Match link in Link().Matches(line))
                _links.Add(new MarkdownLink(heading, link.Groups[1].Value, link.Groups[2].Value));
            columns = ReadRow(line, heading, columns);
        }
    }

    string[]? ReadRow(string line, string heading, string[]? columns)
    {
        if (!line.StartsWith('|'))
            return null;
        var cells = CellEnd().Split(line.Trim().Trim('|')).Select(cell => cell.Trim().Replace("\\|", "|", StringComparison.Ordinal)).ToArray();
        if (columns is null)
            return cells;
        if (!cells.All(cell => cell.Trim('-', ':').Length == 0))
            _rows.Add(new TableRow(heading, columns.Zip(cells).ToDictionary(pair => pair.First, pair => pair.Second)));
        return columns;
    }

    [GeneratedRegex(@"<!-- test: ([\w-]+) -->")]
    private static partial Regex TestMark();

    [GeneratedRegex(@"\[([^\]]+)\]\(([^)\s]+)\)")]
    private static partial Regex Link();

    [GeneratedRegex(@"(?<!\\)\|")]
    private static partial Regex CellEnd();

    [GeneratedRegex(@"[^\p{L}\p{N}_\- ]")]
    private static partial Regex NoAnchor();
}
