using Streaming.Estimation;

namespace Streaming.Benchmarks.Estimates;

/// <summary>One cell of the back-test: many kinds of one noise and signal, each with a history and a run that is foretold.</summary>
sealed class Cell
{
    /// <summary>Shares of the true run at which errors are taken, in percent.</summary>
    public static readonly IReadOnlyList<int> Places = [.. Enumerable.Range(1, 19).Select(i => 5 * i)];

    public const int LoggedRuns = 300;
    // Random takes a seed and its negative for the same.
    const int LoggedSeeds = 1_000_000;
    const int HalfOfPlaces = 50;
    const int ClockTicks = 50, TicksMax = 5000;

    readonly Dictionary<(string Method, int Place), List<double>> _remaining = [];
    readonly List<double> _arrival = [], _arrivalOfOracle = [];
    readonly double[] _stated = new double[EstimateOutcome.Bins], _held = new double[EstimateOutcome.Bins], _said = new double[EstimateOutcome.Bins];
    readonly double[] _statedRaw = new double[EstimateOutcome.Bins], _heldRaw = new double[EstimateOutcome.Bins], _saidRaw = new double[EstimateOutcome.Bins];
    readonly double[] _covered = new double[EstimateOutcome.Levels.Count];
    int _covered90, _moments, _rises, _runs;

    public required Noise Noise { get; init; }
    public required Signal Signal { get; init; }
    public double MedianSd { get; init; } = SimulatedKind.UnlikeStages;
    public int HistoryRuns { get; init; } = 20;

    public const string Ours = "ours", Oracle = "oracle", Naive = "naive", Ewma = "EWMA", History = "median of history";

    /// <summary>Median of |said − true| ÷ true of the time left, over the second half of the run, or at one place of it.</summary>
    public double RemainingError(string method, int? place = null) => Median([.. _remaining
        .Where(entry => entry.Key.Method == method && (place is null ? entry.Key.Place >= HalfOfPlaces : entry.Key.Place == place))
        .SelectMany(entry => entry.Value)]);

    /// <summary>Median of |said − true| ÷ true of the whole, over the second half of the run.</summary>
    public double ArrivalError => Median(_arrival);
    public double ArrivalErrorOfOracle => Median(_arrivalOfOracle);

    /// <summary>Share of messages whose p90 was not exceeded, after calibration.</summary>
    public double Coverage => (double)_covered90 / _moments;

    /// <summary>The same at each of <see cref="EstimateOutcome.Levels"/>, before it.</summary>
    public IReadOnlyList<double> CoverageRaw => [.. _covered.Select(count => count / _moments)];

    /// <summary>Expected calibration error: mean distance between what was said and what held, over bins, each by its messages.</summary>
    public double CalibrationError => Error(_stated, _said, _held);
    public double CalibrationErrorRaw => Error(_statedRaw, _saidRaw, _heldRaw);

    /// <summary>Mean of what was said, how often it held, and the share of the messages, for each bin with enough of them.</summary>
    public IEnumerable<(double Said, double Held, double Share)> Curve(bool isRaw)
    {
        var (stated, said, held) = isRaw ? (_statedRaw, _saidRaw, _heldRaw) : (_stated, _said, _held);
        var total = stated.Sum();
        return Enumerable.Range(0, stated.Length).Where(bin => stated[bin] > total / 200)
            .Select(bin => (said[bin] / stated[bin], held[bin] / stated[bin], stated[bin] / total));
    }

    /// <summary>Share of runs in which the shown time left has risen at least once.</summary>
    public double Rises => (double)_rises / _runs;

    /// <summary>Replays the logged runs, then <paramref name="runs"/> others.</summary>
    /// <exception cref="BenchmarkException">The countdown rose without a reason: the display rule is broken.</exception>
    public Cell Run(int runs, bool isLogged = true)
    {
        var log = new EstimateOutcome();
        for (var seed = 1; isLogged && seed <= LoggedRuns; seed++)
        {
            var (kind, history, run) = Make(LoggedSeeds + seed);
            log.Add(Replay.Run(Fit(history, run), run, Calibration.None, Clock(kind)).Outcome);
        }

        var calibration = new Calibration(log);
        for (var seed = 1; seed <= runs; seed++)
        {
            var (kind, history, run) = Make(seed);
            var model = Fit(history, run);
            TakeErrors(kind, history, run, model, calibration);
            TakeCalibration(run, Replay.Run(model, run, calibration, Clock(kind)).Moments);
        }

        return this;
    }

