using System.Globalization;
using System.Text;

namespace Streaming.Benchmarks.Estimates;

/// <summary>
/// <c>estimates [--runs 1000] [--output docs/estimation.md] [--database connection]</c>: replays histories and writes what
/// the estimates are worth, with the bars they are measured by. The simulated part gives the same figures every time.
/// </summary>
static class EstimatesCommand
{
    public const string Name = "estimates";

    const string Usage = "Usage: Streaming.Benchmarks estimates [--runs 1000] [--output docs/estimation.md] [--database <connection string>]";
    const string Method = "## The method";

    public static async Task<int> RunAsync(string[] arguments, CancellationToken cancellation)
    {
        var (runs, output, database) = (1000, Path.Combine(Repository.Root(), "docs", "estimation.md"), (string?)null);
        for (var i = 0; i < arguments.Length; i += 2)
        {
            var value = i + 1 < arguments.Length ? arguments[i + 1] : "";
            var isRead = arguments[i] switch
            {
                "--runs" => int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out runs) && runs > 0,
                "--output" => (output = value).Length > 0,
                "--database" => (database = value).Length > 0,
                _ => false,
            };
            if (!isRead)
            {
                await Console.Error.WriteLineAsync(Usage);
                return 2;
            }
        }

        if (database is not null)
        {
            Console.WriteLine(await RecordedRuns.ReplayAsync(database, cancellation));
            return 0;
        }

        var cells = new List<Cell>();
        foreach (var noise in Noise.All)
            foreach (var signal in Enum.GetValues<Signal>())
            {
                cancellation.ThrowIfCancellationRequested();
                cells.Add(new Cell { Noise = noise, Signal = signal }.Run(runs));
                Console.WriteLine($"{noise.Name} {signal}");
            }

        var alike = Enum.GetValues<Signal>().Select(signal =>
            new Cell { Noise = Noise.Base, Signal = signal, MedianSd = SimulatedKind.AlikeStages }.Run(runs / 2, isLogged: false)).ToList();
        var histories = new[] { 0, 1, 3, 5, 10, 20, 50 }.SelectMany(
            count => new[] { Signal.Absent, Signal.Noisy }.Select(signal =>
                new Cell { Noise = Noise.Base, Signal = signal, HistoryRuns = count }.Run(runs / 4, isLogged: false))).ToList();
        var swaps = (from signal in new[] { Signal.Absent, Signal.Noisy }
                     from isKnown in new[] { true, false }
                     select (signal, isKnown, ModelSwap.Coverage(isKnown, signal, runs / 2))).ToList();

