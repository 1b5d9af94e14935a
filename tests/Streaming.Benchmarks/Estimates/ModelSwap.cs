using Streaming.Estimation;

namespace Streaming.Benchmarks.Estimates;

/// <summary>A model that takes 1.8 times as long: how often the p90 said at a tenth of the run covers, in the runs after the swap.</summary>
static class ModelSwap
{
    public const int RunsAfter = 5;
    const double Slowdown = 1.8;

    /// <summary>Coverage of the first run after the swap, the second, and so on.</summary>
    /// <param name="isKnown">Whether the history says which model each run had.</param>
    /// <param name="signal">How stages report.</param>
    /// <param name="runs">Kinds that are tried.</param>
    public static double[] Coverage(bool isKnown, Signal signal, int runs)
    {
        var covered = new double[RunsAfter];
        for (var seed = 1; seed <= runs; seed++)
        {
            var kind = new SimulatedKind(seed, Noise.Base, signal);
            var history = Enumerable.Range(0, 20).Select(_ => SimulatedKind.Past(kind.Run())).Reverse().ToList();
            for (var after = 0; after < RunsAfter; after++)
            {
                var run = kind.Run(Slowdown);
                var name = isKnown ? SimulatedKind.OtherModel : SimulatedKind.Model;
                var model = DurationModel.Fit(history, name, SimulatedKind.Planned(run));
                var (moments, _) = Replay.Run(model, run, Calibration.None, [run.Seconds / 10]);
                covered[after] += run.Seconds - moments[0].Elapsed <= moments[0].Forecast90 ? 1.0 / runs : 0;
                history.Insert(0, SimulatedKind.Past(run, name));
            }
        }

        return covered;
    }
}
