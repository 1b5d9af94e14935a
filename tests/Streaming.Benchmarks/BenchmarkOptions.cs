using System.Globalization;
using Streaming.Benchmarks.Runs;

namespace Streaming.Benchmarks;

/// <summary>What the command line asks for.</summary>
/// <param name="Benchmarks">In the order given; all when none is named.</param>
/// <param name="Seconds">Length of the measured part of a run; default 10.</param>
/// <param name="Runs">Runs of each, interleaved, each on a service and a database of its own; default 3.</param>
/// <param name="Output">The report; default <c>docs/performance.md</c> of the repository.</param>
/// <param name="Rivals">Folder of the rivals, which are measured in between; none: they are not.</param>
sealed record BenchmarkOptions(IReadOnlyList<Benchmark> Benchmarks, int Seconds, int Runs, string Output, string? Rivals)
{
    const string Usage =
        """
        Usage: Streaming.Benchmarks [B1] [B2] … [B10] [--seconds 10] [--runs 3] [--output docs/performance.md] [--rivals FOLDER]
               Streaming.Benchmarks estimates […]
               Streaming.Benchmarks B11 [--runs 5]
               Streaming.Benchmarks F8 [--seconds 150]
               Streaming.Benchmarks strategies
               Streaming.Benchmarks micro [--filter *]
               Streaming.Benchmarks growth [--seconds 5] [--millions 1,10,50]
        """;

    /// <summary>The command line as it would have to be typed again, without the output.</summary>
    public string Command =>
        $"dotnet run -c Release --project tests/Streaming.Benchmarks -- {string.Join(' ', Benchmarks.Select(b => b.Id))} --seconds {Seconds} --runs {Runs}{(Rivals is null ? "" : " --rivals FOLDER")}";

    /// <summary>Reads the arguments; null, and a word on the console, when they cannot be read.</summary>
    public static BenchmarkOptions? Parse(string[] args)
    {
        var benchmarks = new List<Benchmark>();
        var (seconds, runs, output) = (10, 3, Path.Combine(Repository.Root(), "docs", "performance.md"));
        string? rivals = null;
        for (var i = 0; i < args.Length; i++)
        {
            var value = i + 1 < args.Length ? args[i + 1] : "";
            if (Benchmark.All.FirstOrDefault(b => b.Id.Equals(args[i], StringComparison.OrdinalIgnoreCase)) is { } benchmark)
                benchmarks.Add(benchmark);
            else if (args[i] == "--seconds" && TryRead(value, out seconds) || args[i] == "--runs" && TryRead(value, out runs))
                i++;
            else if (args[i] == "--output" && value.Length > 0)
                output = args[++i];
            else if (args[i] == "--rivals" && value.Length > 0)
                rivals = Path.GetFullPath(args[++i]);
            else
            {
                Console.Error.WriteLine(Usage);
                return null;
            }
        }

        return new BenchmarkOptions(benchmarks.Count > 0 ? benchmarks : Benchmark.All, seconds, runs, output, rivals);
    }

    static bool TryRead(string text, out int number) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number) && number > 0;
}