        var report = Report(runs, cells, alike, histories, swaps);
        Console.WriteLine(report);
        var plots = Path.Combine(Path.GetDirectoryName(Path.GetFullPath(output))!, "estimation");
        Directory.CreateDirectory(plots);
        foreach (var (name, svg) in Plots(cells))
            await File.WriteAllTextAsync(Path.Combine(plots, name), svg, cancellation);
        // What people have written about the method stays.
        var before = File.Exists(output) ? await File.ReadAllTextAsync(output, cancellation) : "";
        var method = before.IndexOf(Method, StringComparison.Ordinal) is >= 0 and var at ? before[at..].TrimEnd() : $"{Method}\n\nNobody has written it down yet.";
        await File.WriteAllTextAsync(output, $"{report}\n{method}\n", cancellation);
        return 0;
    }

    static string Report(
        int runs, List<Cell> cells, List<Cell> alike, List<Cell> histories, List<(Signal Signal, bool IsKnown, double[] Covered)> swaps)
    {
        var text = new StringBuilder(string.Create(CultureInfo.InvariantCulture,
            $"""
            # What the time estimates are worth

            Made by `dotnet run -c Release --project tests/Streaming.Benchmarks -- {Name} --runs {runs}`, and the same
            every time: all seeds are fixed. These are **simulated** runs ({runs} kinds of work a cell, each with {cells[0].HistoryRuns} past
            runs and one that is foretold); no recorded run is in them. `--database <connection string>` replays what a service
            has recorded: see [Recorded runs](#recorded-runs).

            Durations are lognormal: a standard deviation within a run, and one that the stages of a run share, of 0.2 and 0.2
            (low noise), 0.4 and 0.3 (base), 0.8 and 0.5 (high). One stage in fifty takes five times as long. A run has five stages,
            whose medians are as unlike as seconds and minutes (standard deviation 1.0 of ln), and a size that each follows with a
            slope of its own. Inside a stage there is no progress (absent), ten steps of unequal length on a bent scale (noisy), or a
            straight line in fifty steps (linear). **Oracle** is the same method told the true medians, slopes and spreads, so that
            nothing is left to learn but the run at hand; it is not told of the odd stages. **Naive** is elapsed × what is left ÷ what
            is done, all stages counting the same, from the first report on; **EWMA** smooths the speed of the reports (0.3);
            **median of history** is the median of the past totals less the time elapsed.


            """));
        Bars(text, cells, swaps);
        Errors(text, cells);
        Reliability(text, cells);
        Learning(text, alike, histories, swaps);
        return text.ToString();
    }

    static void Bars(StringBuilder text, List<Cell> cells, List<(Signal Signal, bool IsKnown, double[] Covered)> swaps)
    {
        text.Append("## The bars\n\nAt base noise unless it says otherwise; errors are medians over the second half of the run.\n\n| bar | wanted | measured | met |\n|---|---|---|---|\n");
        var atBase = cells.Where(cell => cell.Noise == Noise.Base).ToList();
        foreach (var (cell, arrival, naive) in atBase.Zip([0.13, 0.08, 0.03], [0.30, 0.55, 0.20]))
        {
            var name = Word(cell.Signal);
            Row($"{name}: error of the arrival time", Text($"≤ {arrival:0 %} of the whole"), $"{cell.ArrivalError:0.0 %} (oracle {cell.ArrivalErrorOfOracle:0.0 %})",
                cell.ArrivalError <= arrival);
            var (ours, oracle) = (cell.RemainingError(Cell.Ours), cell.RemainingError(Cell.Oracle));
            Row($"{name}: error of the time left", "≤ 1.15 × oracle, or 5 points more", $"{ours:0.0 %} (oracle {oracle:0.0 %}, {ours / oracle:0.00} ×)",
                ours <= Math.Max(1.15 * oracle, oracle + 0.05));
            var ratio = cell.RemainingError(Cell.Naive);
            Row($"{name}: the same, against naive", Text($"≤ {naive:0.00} ×"), $"{ours / ratio:0.00} × (oracle {oracle / ratio:0.00} ×)", ours / ratio <= naive);
            Row($"{name}: runs whose countdown rises", "≤ 20 %, always with a reason", $"{cell.Rises:0 %}", cell.Rises <= 0.2);
        }

        var (low, high) = (cells.Min(cell => cell.Coverage), cells.Max(cell => cell.Coverage));
        Row("all nine cells: p90 covers", "85-95 %", $"{low:0.0 %} to {high:0.0 %}", low >= 0.85 && high <= 0.95);
        var worst = cells.Max(cell => cell.CalibrationError);
        Row("all nine cells: calibration error of the reliability", "≤ 0.06", $"{worst:0.000} at most", worst <= 0.06);
        var swap = swaps.Where(swap => swap.IsKnown).Min(swap => swap.Covered.Min());
        Row("after a known swap to a model 1.8 times as slow: p90 at a tenth of the run covers", "≥ 75 %", $"{swap:0 %} at least", swap >= 0.75);
        text.Append("\nCoverage and calibration are weighted by message on a fixed clock, after 300 runs whose outcome was logged. Fractions of the true\n"
            + "run would not do: who looks at nine tenths of a run knows that it is about to end.\n\n");

        void Row(string bar, string wanted, FormattableString measured, bool isMet) =>
            text.Append(CultureInfo.InvariantCulture, $"| {bar} | {wanted} | {Text(measured)} | {(isMet ? "yes" : "**no**")} |\n");
    }

    static void Errors(StringBuilder text, List<Cell> cells)
    {
        text.Append("## Error of the time left\n\nMedian of |said − true| ÷ true over the second half of the run.\n\n| noise | progress | ours | oracle | naive | EWMA | median of history | arrival, ours | arrival, oracle |\n|---|---|---|---|---|---|---|---|---|\n");
        foreach (var cell in cells)
            text.Append(CultureInfo.InvariantCulture,
                $"| {cell.Noise.Name} | {Word(cell.Signal)} | {cell.RemainingError(Cell.Ours):0.0 %} | {cell.RemainingError(Cell.Oracle):0.0 %} | {cell.RemainingError(Cell.Naive):0.0 %} | {cell.RemainingError(Cell.Ewma):0.0 %} | {cell.RemainingError(Cell.History):0.0 %} | {cell.ArrivalError:0.0 %} | {cell.ArrivalErrorOfOracle:0.0 %} |\n");
        text.Append("\n![Error of the time left over the run, for absent, noisy and linear progress at base noise](estimation/error.svg)\n\n");
    }

    static void Reliability(StringBuilder text, List<Cell> cells)
    {
        text.Append("## Whether it holds what it says\n\n| noise | progress | p90 covers, raw | p90 covers, calibrated | calibration error, raw | calibration error, calibrated | runs whose countdown rises |\n|---|---|---|---|---|---|---|\n");
        foreach (var cell in cells)
            text.Append(CultureInfo.InvariantCulture,
                $"| {cell.Noise.Name} | {Word(cell.Signal)} | {cell.CoverageRaw[Nominal90]:0.0 %} | {cell.Coverage:0.0 %} | {cell.CalibrationErrorRaw:0.000} | {cell.CalibrationError:0.000} | {cell.Rises:0 %} |\n");
        text.Append("\n![Share of statements that held over the reliability stated, raw and calibrated](estimation/calibration.svg)\n\n"
            + "![Share of runs that ended within the time left at each level, before calibration](estimation/coverage.svg)\n\n");
    }

    static void Learning(StringBuilder text, List<Cell> alike, List<Cell> histories, List<(Signal Signal, bool IsKnown, double[] Covered)> swaps)
    {
        text.Append("## How much history it needs\n\nError of the time left at base noise, as above.\n\n| past runs | absent | noisy |\n|---|---|---|\n");
        foreach (var pair in histories.GroupBy(cell => cell.HistoryRuns))
            text.Append(CultureInfo.InvariantCulture, $"| {pair.Key} | {string.Join(" | ", pair.Select(cell => cell.RemainingError(Cell.Ours).ToString("0.0 %", CultureInfo.InvariantCulture)))} |\n");
        text.Append("\n## After a swap of the model\n\nTwenty runs of one model, then runs of one that takes 1.8 times as long. How often the p90 said at a tenth of the run covers, not calibrated.\n\n| progress | the swap is | 1st run after | 2nd | 3rd | 4th | 5th |\n|---|---|---|---|---|---|---|\n");
        foreach (var (signal, isKnown, covered) in swaps)
            text.Append(CultureInfo.InvariantCulture, $"| {Word(signal)} | {(isKnown ? "known" : "not known")} | {string.Join(" | ", covered.Select(share => share.ToString("0 %", CultureInfo.InvariantCulture)))} |\n");
        text.Append("\n## When the stages are more alike\n\nThe distance to the naive estimate depends on how unlike the stages are, because it takes them for equal. With medians that are only as\nunlike as a factor of two (standard deviation 0.7 of ln), at base noise:\n\n| progress | ours | oracle | naive | ours ÷ naive | oracle ÷ naive |\n|---|---|---|---|---|---|\n");
        foreach (var cell in alike)
        {
            var (ours, oracle, naive) = (cell.RemainingError(Cell.Ours), cell.RemainingError(Cell.Oracle), cell.RemainingError(Cell.Naive));
            text.Append(CultureInfo.InvariantCulture, $"| {Word(cell.Signal)} | {ours:0.0 %} | {oracle:0.0 %} | {naive:0.0 %} | {ours / naive:0.00} | {oracle / naive:0.00} |\n");
        }
    }

    const int Nominal90 = 3;

    static IEnumerable<(string Name, string Svg)> Plots(List<Cell> cells)
    {
        var atBase = cells.Where(cell => cell.Noise == Noise.Base).ToList();
        yield return ("error.svg", Plot.Svg([.. atBase.Select(cell =>
        {
            var plot = new Plot(Word(cell.Signal), "of the run", "error of the time left", 1, 1.5);
            foreach (var method in new[] { Cell.Ours, Cell.Naive, Cell.Ewma, Cell.History })
                plot.Line(method, Points(method));
            return plot.Line(Cell.Oracle, Points(Cell.Oracle), isDashed: true);

            IEnumerable<(double, double)> Points(string method) => Cell.Places.Select(place => (place / 100.0, cell.RemainingError(method, place)));
        })]));
        yield return ("calibration.svg", Plot.Svg([.. cells.Where(cell => cell.Signal == Signal.Noisy).Select(cell =>
            new Plot($"noisy, {cell.Noise.Name} noise", "reliability stated", "held", 1, 1)
                .Line("calibrated", cell.Curve(isRaw: false).Select(bin => (bin.Said, bin.Held)))
                .Line("raw", cell.Curve(isRaw: true).Select(bin => (bin.Said, bin.Held)))
                .Line("ideal", [(0, 0), (1, 1)], isDashed: true))]));
        yield return ("coverage.svg", Plot.Svg([.. Noise.All.Select(noise =>
        {
            var plot = new Plot($"{noise.Name} noise", "level", "covered", 1, 1);
            foreach (var cell in cells.Where(cell => cell.Noise == noise))
                plot.Line(Word(cell.Signal), Streaming.Estimation.EstimateOutcome.Levels.Zip(cell.CoverageRaw));
            return plot.Line("ideal", [(0, 0), (1, 1)], isDashed: true);
        })]));
    }

    static string Word(Signal signal) => signal switch { Signal.Absent => "absent", Signal.Noisy => "noisy", _ => "linear" };

    static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
