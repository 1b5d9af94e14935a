namespace Streaming.Estimation;

/// <summary>
/// What is left of one run: learns the run factor from the stages that are complete and from how far the running one is, and
/// draws the rest. The same calls give the same figures: the particles are fixed. One caller at a time; no clock of its own.
/// </summary>
/// <remarks>
/// <code>
///   run factor f ~ N(level of the model, spread) ──each complete stage, the running one's fraction──> posterior
///   running stage | f  ~ lognormal, mixed with one three times as wide, cut off at the time it has run already
///   later stages  | f  ~ e^f × sum of lognormals
/// </code>
/// The cut is what makes a late stage honest: a stage that has run for longer than usual is more and more likely to be the
/// wide kind, and what is left of it grows (Downey 1997, "Predicting queue times on space-sharing parallel computers").
/// </remarks>
public sealed class RunForecaster
{
    /// <summary>Draws of the run factor; each is two particles, one of the usual kind of stage and one of the wide kind.</summary>
    public const int Draws = 96;

    // Draws of the sum of the later stages, made once a stage.
    const int LaterDraws = 512;
    // One stage in twelve or so is not of the usual kind.
    const double WideShare = 0.08, WideFactor = 3;
    // Beyond it a stage says that it was odd, not that the run is slow.
    const double ClipSd = 2.5;
    // Below it a fraction says nothing but that the stage has begun.
    const double FractionMin = 0.05;

    static readonly double[] FactorDraws = Kronecker(1, Normal.FromUpperTail);
    static readonly double[] StageDraws = Kronecker(2, u => u);
    static readonly double[] LaterPlaces = Kronecker(3, u => u);

    readonly DurationModel _model;
    readonly List<string> _pending;
    readonly double[] _later = new double[LaterDraws];
    readonly Forecast _forecast = new();
    double _precision;
    double _weightedMean;
    string? _running;
    double _startedAt;
    double _fraction;
    double _step;
    double _fractionAt;
    double? _halfSeconds;
    double _now = double.NegativeInfinity;

    /// <param name="model">What the past says; every stage must be in it.</param>
    /// <param name="stages">Names of the stages of this run, in order.</param>
    public RunForecaster(DurationModel model, IEnumerable<string> stages)
    {
        _model = model;
        _pending = [.. stages];
        _precision = 1 / (model.RunSd * model.RunSd);
        _weightedMean = model.RunMean * _precision;
        if (_pending.FirstOrDefault(stage => !model.Stages.ContainsKey(stage)) is { } unknown)
            throw new ArgumentException($"The model does not have stage {unknown}.", nameof(stages));
        DrawLater();
    }

    /// <summary>Expected run factor as learnt so far: e to it is how much slower than usual this run is.</summary>
    public double RunMean => _weightedMean / _precision;

    /// <summary>Standard deviation of it.</summary>
    public double RunSd => 1 / Math.Sqrt(_precision);

    /// <summary>The stage that runs; null between stages.</summary>
    public string? Running => _running;

    /// <summary>When the running stage, or the one just completed, said that it was half done, in seconds from its beginning.</summary>
    public double? HalfSeconds => _halfSeconds;

    /// <summary>Stages that have not begun.</summary>
    public IReadOnlyList<string> Pending => _pending;

    /// <summary>Seconds that the running stage has run.</summary>
    public double StageSeconds(double now) => Math.Max(0, now - _startedAt);

    /// <summary>Probability, 0-1, that a stage of the usual kind takes longer than that in this run.</summary>
    public double UsualTail(string stage, double seconds)
    {
        var model = _model.Stages[stage];
        var spread = Math.Sqrt(model.WithinSd * model.WithinSd + RunSd * RunSd);
        return Normal.UpperTail((Math.Log(Math.Max(seconds, 1e-3)) - model.Mean - RunMean) / spread);
    }

