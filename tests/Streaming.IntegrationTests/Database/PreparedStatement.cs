using System.Text.RegularExpressions;
using Npgsql;
using Streaming.Database;

namespace Streaming.IntegrationTests.Database;

/// <summary>An embedded statement as PREPARE takes it: parameters by number, its header apart.</summary>
public sealed partial class PreparedStatement
{
    PreparedStatement(string name, string header, string text, IReadOnlyList<string> parameters) =>
        (Name, Header, Text, Parameters) = (name, header, text, parameters);

    public string Name { get; }

    /// <summary>The comment that the file begins with.</summary>
    public string Header { get; }

    public string Text { get; }

    /// <summary>Names as the file has them (<c>$1</c> or <c>@name</c>), in the order of their numbers.</summary>
    public IReadOnlyList<string> Parameters { get; }

    public static PreparedStatement Named(string name)
    {
        var lines = Sql.Named(name).Split('\n');
        var header = string.Join('\n', lines.TakeWhile(line => line.StartsWith("--", StringComparison.Ordinal)));
        var text = Comment().Replace(string.Join('\n', lines), "");
        var names = Named().Matches(text).Select(match => match.Value).Distinct().ToList();
        if (names.Count == 0)
            return new PreparedStatement(name, header, text, [.. Numbered().Matches(text).Select(match => match.Value).Distinct().Order(StringComparer.Ordinal)]);
        return new PreparedStatement(name, header, Named().Replace(text, match => $"${names.IndexOf(match.Value) + 1}"), names);
    }

    /// <summary>Prepares it under the name <c>statement</c>; PostgreSQL infers the parameters' types.</summary>
    public async Task PrepareAsync(NpgsqlConnection connection, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand($"prepare statement as {Text}", connection);
        await command.ExecuteNonQueryAsync(cancellation);
    }

    [GeneratedRegex("--.*$", RegexOptions.Multiline)]
    private static partial Regex Comment();

    [GeneratedRegex(@"(?<![@\w])@\w+")]
    private static partial Regex Named();

    [GeneratedRegex(@"\$\d+")]
    private static partial Regex Numbered();
}
