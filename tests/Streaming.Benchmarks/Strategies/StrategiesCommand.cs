using System.Globalization;
using System.Text;
using Streaming.Pipelines.Analysis;

namespace Streaming.Benchmarks.Strategies;

/// <summary>
/// <c>strategies [--analyses 4000] [--output docs/estimation.md]</c>: what choosing a strategy for each analysis is worth against one that is always the
/// same, at rising load; simulated, the same figures every time. Writes the part of the document that is about it.
/// </summary>
static class StrategiesCommand
{
    public const string Name = "strategies";

    const string Usage = "Usage: Streaming.Benchmarks strategies [--analyses 4000] [--output docs/estimation.md]";
    const string Heading = "## Strategies of analyses";
    const int Seeds = 5;

    static readonly double[] Loads = [0.25, 0.5, 0.75, 0.9, 1, 1.25, 1.5, 2, 3];

    public static async Task<int> RunAsync(string[] arguments, CancellationToken cancellation)
    {
        var (analyses, output) = (4000, Path.Combine(Repository.Root(), "docs", "estimation.md"));
        for (var i = 0; i < arguments.Length; i += 2)
        {
            var value = i + 1 < arguments.Length ? arguments[i + 1] : "";
            if (arguments[i] switch
            {
                "--analyses" => int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out analyses) && analyses > 0,
                "--output" => (output = value).Length > 0,
                _ => false,
            })
                continue;
            await Console.Error.WriteLineAsync(Usage);
            return 2;
        }

        var report = Report(analyses, cancellation);
        Console.WriteLine(report);
        var document = await File.ReadAllTextAsync(output, cancellation);
        var start = document.IndexOf(Heading, StringComparison.Ordinal);
        if (start < 0)
            throw new BenchmarkException($"{output} has no heading '{Heading}'.");
        var end = document.IndexOf("\n## ", start, StringComparison.Ordinal);
        await File.WriteAllTextAsync(output, $"{document[..start]}{report.TrimEnd()}\n{(end < 0 ? "" : document[end..])}", cancellation);
        return 0;
    }

    static string Report(int analyses, CancellationToken cancellation)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"""
            {Heading}

            Made by `dotnet run -c Release --project tests/Streaming.Benchmarks -- {Name} --analyses {analyses}`, and the same every time. **Simulated**: {analyses} analyses
            a cell, of {Seeds} seeds each, that come at random to one process with {StrategySimulation.Places} places. 60 % have 12 s, 20 % 8 s, 15 % 6 s, 5 % 4 s; urgent ones are taken
            first. Durations are lognormal (0.35), one in fifty is four times as long, and a full house makes the model 1.4 times as slow. A load of 1 is
            what the places could take if each analysis were a standard one. The chooser begins without any history. "Always" is `standard` for each.

            A strategy's median is its prior, times how much slower than their priors all strategies were, times what is left of its own difference, times what
            more load has cost; its spread is a shrunken variance, as in [the method](#the-method). One of the last 200 analyses of an hour counts half after ten minutes.
            Chosen is the most thorough one that is over in time with a probability of 0.9, whose load is not exceeded, and of which not more than a fifth
            took longer of late than is left.

            What is gained in time is paid for in suggestions and in depth, as the last columns show. Beyond a load of two nothing helps: even the quickest are more
            than the places take, and the queue grows. No recorded run is in this.


            """);
        foreach (var (name, pace, outages) in ((string, double, double)[])[("A model as quick as the priors say", 1, 0), ("One that is twice as quick", 0.5, 0), ("One that is 1.5 times as slow, which nobody told the chooser", 1.5, 0), ("Outages: for one analysis in six it takes three times as long", 1, 0.002)])
        {
            text.Append(CultureInfo.InvariantCulture, $"{name}:\n\n| load | within 12 s: always | within 12 s: chosen | own budget kept: always | own budget kept: chosen | p95: always | p95: chosen | suggestions: always | suggestions: chosen | ultra_fast, fast, standard, comprehensive |\n|---|---|---|---|---|---|---|---|---|---|\n");
            foreach (var load in Loads)
            {
                cancellation.ThrowIfCancellationRequested();
                var always = Mean(analyses, load, pace, outages, (_, _, _) => AnalysisStrategy.Standard);
                var chosen = Mean(analyses, load, pace, outages, StrategySimulation.Adaptive);
                text.Append(CultureInfo.InvariantCulture,
                    $"| {load} | {Percent(always.Within12Seconds)} | {Percent(chosen.Within12Seconds)} | {Percent(always.WithinBudget)} | {Percent(chosen.WithinBudget)} | {always.P95Seconds:0} s | {chosen.P95Seconds:0} s | {always.Suggestions:0.0} | {chosen.Suggestions:0.0} | {string.Join(", ", chosen.Shares.Select(Percent))} |\n");
            }

            text.Append('\n');
        }

        return text.ToString();
    }

    static SimulatedDay Mean(int analyses, double load, double pace, double outages, Func<TimeSpan, double, IReadOnlyList<Streaming.Sessions.PastAnalysis>, AnalysisStrategy> choose)
    {
        var days = Enumerable.Range(1, Seeds).Select(seed => new StrategySimulation(seed, load, pace, outages, choose).Run(analyses)).ToList();
        return new SimulatedDay(
            days.Average(day => day.Within12Seconds), days.Average(day => day.WithinBudget), days.Average(day => day.MedianSeconds), days.Average(day => day.P95Seconds),
            days.Average(day => day.Suggestions), [.. AnalysisStrategy.All.Select(strategy => days.Average(day => day.Shares[strategy.Rank]))]);
    }

    static string Percent(double share) => string.Create(CultureInfo.InvariantCulture, $"{100 * share:0} %");
}