    /// <summary>A stage begins. All times are seconds of one clock that does not go backwards, from any moment.</summary>
    public void Begin(string stage, double now)
    {
        Advance(now);
        if (!_pending.Remove(stage))
            throw new ArgumentException($"Stage {stage} is not pending.", nameof(stage));
        (_running, _startedAt, _fraction, _step, _fractionAt, _halfSeconds) = (stage, now, 0, 0, now, null);
        DrawLater();
    }

    /// <summary>The running stage begins anew: what it took so far says nothing of its next try.</summary>
    public void Restart(double now)
    {
        Advance(now);
        (_startedAt, _fraction, _step, _fractionAt, _halfSeconds) = (now, 0, 0, now, null);
    }

    /// <summary>How far the running stage is, 0-1. One that is not above the last is passed over: false.</summary>
    public bool Report(double fraction, double now)
    {
        Advance(now);
        if (fraction is not (>= 0 and <= 1))
            throw new ArgumentOutOfRangeException(nameof(fraction), fraction, "A fraction is 0 to 1.");
        if (fraction <= _fraction)
            return false;
        (_fraction, _step, _fractionAt) = (fraction, fraction - _fraction, now);
        if (fraction >= 0.5)
            _halfSeconds ??= now - _startedAt;
        return true;
    }

    /// <summary>The running stage is complete.</summary>
    public void Complete(double now)
    {
        Advance(now);
        var stage = Require();
        var model = _model.Stages[stage];
        if (stage != DurationModel.QueueStage)
            Learn(Math.Log(Math.Max(now - _startedAt, 0.05)) - model.Mean, model.WithinSd * model.WithinSd);
        _running = null;
    }

    /// <summary>A stage that an earlier attempt has completed: it is not waited for, and says nothing.</summary>
    public void Skip(string stage)
    {
        if (_pending.Remove(stage))
            DrawLater();
    }

    /// <summary>What is left at this moment. The forecast is overwritten by the next.</summary>
    public Forecast At(double now)
    {
        Advance(now);
        _forecast.Clear();
        if (_running is null)
            FromLater();
        else
            FromRunning(now);
        _forecast.Sort();
        return _forecast;
    }

    void FromLater()
    {
        _forecast.Spread = RunSd;
        for (var i = 0; i < Draws; i++)
            _forecast.Add(Later(i, RunMean + RunSd * FactorDraws[i]), 1);
    }

    void FromRunning(double now)
    {
        var model = _model.Stages[_running!];
        var isQueue = _running == DurationModel.QueueStage;
        var elapsed = Math.Max(now - _startedAt, 1e-3);
        var variance = model.WithinSd * model.WithinSd;
        var wideVariance = variance * WideFactor * WideFactor;
        var (hinted, hintVariance) = Hint(model, elapsed);

        // The run factor as the fraction of this stage tells it, which the stage's duration will tell better.
        var (precision, weighted) = (_precision, _weightedMean);
        if (hintVariance < double.PositiveInfinity && !isQueue)
            (precision, weighted) = Learnt(hinted - model.Mean, variance + hintVariance, precision, weighted);
        var (mean, sd) = (weighted / precision, 1 / Math.Sqrt(precision));
        _forecast.Spread = sd;

        for (var i = 0; i < Draws; i++)
        {
            var factor = mean + sd * FactorDraws[i];
            var expected = model.Mean + (isQueue ? 0 : factor);
            var later = Later(i, factor);
            Add(i, expected, variance, 1 - WideShare, later);
            // Against the usual kind, by which the factors were drawn, the fraction may speak for the wide one.
            var odds = hintVariance < double.PositiveInfinity
                ? Math.Exp(Math.Min(50,
                    LogLikelihood(hinted - expected, wideVariance + hintVariance) - LogLikelihood(hinted - expected, variance + hintVariance)))
                : 1;
            Add(i, expected, wideVariance, WideShare * odds, later);
        }

        void Add(int draw, double expected, double prior, double weight, double later)
        {
            var gain = hintVariance < double.PositiveInfinity ? prior / (prior + hintVariance) : 0;
            var center = expected + gain * (hinted - expected);
            var spread = Math.Sqrt(Math.Max(prior * (1 - gain), 1e-6));
            var tail = Normal.UpperTail((Math.Log(elapsed) - center) / spread);
            var seconds = Math.Exp(center + spread * Normal.FromUpperTail(tail * StageDraws[draw]));
            _forecast.Add(Math.Max(0, seconds - elapsed) + later, weight * tail);
        }
    }

