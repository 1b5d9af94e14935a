using Streaming.Estimation;

namespace Streaming.Tests.Estimation;

/// <summary>Histories made by hand, and from a seed.</summary>
static class History
{
    /// <summary>Alike runs of stages that take so many seconds each, with half-times where the half is.</summary>
    public static List<PastRun> Alike(int runs, params double[] seconds) =>
        [.. Enumerable.Range(0, runs).Select(_ => new PastRun("m", [.. seconds.Select((s, i) => new PastStage(Name(i), 1, s, s / 2))]))];

    /// <summary>Runs of three lognormal stages (10, 30 and 20 s) that share a run factor, newest first.</summary>
    public static List<PastRun> Lognormal(Random random, int runs, double slowdown = 1, string model = "m") =>
        [.. Enumerable.Range(0, runs).Select(_ =>
        {
            var factor = slowdown * Math.Exp(0.3 * Normal(random));
            return new PastRun(model, [.. ((double[])[10, 30, 20]).Select((s, i) => new PastStage(Name(i), 1, factor * s * Math.Exp(0.4 * Normal(random))))]);
        })];

    public static IReadOnlyList<PlannedStage> Planned(int stages, double size = 1) =>
        [.. Enumerable.Range(0, stages).Select(i => new PlannedStage(Name(i), size, 1))];

    public static RunEstimator Estimator(IReadOnlyList<PastRun> history, int stages, string model = "m", Calibration? calibration = null) =>
        new(DurationModel.Fit(history, model, Planned(stages)), Enumerable.Range(0, stages).Select(Name), calibration ?? Calibration.None);

    public static RunForecaster Forecaster(IReadOnlyList<PastRun> history, int stages, string model = "m") =>
        new(DurationModel.Fit(history, model, Planned(stages)), Enumerable.Range(0, stages).Select(Name));

    public static string Name(int stage) => $"s{stage}";

    public static double Normal(Random random) =>
        Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
}
