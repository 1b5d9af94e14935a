namespace Streaming.Estimation;

/// <summary>What the past says of one stage: ln(seconds) is normal around a line over ln(size).</summary>
/// <param name="Mean">Mean of ln(seconds) at the size of this run, without the run factor.</param>
/// <param name="WithinSd">Standard deviation of ln(seconds) within a run.</param>
/// <param name="ProgressBias">Mean of ln(time share / fraction) where the stage says 0.5: above 0, its fraction runs ahead.</param>
/// <param name="ProgressSd">Standard deviation of the same.</param>
/// <param name="Runs">How many past runs have the stage.</param>
public readonly record struct StageModel(double Mean, double WithinSd, double ProgressBias, double ProgressSd, int Runs);

/// <summary>
/// Stage durations of one kind, learnt from its past runs: ln(seconds) = line over ln(size) + run factor + stage's own noise.
/// </summary>
/// <remarks>
/// All variances are shrunk towards a prior that counts as a few runs, so that two alike runs do not promise certainty. Recent
/// runs weigh more. Outliers are pulled in. Runs of another model tell of the stages' proportions, not of the level.
/// </remarks>
/// <param name="stages">By stage, at the size of this run.</param>
/// <param name="runMean">Expected run factor: how this model's recent runs differ from the line, as ln.</param>
/// <param name="runSd">Standard deviation of the run factor, as ln.</param>
/// <param name="runs">Past runs that were learnt from.</param>
/// <param name="runsOfModel">Those of the model of this run.</param>
public sealed class DurationModel(IReadOnlyDictionary<string, StageModel> stages, double runMean, double runSd, int runs, int runsOfModel)
{
    /// <summary>Past runs that are looked at; more did not help in <c>docs/estimation.md</c>.</summary>
    public const int RunsMax = 50;

    /// <summary>The wait for a worker: a stage like others, but it says nothing of how fast the run will be.</summary>
    public const string QueueStage = "queue";

    const double SecondsMin = 0.05;
    const double HalfLifeRuns = 20;
    // A residual beyond it (3.7 times) counts as that much: keeps outliers of five times from moving the line.
    const double ResidualMax = 1.3;
    const double PriorSd = 0.55, PriorRuns = 4;
    // Twice as much takes twice as long, until the past says otherwise: sizes that were never seen come without warning.
    const double PriorSlope = 1, SlopeRidge = 2;
    const double PriorRunSd = 0.3, PriorRunRuns = 6;
    const double PriorProgressSd = 0.25, PriorProgressRuns = 1;
    const double WithinSdMin = 0.05, RunSdMin = 0.05;
    // Spread of the level of a model that was never seen, once others were: 0.7 is a factor of two either way.
    const double ModelSd = 0.7;
    // Without any history: thirty seconds, give or take a factor of four and a half.
    const double UnknownSeconds = 30, UnknownSd = 1.5;

    public IReadOnlyDictionary<string, StageModel> Stages => stages;
    public double RunMean => runMean;
    public double RunSd => runSd;
    public int Runs => runs;
    public int RunsOfModel => runsOfModel;

    /// <summary>Whether the past is that of other models, all but a few runs.</summary>
    public bool ModelChanged => runs > runsOfModel && runsOfModel < 2;

    /// <summary>Learns from past runs.</summary>
    /// <param name="history">Newest first; those after the first <see cref="RunsMax"/> are not looked at.</param>
    /// <param name="model">Who generates in this run.</param>
    /// <param name="planned">The stages of this run.</param>
    /// <exception cref="ArgumentOutOfRangeException">A duration, size or weight is negative, zero where it may not be, or no number.</exception>
    public static DurationModel Fit(IReadOnlyList<PastRun> history, string model, IReadOnlyList<PlannedStage> planned) =>
        new Fitting([.. history.Take(RunsMax)], model).Run(planned);

    /// <summary>One fit: rows of the history as arrays, and what is worked out from them.</summary>
    sealed class Fitting(PastRun[] history, string model)
    {
        sealed class Line
        {
            public List<(int Run, double X, double Y, double? Half)> Rows { get; } = [];
            public double Intercept, Slope, Centre;

            public double At(double x) => Intercept + Slope * (x - Centre);
        }

        readonly Dictionary<string, Line> _lines = [];
        readonly Dictionary<string, double> _levels = [];
        readonly double[] _weights = [.. Enumerable.Range(0, history.Length).Select(age => Math.Pow(0.5, age / HalfLifeRuns))];