    /// <summary>
    /// What the fraction says of ln(duration), and how far it may be trusted (variance; infinite without a fraction). Read at
    /// the moment it last changed: at a standstill the time since then is no progress. But if the next step is later than
    /// a straight line would have it, the stage takes at least that line.
    /// </summary>
    (double Log, double Variance) Hint(StageModel model, double elapsed)
    {
        if (_fraction < FractionMin)
            return (0, double.PositiveInfinity);
        var at = Math.Max(_fractionAt - _startedAt, 1e-3);
        var seconds = Math.Max(at / _fraction, elapsed / Math.Min(1, _fraction + _step));
        var halvings = -Math.Log2(_fraction);
        // Steps that take times of their own: the spread of the way behind against the way ahead, 1 at the half.
        var spread = model.ProgressSd * model.ProgressSd * (1 - _fraction) / _fraction;
        var rounding = 0.01 / _fraction;
        return (Math.Log(seconds) - model.ProgressBias * halvings, spread + rounding * rounding);
    }

    void Learn(double residual, double variance) =>
        (_precision, _weightedMean) = Learnt(residual, variance, _precision, _weightedMean);

    static (double Precision, double WeightedMean) Learnt(double residual, double variance, double precision, double weighted)
    {
        var (mean, room) = (weighted / precision, ClipSd * Math.Sqrt(variance + 1 / precision));
        var clipped = Math.Clamp(residual, mean - room, mean + room);
        return (precision + 1 / variance, weighted + clipped / variance);
    }

    /// <summary>Draws the sum of the stages to come at run factor 1, in order of size.</summary>
    void DrawLater()
    {
        Array.Clear(_later);
        for (var dimension = 0; dimension < _pending.Count; dimension++)
        {
            var stage = _model.Stages[_pending[dimension]];
            var alpha = Math.Sqrt(Primes[dimension % Primes.Length]) % 1;
            for (var i = 0; i < LaterDraws; i++)
            {
                var u = (0.5 + (i + 1) * alpha) % 1;
                var z = u < WideShare
                    ? WideFactor * Normal.FromUpperTail((u + 1e-9) / WideShare)
                    : Normal.FromUpperTail((u - WideShare + 1e-9) / (1 - WideShare));
                _later[i] += Math.Exp(stage.Mean + stage.WithinSd * z);
            }
        }

        Array.Sort(_later);
    }

    double Later(int draw, double factor)
    {
        if (_pending.Count == 0)
            return 0;
        var place = LaterPlaces[draw] * (LaterDraws - 1);
        var below = (int)place;
        return Math.Exp(factor) * (_later[below] + (place - below) * (_later[Math.Min(below + 1, LaterDraws - 1)] - _later[below]));
    }

    void Advance(double now)
    {
        if (!double.IsFinite(now) || now < _now)
            throw new ArgumentOutOfRangeException(nameof(now), now, "The clock of a run goes forwards.");
        _now = now;
    }

    string Require() => _running ?? throw new InvalidOperationException("No stage is running.");

    static double LogLikelihood(double distance, double variance) => -(distance * distance / variance + Math.Log(variance)) / 2;

    static readonly int[] Primes = [2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37];

    /// <summary>One dimension of the quasi-random sequence of Roberts (2018) in three: evenly spread whatever the others do.</summary>
    static double[] Kronecker(int dimension, Func<double, double> shape)
    {
        // Root of x⁴ = x + 1.
        const double Root = 1.2207440846057596;
        var alpha = Math.Pow(1 / Root, dimension);
        return [.. Enumerable.Range(1, Draws).Select(i => shape((0.5 + i * alpha) % 1))];
    }
}
