using Streaming.Configuration;
using Streaming.Pipelines.Analysis;
using Streaming.Sessions;

namespace Streaming.Benchmarks.Strategies;

/// <summary>What came of one simulated day.</summary>
/// <param name="Within12Seconds">Share of the analyses that were over within 12 s of their request.</param>
/// <param name="WithinBudget">Share that kept their own budgets.</param>
/// <param name="MedianSeconds">From the request to the end.</param>
/// <param name="P95Seconds">The same; 19 of 20 took no longer.</param>
/// <param name="Suggestions">Mean number that an analysis makes.</param>
/// <param name="Shares">Of each strategy, from the quickest.</param>
sealed record SimulatedDay(double Within12Seconds, double WithinBudget, double MedianSeconds, double P95Seconds, double Suggestions, double[] Shares);

/// <summary>
/// Analyses that come at random to one process with so many places, with budgets as people have them, and a model whose pace the chooser does not know.
/// The queue is that of the service: urgent ones first, then the oldest.
/// </summary>
sealed class StrategySimulation(int seed, double load, double pace, double outagesPerAnalysis, Func<TimeSpan, double, IReadOnlyList<PastAnalysis>, AnalysisStrategy> choose)
{
    public const int Places = 16;

    // Within a strategy; one in fifty takes four times as long.
    const double Deviation = 0.35;
    const double OddShare = 0.02;
    const double OddFactor = 4;

    // A provider that is shared: with all places taken it takes so much longer than with half of them.
    const double Contention = 0.4;

    // While the provider has an outage everything takes three times as long, for a hundred analyses.
    const double OutageFactor = 3;
    const int OutageAnalyses = 100;

    const int HistoryMax = 200;
    const double TargetSeconds = 12;

    static readonly (double Seconds, int Priority, double Share)[] Budgets = [(12, 0, 0.6), (8, 1, 0.2), (6, 2, 0.15), (4, 3, 0.05)];

    static readonly AnalysisOptions Options = new() { Concurrency = Places };

    readonly Random _random = new(seed);

    sealed record Waiting(double ArrivedAt, double Budget, int Priority);

    sealed record Running(Waiting Request, AnalysisStrategy Strategy, double StartedAt, double EndsAt, double Load);

    /// <summary>As a service chooses.</summary>
    public static AnalysisStrategy Adaptive(TimeSpan left, double load, IReadOnlyList<PastAnalysis> history) => StrategyChooser.Choose(left, load, history, Options).Strategy;

    /// <param name="analyses">How many come.</param>
    public SimulatedDay Run(int analyses)
    {
        // The load is of what a service could take that always goes about it the standard way, at an idle provider's pace.
        var mean = AnalysisStrategy.Standard.Prior.TotalSeconds * pace * Math.Exp(Deviation * Deviation / 2) * (1 + OddShare * (OddFactor - 1));
        var rate = load * Places / mean;
        var (now, next, come, outageLeft) = (0.0, 0.0, 0, 0);
        var waiting = new List<Waiting>();
        var running = new PriorityQueue<Running, double>();
        var past = new LinkedList<(Running Run, double Seconds)>();
        var ended = new List<(double Seconds, double Budget, AnalysisStrategy Strategy)>();
        while (come < analyses || running.Count > 0)
        {
            if (running.TryPeek(out var first, out var endsAt) && (come >= analyses || endsAt <= next))
            {
                running.Dequeue();
                now = endsAt;
                past.AddFirst((first, now - first.StartedAt));
                if (past.Count > HistoryMax)
                    past.RemoveLast();
                ended.Add((now - first.Request.ArrivedAt, first.Request.Budget, first.Strategy));
            }
            else
            {
                now = next;
                come++;
                if (outageLeft > 0)
                    outageLeft--;
                else if (_random.NextDouble() < outagesPerAnalysis)
                    outageLeft = OutageAnalyses;
                var (seconds, priority) = Budget();
                waiting.Add(new Waiting(now, seconds, priority));
                next = now - Math.Log(1 - _random.NextDouble()) / rate;
            }

            while (running.Count < Places && waiting.Count > 0)
                Start(outageLeft > 0);
        }

        ended.Sort((one, other) => one.Seconds.CompareTo(other.Seconds));
        return new SimulatedDay(
            Share(end => end.Seconds <= TargetSeconds), Share(end => end.Seconds <= end.Budget), ended[ended.Count / 2].Seconds, ended[ended.Count * 95 / 100].Seconds,
            ended.Average(end => end.Strategy.Suggestions), [.. AnalysisStrategy.All.Select(strategy => Share(end => end.Strategy == strategy))]);

        double Share(Func<(double Seconds, double Budget, AnalysisStrategy Strategy), bool> counts) => (double)ended.Count(counts) / ended.Count;

        void Start(bool isOutage)
        {
            var request = waiting.OrderByDescending(one => one.Priority).ThenBy(one => one.ArrivedAt).First();
            waiting.Remove(request);
            var present = (double)(running.Count + 1 + waiting.Count) / Places;
            var left = TimeSpan.FromSeconds(request.ArrivedAt + request.Budget - now);
            var strategy = choose(left, present, [.. past.Select(end => new PastAnalysis(end.Run.Strategy.Name, end.Seconds, end.Run.Load, now - end.Run.EndsAt))]);
            var busy = Math.Max(0, (running.Count + 1.0) / Places - 0.5) * 2;
            var seconds = strategy.Prior.TotalSeconds * pace * Math.Exp(Deviation * Normal()) * (_random.NextDouble() < OddShare ? OddFactor : 1)
                * (1 + Contention * busy) * (isOutage ? OutageFactor : 1);
            running.Enqueue(new Running(request, strategy, now, now + seconds, present), now + seconds);
        }
    }

    (double Seconds, int Priority) Budget()
    {
        var at = _random.NextDouble();
        foreach (var (seconds, priority, share) in Budgets)
            if ((at -= share) < 0)
                return (seconds, priority);
        return (Budgets[0].Seconds, Budgets[0].Priority);
    }

    double Normal() => Math.Sqrt(-2 * Math.Log(1 - _random.NextDouble())) * Math.Cos(2 * Math.PI * _random.NextDouble());
}
