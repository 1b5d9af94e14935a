using System.Text;
using Streaming.Benchmarks.Runs;

namespace Streaming.Benchmarks.Reports;

/// <summary>
/// <c>docs/performance.md</c>: the figures of this time, written anew; those of earlier times, added to; and what people
/// have written about them, left alone.
/// </summary>
sealed class Report
{
    const string Earlier = "## All measurements, newest first";
    const string Notes = "## What limits them";

    readonly string _head;
    readonly string _lines;

    Report(string head, string figures, string lines) => (_head, Figures, _lines) = (head, figures, lines);

    /// <summary>The table of this time.</summary>
    public string Figures { get; }

    public static async Task<Report> CreateAsync(BenchmarkOptions options, List<Result> results, Rivals? rivals, CancellationToken cancellation)
    {
        var (date, commit) = (TimeProvider.System.GetUtcNow().ToString("yyyy-MM-dd HH:mm"), await Repository.CommitAsync(cancellation));
        var head =
            $"""
            # Performance

            Measured {date} UTC at commit {commit} on {Machine.Describe()}, by

                {options.Command}

            The service's own program, built for release, in a process of its own with default settings (only `Transforms:Concurrency`
            is raised to the number of generations), on the embedded PostgreSQL with fsync on, in an empty database. Its generator is
            exchanged for one that writes the time into its text, so a time is from the model's delta to the bytes in the
            reader's hand: through the stage, the queue, the commit and the socket. Readers, service and database share the machine;
            "cores" is CPU time over time, of the service and PostgreSQL where nothing else is said. Every reader proves by `first` and
            `index` that it missed nothing and got nothing twice; a run in which one did not is void. Medians of {options.Runs}
            interleaved runs of {options.Seconds} s after a warm-up.
            """;
        var figures = new StringBuilder("| | work | bar | figure | met |\n|---|---|---|---|---|\n");
        var lines = new StringBuilder();
        foreach (var (benchmark, medians, isSound) in results)
        {
            var (shown, met) = medians is null || !isSound
                ? ("void", "no")
                : (benchmark.Shown(medians), benchmark.Meets(medians) ? "yes" : "**no**");
            figures.Append($"| {benchmark.Id} | {benchmark.Work} | {benchmark.Bar} | {shown} | {met} |\n");
            if (medians is not null)
                lines.Append($"| {date} | {commit} | {benchmark.Id} | {medians} |\n");
        }

        if (rivals is not null)
            figures.Append($"\nRivals in the same runs. Each chunk is a POST, an unlike load to that of the table above: what a model writes inside the service needs none.\n\n{rivals.Table()}\n{rivals.Ratios(results)}");
        return new Report(head, figures.ToString(), lines.ToString());
    }

    public async Task WriteAsync(string path, CancellationToken cancellation)
    {
        var before = File.Exists(path) ? await File.ReadAllTextAsync(path, cancellation) : "";
        var earlier = Section(before, Earlier, null).Split('\n').Where(line => line.StartsWith("| 2", StringComparison.Ordinal));
        // With the sections that follow it.
        var notes = Section(before, Notes, Earlier).Trim();
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        await File.WriteAllTextAsync(path,
            $"""
            {_head}

            {Figures}
            {Notes}

            {(notes.Length > 0 ? notes : "Nobody has looked yet.")}

            {Earlier}

            Absolute figures drift by 3-5 times between days on shared machines; compare those of one day.

            | date | commit | | medians |
            |---|---|---|---|
            {_lines}{string.Concat(earlier.Select(line => line + "\n"))}
            """.TrimEnd() + "\n", cancellation);
    }

    /// <summary>What stands between a heading and another, or the end of the text.</summary>
    static string Section(string text, string heading, string? until)
    {
        var start = text.IndexOf(heading + "\n", StringComparison.Ordinal);
        if (start < 0)
            return "";
        start += heading.Length;
        var end = until is null ? -1 : text.IndexOf(until + "\n", start, StringComparison.Ordinal);
        return text[start..(end < 0 ? text.Length : end)];
    }
}
