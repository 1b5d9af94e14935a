using System.Diagnostics;
using System.Globalization;
using Streaming.Tests.Docs;
using Xunit;

namespace Streaming.FaultTests.Proof;

/// <summary>
/// One line a test: into its output and <c>artifacts/faults.txt</c>; in the long form also its row of the table in
/// docs/reliability.md, between the two markers.
/// </summary>
public static class Report
{
    const string Begin = "<!-- figures: begin -->";
    const string End = "<!-- figures: end -->";
    const string Header = "| Fault | Tried | Streams | Messages checked | Lost | Repeated | Seed | Date | Commit |\n|---|--:|--:|--:|--:|--:|--:|---|---|";

    static readonly Lock Gate = new();

    /// <param name="fault">What was done; one row of the table each.</param>
    /// <param name="tried">How often.</param>
    /// <param name="account">What the readers had afterwards.</param>
    public static void Write(string fault, int tried, Account account)
    {
        Faults.Say($"{fault}: tried {tried}; {account}");
        var now = TimeProvider.System.GetUtcNow();
        var row = string.Create(CultureInfo.InvariantCulture,
            $"| {fault} | {tried:N0} | {account.Streams:N0} | {account.MessagesChecked:N0} | {account.Lost:N0} | {account.Repeated:N0} | {Faults.Seed} | {now:yyyy-MM-dd} | {(Faults.IsLong ? Commit() : "")} |");
        lock (Gate)
        {
            Directory.CreateDirectory(Repository.Path("artifacts"));
            File.AppendAllText(Repository.Path("artifacts/faults.txt"),
                $"{now:O} {(Faults.IsLong ? "long" : "short")} {row} {TestContext.Current.TestMethod?.MethodName}\n");
            if (Faults.IsLong)
                Document(fault, row);
        }
    }

    /// <summary>Puts the row in the place of the earlier one of the same fault, or at the end.</summary>
    static void Document(string fault, string row)
    {
        var path = Repository.Path("docs/reliability.md");
        var text = File.ReadAllText(path);
        var (begin, end) = (text.IndexOf(Begin, StringComparison.Ordinal) + Begin.Length, text.IndexOf(End, StringComparison.Ordinal));
        var rows = text[begin..end].Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(line => line.StartsWith("| ", StringComparison.Ordinal)).Skip(1).ToList();
        var place = rows.FindIndex(line => line.StartsWith($"| {fault} |", StringComparison.Ordinal));
        if (place < 0)
            rows.Add(row);
        else
            rows[place] = row;
        File.WriteAllText(path, $"{text[..begin]}\n{Header}\n{string.Join('\n', rows)}\n{text[end..]}");
    }

    /// <summary>The commit that was tried, with a <c>+</c> if files had been changed since.</summary>
    public static string Commit()
    {
        var commit = Git("rev-parse", "--short", "HEAD");
        return Git("status", "--porcelain", "--untracked-files=no", "--", "src", "db", "tests").Length > 0 ? $"{commit}+" : commit;
    }

    static string Git(params string[] arguments)
    {
        using var git = Process.Start(new ProcessStartInfo("git", arguments) { WorkingDirectory = Repository.Root, RedirectStandardOutput = true })!;
        var output = git.StandardOutput.ReadToEnd();
        git.WaitForExit();
        return output.Trim();
    }
}
