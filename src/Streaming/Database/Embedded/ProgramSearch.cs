namespace Streaming.Database.Embedded;

/// <summary>Programs on the PATH.</summary>
static class ProgramSearch
{
    public static IEnumerable<string> PathFolders() =>
        (Environment.GetEnvironmentVariable("PATH") ?? "")
            .Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            .Where(Path.IsPathRooted);

    /// <summary>The full path of a program, or null.</summary>
    public static string? Find(string program) =>
        PathFolders().Select(folder => Path.Combine(folder, program)).FirstOrDefault(File.Exists);
}