    (SimulatedKind Kind, List<TrueRun> History, TrueRun Run) Make(int seed)
    {
        var kind = new SimulatedKind(seed, Noise, Signal, MedianSd);
        return (kind, [.. Enumerable.Range(0, HistoryRuns).Select(_ => kind.Run()).Reverse()], kind.Run());
    }

    static DurationModel Fit(List<TrueRun> history, TrueRun run) =>
        DurationModel.Fit([.. history.Select(past => SimulatedKind.Past(past))], SimulatedKind.Model, SimulatedKind.Planned(run));

    static IEnumerable<double> Clock(SimulatedKind kind) => Enumerable.Range(0, TicksMax).Select(tick => tick * kind.TypicalSeconds / ClockTicks);

    void TakeErrors(SimulatedKind kind, List<TrueRun> history, TrueRun run, DurationModel model, Calibration calibration)
    {
        var looks = Places.Select(place => place / 100.0 * run.Seconds).ToList();
        var moments = Replay.Run(model, run, calibration, looks).Moments;
        var oracle = Replay.Run(kind.Truth(run), run, calibration, looks).Moments;
        var usual = history.Count == 0 ? (double?)null : Median([.. history.Select(past => past.Seconds)]);
        for (var i = 0; i < moments.Count; i++)
        {
            var (moment, place, left) = (moments[i], Places[i], run.Seconds - moments[i].Elapsed);
            Take(Ours, moment.Forecast50);
            Take(Oracle, oracle[i].Forecast50);
            Take(Naive, moment.Naive);
            Take(Ewma, moment.Ewma);
            Take(History, usual is null ? null : Math.Max(0, usual.Value - moment.Elapsed));
            if (place >= HalfOfPlaces)
            {
                _arrival.Add(Math.Abs(moment.Forecast50 - left) / run.Seconds);
                _arrivalOfOracle.Add(Math.Abs(oracle[i].Forecast50 - left) / run.Seconds);
            }

            void Take(string method, double? said)
            {
                if (said is null)
                    return;
                if (!_remaining.TryGetValue((method, place), out var errors))
                    _remaining.Add((method, place), errors = []);
                errors.Add(Math.Abs(said.Value - left) / left);
            }
        }
    }

    void TakeCalibration(TrueRun run, List<Moment> moments)
    {
        _runs++;
        var hasRisen = false;
        double? before = null;
        foreach (var moment in moments)
        {
            var left = run.Seconds - moment.Elapsed;
            _moments++;
            _covered90 += left <= moment.Forecast90 ? 1 : 0;
            for (var level = 0; level < _covered.Length; level++)
                _covered[level] += left <= moment.AtLevels[level] ? 1 : 0;
            Count(_statedRaw, _saidRaw, _heldRaw, moment.Stated, moment.Elapsed + moment.Forecast50);
            if (moment.Shown is { Reliability: { } reliability, Total: { } total })
                Count(_stated, _said, _held, reliability, total);
            if (moment.Shown.Remaining is not { } remaining)
                continue;
            if (remaining > before)
            {
                hasRisen = true;
                if (moment.Shown.Raised is null)
                    throw new BenchmarkException($"The countdown rose from {before} to {remaining} s and does not say why.");
            }

            before = remaining;
        }

        _rises += hasRisen ? 1 : 0;

        void Count(double[] stated, double[] said, double[] held, double reliability, double total)
        {
            var bin = Math.Min(EstimateOutcome.Bins - 1, (int)(reliability * EstimateOutcome.Bins));
            stated[bin]++;
            said[bin] += reliability;
            held[bin] += Math.Abs(run.Seconds - total) <= RunEstimator.Tolerance * total ? 1 : 0;
        }
    }

    static double Error(double[] stated, double[] said, double[] held) => said.Zip(held, (s, h) => Math.Abs(s - h)).Sum() / stated.Sum();

    static double Median(List<double> values)
    {
        if (values.Count == 0)
            return double.NaN;
        values.Sort();
        return values[values.Count / 2];
    }
}
