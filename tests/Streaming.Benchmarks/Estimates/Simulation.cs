using Streaming.Estimation;

namespace Streaming.Benchmarks.Estimates;

/// <summary>How a simulated stage reports its fraction.</summary>
enum Signal
{
    /// <summary>Not at all.</summary>
    Absent,

    /// <summary>In ten steps that take times of their own, by a scale that is not straight.</summary>
    Noisy,

    /// <summary>Straight, in fifty steps.</summary>
    Linear,
}

/// <summary>Spread of simulated durations, as standard deviations of ln(seconds).</summary>
sealed record Noise(string Name, double WithinSd, double RunSd)
{
    public static readonly Noise Low = new("low", 0.2, 0.2);
    public static readonly Noise Base = new("base", 0.4, 0.3);
    public static readonly Noise High = new("high", 0.8, 0.5);
    public static readonly IReadOnlyList<Noise> All = [Low, Base, High];
}

/// <summary>A run whose end is known: its stages with when they reported which fraction.</summary>
sealed record TrueRun(double Size, IReadOnlyList<TrueStage> Stages)
{
    public double Seconds => Stages.Sum(stage => stage.Seconds);
}

/// <param name="Stage">Its name.</param>
/// <param name="Seconds">Its duration.</param>
/// <param name="Reports">Fractions, and when they were reported, in seconds from the stage's beginning.</param>
sealed record TrueStage(string Stage, double Seconds, IReadOnlyList<(double Seconds, double Fraction)> Reports)
{
    public double? HalfSeconds => Reports.Where(report => report.Fraction >= 0.5).Select(report => (double?)report.Seconds).FirstOrDefault();
}

/// <summary>
/// A kind of work, made from a seed: five stages with medians, slopes over the size, and crooked progress of their own. It
/// makes runs: ln(seconds) = ln(median) + slope × ln(size) + run factor + noise, and one stage in fifty takes five times as long.
/// </summary>
sealed class SimulatedKind
{
    public const string Model = "a", OtherModel = "b";

    /// <summary>From seconds to minutes, as in a pipeline that drafts, draws and packs.</summary>
    public const double UnlikeStages = 1.0;

    /// <summary>Two thirds of the stages within a factor of two.</summary>
    public const double AlikeStages = 0.7;

    const int StageCount = 5;
    const double OutlierShare = 0.02, OutlierFactor = 5;
    const double SizeSd = 0.5;
    const double MedianSeconds = 12;
    const double SlopeMean = 0.7, SlopeSd = 0.3;
    const double ScaleSd = 0.3, StepSd = 0.6;

    readonly Random _random;
    readonly Noise _noise;
    readonly Signal _signal;
    readonly (string Name, double Median, double Slope, double Scale)[] _stages;

    /// <param name="seed">Everything follows from it.</param>
    /// <param name="noise">Spread of the durations.</param>
    /// <param name="signal">How stages report.</param>
    /// <param name="medianSd">How unlike the stages are: standard deviation of the ln of their medians.</param>
    public SimulatedKind(int seed, Noise noise, Signal signal, double medianSd = UnlikeStages)
    {
        (_random, _noise, _signal) = (new Random(seed), noise, signal);
        _stages = [.. Enumerable.Range(1, StageCount).Select(i => (
            $"stage{i}", Math.Log(MedianSeconds) + medianSd * Normal(), SlopeMean + SlopeSd * Normal(), ScaleSd * Normal()))];
    }

    public IReadOnlyList<string> Stages => [.. _stages.Select(stage => stage.Name)];

    /// <summary>Median of the whole at size 1: the unit of clocks that may not know how long this run takes.</summary>
    public double TypicalSeconds => _stages.Sum(stage => Math.Exp(stage.Median));

    /// <summary>The next run.</summary>
    /// <param name="slowdown">Factor on all its stages, as of another model.</param>
    public TrueRun Run(double slowdown = 1)
    {
        var size = SizeSd * Normal();
        var factor = _noise.RunSd * Normal() + Math.Log(slowdown);
        return new TrueRun(Math.Exp(size), [.. _stages.Select(stage =>
        {
            var odd = _random.NextDouble() < OutlierShare ? OutlierFactor : 1;
            var seconds = odd * Math.Exp(stage.Median + stage.Slope * size + factor + _noise.WithinSd * Normal());
            return new TrueStage(stage.Name, seconds, Reports(seconds, stage.Scale));
        })]);
    }

    /// <summary>What is true of the run's durations before it begins: the oracle's model. Odd stages are not in it.</summary>
    public DurationModel Truth(TrueRun run, double slowdown = 1)
    {
        var stages = _stages.ToDictionary(stage => stage.Name, stage =>
        {
            var halves = HalvesOf(stage.Scale);
            return new StageModel(stage.Median + stage.Slope * Math.Log(run.Size), _noise.WithinSd, halves.Bias, halves.Sd, 1000);
        });
        return new DurationModel(stages, Math.Log(slowdown), _noise.RunSd, 1000, 1000);
    }

    public static PastRun Past(TrueRun run, string model = Model) =>
        new(model, [.. run.Stages.Select(stage => new PastStage(stage.Stage, run.Size, stage.Seconds, stage.HalfSeconds))]);

    public static IReadOnlyList<PlannedStage> Planned(TrueRun run) =>
        [.. run.Stages.Select(stage => new PlannedStage(stage.Stage, run.Size, 1))];

    (double Bias, double Sd) HalvesOf(double scale)
    {
        if (_signal != Signal.Noisy)
            return (0, 0.02);
        // A generator of its own: asking for the truth must not change the runs that follow.
        var random = new Random(1);
        var halves = Enumerable.Range(0, 400).Select(_ => Math.Log(2 * Steps(random, scale)[4])).ToList();
        var mean = halves.Average();
        return (mean, Math.Sqrt(halves.Average(half => (half - mean) * (half - mean))));
    }

    IReadOnlyList<(double, double)> Reports(double seconds, double scale) => _signal switch
    {
        Signal.Linear => [.. Enumerable.Range(1, 49).Select(i => (seconds * i / 50, i / 50.0))],
        Signal.Noisy => [.. Steps(_random, scale).Take(9).Select((share, i) => (seconds * share, (i + 1) / 10.0))],
        _ => [],
    };

    /// <summary>Shares of the stage's time after each of ten steps.</summary>
    static double[] Steps(Random random, double scale)
    {
        // A bent scale, the same for all runs of the stage, and each step with a time of its own.
        var steps = Enumerable.Range(1, 10)
            .Select(i => (Math.Pow(i / 10.0, Math.Exp(scale)) - Math.Pow((i - 1) / 10.0, Math.Exp(scale))) * Math.Exp(StepSd * Normal(random)))
            .ToArray();
        for (var i = 1; i < steps.Length; i++)
            steps[i] += steps[i - 1];
        return [.. steps.Select(step => step / steps[^1])];
    }

    double Normal() => Normal(_random);

    static double Normal(Random random) => Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
}
