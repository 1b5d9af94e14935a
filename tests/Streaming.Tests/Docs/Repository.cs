namespace Streaming.Tests.Docs;

/// <summary>The files that the tests were built from.</summary>
public static class Repository
{
    /// <summary>The folder of Streaming.sln.</summary>
    public static string Root { get; } = Find();

    /// <summary>Full path of a file, given from the root with slashes.</summary>
    public static string Path(string relative) => System.IO.Path.Combine(Root, relative);

    public static string Read(string relative) => File.ReadAllText(Path(relative)).ReplaceLineEndings("\n");

    /// <summary>README.md and everything below docs/, from the root with slashes.</summary>
    public static IEnumerable<string> Documents() => Directory
        .EnumerateFiles(Path("docs"), "*.md", SearchOption.AllDirectories)
        .Select(file => System.IO.Path.GetRelativePath(Root, file).Replace('\\', '/'))
        .Order(StringComparer.Ordinal)
        .Prepend("README.md");

    static string Find()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            if (File.Exists(System.IO.Path.Combine(folder.FullName, "Streaming.sln")))
                return folder.FullName;
        throw new InvalidOperationException($"No Streaming.sln above {AppContext.BaseDirectory}.");
    }
}
