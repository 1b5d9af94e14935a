using System.Collections.Concurrent;
using System.Reflection;

namespace Streaming.Database;

/// <summary>The statements of <c>db/queries</c>, one a file, embedded in the assembly.</summary>
public static class Sql
{
    static readonly ConcurrentDictionary<string, string> Statements = new();

    /// <summary>Text of <c>db/queries/{name}.sql</c>.</summary>
    /// <param name="name">Folder and file without ending, such as <c>messages/append_messages</c>.</param>
    /// <exception cref="InvalidOperationException">No such file was embedded: a mistake in the program.</exception>
    public static string Named(string name) => Statements.GetOrAdd(name, static key => Read($"queries/{key}.sql"));

    /// <summary>Names of all embedded statements.</summary>
    public static IEnumerable<string> Names() => Resources("queries/").Select(path => path["queries/".Length..^".sql".Length]);

    internal static IEnumerable<string> Resources(string prefix) => Assembly.GetExecutingAssembly()
        .GetManifestResourceNames()
        .Select(name => name.Replace('\\', '/'))
        .Where(name => name.StartsWith(prefix, StringComparison.Ordinal))
        .Order(StringComparer.Ordinal);

    internal static string Read(string resource)
    {
        var assembly = Assembly.GetExecutingAssembly();
        using var stream = assembly.GetManifestResourceStream(resource)
            ?? assembly.GetManifestResourceStream(resource.Replace('/', '\\'))
            ?? throw new InvalidOperationException($"No embedded file {resource}.");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