        public DurationModel Run(IReadOnlyList<PlannedStage> planned)
        {
            Read();
            // The lines need the levels of the models and these the lines: three rounds are enough for both to settle.
            for (var round = 0; round < 3; round++)
            {
                foreach (var line in _lines.Values)
                    Fit(line, round == 0);
                FitLevels();
            }

            var stages = new Dictionary<string, StageModel>();
            // What the stages share cannot be more than what any of them has.
            var runVariance = _lines.Where(stage => stage.Key != QueueStage).Select(stage => 0.9 * Variance(stage.Value))
                .Append(RunVariance()).Min();
            foreach (var plan in planned)
                stages[plan.Stage] = Stage(plan, planned, plan.Stage == QueueStage ? 0 : runVariance);
            var ofModel = history.Count(run => run.Model == model);
            var spread = Math.Sqrt(runVariance * (1 + 1 / Math.Max(1, Effective(Enumerable.Range(0, history.Length)))));
            if (history.Length == 0)
                spread = UnknownSd;
            else if (ofModel < history.Length)
                spread = Math.Sqrt(spread * spread + ModelSd * ModelSd / (ofModel + 1));
            return new DurationModel(stages, Level(), spread, history.Length, ofModel);
        }

        void Read()
        {
            for (var run = 0; run < history.Length; run++)
                foreach (var stage in history[run].Stages)
                {
                    Require(stage.Seconds >= 0 && double.IsFinite(stage.Seconds), stage.Seconds, "A duration");
                    Require(stage.Size > 0 && double.IsFinite(stage.Size), stage.Size, "A size");
                    if (!_lines.TryGetValue(stage.Stage, out var line))
                        _lines.Add(stage.Stage, line = new Line());
                    var half = stage.HalfSeconds is > 0 and var seconds && seconds < stage.Seconds ? Math.Log(seconds / 0.5 / stage.Seconds) : (double?)null;
                    line.Rows.Add((run, Math.Log(stage.Size), Math.Log(Math.Max(stage.Seconds, SecondsMin)), half));
                }
        }

        /// <summary>Weighted least squares with a ridge that holds the slope near <see cref="PriorSlope"/>; residuals are pulled in around the line before.</summary>
        void Fit(Line line, bool isFirst)
        {
            if (isFirst)
            {
                // Nothing to pull in around yet: the median of the rows.
                line.Intercept = Median([.. line.Rows.Select(row => row.Y)]);
                line.Centre = line.Rows.Average(row => row.X);
            }

            double w = 0, x = 0, y = 0, xx = 0, xy = 0;
            foreach (var row in line.Rows)
            {
                var (weight, at) = (_weights[row.Run], row.X - line.Centre);
                // The first line has no slope: pulled in around it, a large run would flatten it for good.
                var pulled = isFirst ? row.Y : line.At(row.X) + Residual(line, row.Run, row.X, row.Y);
                w += weight;
                x += weight * at;
                y += weight * pulled;
                xx += weight * at * at;
                xy += weight * at * pulled;
            }

            line.Slope = (xy - x * y / w + SlopeRidge * PriorSlope) / (xx - x * x / w + SlopeRidge);
            line.Intercept = (y - line.Slope * x) / w;
        }

        /// <summary>Distance from the line without the level of the run's model, pulled in.</summary>
        double Residual(Line line, int run, double x, double y) =>
            Math.Clamp(y - _levels.GetValueOrDefault(history[run].Model) - line.At(x), -ResidualMax, ResidualMax);

        IEnumerable<(int Run, double Residual)> RunResiduals() =>
            from stage in _lines
            where stage.Key != QueueStage
            from row in stage.Value.Rows
            group Residual(stage.Value, row.Run, row.X, row.Y) by row.Run into ofRun
            orderby ofRun.Key
            select (ofRun.Key, ofRun.Average());

        /// <summary>How far each model's runs lie from the line, shrunk by a third of a run.</summary>
        void FitLevels()
        {
            if (history.All(run => run.Model == history[0].Model))
                return;
            foreach (var ofModel in RunResiduals().ToLookup(run => history[run.Run].Model))
                _levels[ofModel.Key] = _levels.GetValueOrDefault(ofModel.Key)
                    + ofModel.Sum(run => _weights[run.Run] * run.Residual) / (ofModel.Sum(run => _weights[run.Run]) + 0.3);
        }

