using BenchmarkDotNet.Attributes;
using Streaming.Estimation;

namespace Streaming.Benchmarks.Micro;

/// <summary>What a run does once, when it begins, and what it does with each progress message.</summary>
[MemoryDiagnoser]
public class EstimatorBenchmarks
{
    static readonly string[] Stages = ["brief", "concepts", "drawing", "package"];

    List<PastRun> _history = [];
    List<PlannedStage> _planned = [];
    RunEstimator _estimator = null!;
    double _now;

    [GlobalSetup]
    public void Fill()
    {
        var random = new Random(1);
        _history = [.. Enumerable.Range(0, DurationModel.RunsMax).Select(_ =>
            new PastRun("model", [.. Stages.Select(stage => new PastStage(stage, 1, 5 + 10 * random.NextDouble()))]))];
        _planned = [.. Stages.Select(stage => new PlannedStage(stage, 1, 25))];
        _estimator = new RunEstimator(Fit(), Stages, Calibration.None);
        _estimator.Begin(Stages[0], 0);
        _now = 1;
    }

    [Benchmark]
    public DurationModel Fit() => DurationModel.Fit(_history, "model", _planned);

    [Benchmark]
    public Estimate At() => _estimator.At(_now += 0.001);
}