        /// <summary>Level of this run's model, with a drift that forgets fast: each run back counts 0.7 of the one after it.</summary>
        double Level()
        {
            double sum = 0, weights = 1, weight = 1;
            foreach (var (_, residual) in RunResiduals().Where(run => history[run.Run].Model == model))
            {
                sum += weight * residual;
                weights += weight;
                weight *= 0.7;
            }

            return _levels.GetValueOrDefault(model) + sum / weights;
        }

        /// <summary>What the stages of a run share: the mean product of the residuals of two stages.</summary>
        double RunVariance()
        {
            double sum = 0, pairs = 0;
            var runs = from stage in _lines
                       where stage.Key != QueueStage
                       from row in stage.Value.Rows
                       group Residual(stage.Value, row.Run, row.X, row.Y) by row.Run;
            var used = new List<int>();
            foreach (var run in runs)
            {
                var residuals = run.ToList();
                if (residuals.Count < 2)
                    continue;
                var total = residuals.Sum();
                sum += _weights[run.Key] * (total * total - residuals.Sum(r => r * r)) / (residuals.Count * (residuals.Count - 1));
                pairs += _weights[run.Key];
                used.Add(run.Key);
            }

            var effective = Math.Max(0, Effective(used) - 1);
            var covariance = pairs > 0 ? sum / pairs : 0;
            return Math.Max(RunSdMin * RunSdMin,
                (PriorRunRuns * PriorRunSd * PriorRunSd + covariance * effective) / (PriorRunRuns + effective));
        }

        StageModel Stage(PlannedStage plan, IReadOnlyList<PlannedStage> planned, double shared)
        {
            Require(plan.Size > 0 && double.IsFinite(plan.Size), plan.Size, "A size");
            Require(plan.Weight > 0 && double.IsFinite(plan.Weight), plan.Weight, "A weight");
            if (!_lines.TryGetValue(plan.Stage, out var line))
                return new StageModel(ByWeight(plan, planned), PriorSd, 0, PriorProgressSd, 0);

            var effective = Effective(line.Rows.Select(row => row.Run));
            var within = Math.Max(Variance(line) - shared, WithinSdMin * WithinSdMin) * (1 + 1 / effective);
            var halves = line.Rows.Where(row => row.Half is not null).Select(row => row.Half!.Value).ToList();
            var bias = halves.Sum() / (halves.Count + 1);
            var progress = (PriorProgressRuns * PriorProgressSd * PriorProgressSd + halves.Sum(half => (half - bias) * (half - bias)))
                / (PriorProgressRuns + halves.Count);
            return new StageModel(line.At(Math.Log(plan.Size)), Math.Sqrt(within), bias, Math.Sqrt(progress), line.Rows.Count);
        }

        /// <summary>Of ln(seconds) around the line, within and between runs together.</summary>
        double Variance(Line line)
        {
            double weights = 0, squares = 0;
            foreach (var row in line.Rows)
            {
                var residual = Residual(line, row.Run, row.X, row.Y);
                weights += _weights[row.Run];
                squares += _weights[row.Run] * residual * residual;
            }

            var effective = Effective(line.Rows.Select(row => row.Run));
            return (PriorRuns * PriorSd * PriorSd + squares / weights * effective) / (PriorRuns + effective - 1);
        }

        /// <summary>A stage without history: as long for its weight as the others are, or as long as anything.</summary>
        double ByWeight(PlannedStage plan, IReadOnlyList<PlannedStage> planned)
        {
            var known = planned.Where(other => _lines.ContainsKey(other.Stage) && other.Stage != QueueStage)
                .Select(other => _lines[other.Stage].At(Math.Log(other.Size)) - Math.Log(other.Weight)).ToList();
            return Math.Log(plan.Weight) + (known.Count > 0 ? known.Average() : Math.Log(UnknownSeconds / planned.Sum(stage => stage.Weight)));
        }

        /// <summary>How many runs of equal weight would tell as much (Kish).</summary>
        double Effective(IEnumerable<int> runs)
        {
            double sum = 0, squares = 0;
            foreach (var run in runs)
            {
                sum += _weights[run];
                squares += _weights[run] * _weights[run];
            }

            return squares > 0 ? sum * sum / squares : 0;
        }

        static double Median(double[] values)
        {
            Array.Sort(values);
            return (values[(values.Length - 1) / 2] + values[values.Length / 2]) / 2;
        }

        static void Require(bool holds, double value, string what)
        {
            if (!holds)
                throw new ArgumentOutOfRangeException(nameof(value), value, $"{what} is out of range.");
        }
    }
}
