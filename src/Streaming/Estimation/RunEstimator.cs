namespace Streaming.Estimation;

/// <summary>
/// Time estimates of one run: what <see cref="RunForecaster"/> draws, as it is shown (<see cref="Countdown"/>), and how far it
/// may be trusted (<see cref="Calibration"/>). Kept for the run alone. One caller at a time; no clock of its own.
/// </summary>
public sealed class RunEstimator
{
    /// <summary>The total holds if the whole takes within this share of it.</summary>
    public const double Tolerance = 0.2;

    // Runs before a reliability is stated; between the two only if earlier statements were checked.
    const int RunsMin = 3, RunsEnough = 5, CheckedRunsMin = 30;
    // Without history: the spread of the run factor from which something is shown, about a factor of two either way.
    const double KnownSd = 0.7;
    const double RemainingMin = 0.5;
    const double SilentTail = 0.01;
    // Estimates of a run that its outcome is made from: one in a 32nd of the first total; at the limit every other one goes.
    const int SamplesMax = 128;
    const double SampleShare = 1.0 / 32, SampleSecondsMin = 0.05;

    readonly DurationModel _model;
    readonly Calibration _calibration;
    readonly RunForecaster _forecaster;
    readonly Countdown _countdown = new();
    readonly List<Sample> _samples = new(SamplesMax);
    double? _startedAt;
    double _eventAt;
    double _sampledAt = double.NegativeInfinity;
    double _sampleInterval;
    int _sampleWeight = 1;
    bool _isRetried;

    readonly record struct Sample(double At, double Total, double Stated, double[] AtLevels);

    /// <param name="model">What the past says of these stages.</param>
    /// <param name="stages">Names of the stages of this run, in order; with <see cref="DurationModel.QueueStage"/> first, if that is estimated.</param>
    /// <param name="calibration">How earlier estimates turned out; <see cref="Calibration.None"/> if that is not known.</param>
    public RunEstimator(DurationModel model, IEnumerable<string> stages, Calibration calibration)
    {
        (_model, _calibration) = (model, calibration);
        _forecaster = new RunForecaster(model, stages);
    }

    /// <inheritdoc cref="RunForecaster.HalfSeconds"/>
    public double? HalfSeconds => _forecaster.HalfSeconds;

    /// <inheritdoc cref="RunForecaster.Begin"/>
    public void Begin(string stage, double now)
    {
        _forecaster.Begin(stage, now);
        _eventAt = now;
        if (stage != DurationModel.QueueStage)
            _startedAt ??= now;
    }

    /// <inheritdoc cref="RunForecaster.Restart"/>
    public void Restart(double now)
    {
        _forecaster.Restart(now);
        (_eventAt, _isRetried) = (now, true);
    }

    /// <inheritdoc cref="RunForecaster.Report"/>
    public void Report(double fraction, double now)
    {
        if (_forecaster.Report(fraction, now))
            _eventAt = now;
    }

    /// <inheritdoc cref="RunForecaster.Complete"/>
    public void Complete(double now)
    {
        _forecaster.Complete(now);
        _eventAt = now;
    }

    /// <inheritdoc cref="RunForecaster.Skip"/>
    public void Skip(string stage) => _forecaster.Skip(stage);

    /// <summary>What to say at this moment.</summary>
    public Estimate At(double now)
    {
        var forecast = _forecaster.At(now);
        var elapsed = _startedAt is { } startedAt ? now - startedAt : 0;
        if (_model.Runs == 0 && forecast.Spread > KnownSd)
            return new Estimate(elapsed, null, null, null, EstimateReasons.NoHistory);

        var median = forecast.Remaining(0.5);
        var (remaining, hasRisen) = _countdown.Show(median, elapsed + median, now);
        var raised = hasRisen ? WhyRaised(now) : null;
        var total = elapsed + remaining;
        var stated = forecast.Within((1 - Tolerance) * total - elapsed, (1 + Tolerance) * total - elapsed);
        Note(now, total, stated, forecast);

        var p90 = Math.Max(remaining, forecast.Remaining(_calibration.Level90));
        if (remaining < RemainingMin)
            return new Estimate(elapsed, null, p90, null, IsSilent(now) ? EstimateReasons.LongerThanUsual : EstimateReasons.Finishing, raised);
        return WhyUnreliable(now) is { } reason
            ? new Estimate(elapsed, remaining, p90, null, reason, raised)
            : new Estimate(elapsed, remaining, p90, _calibration.Reliability(stated), null, raised);
    }

    /// <summary>How the estimates of this run turned out, now that it has completed. To be stored and added up.</summary>
    public EstimateOutcome Outcome(double now)
    {
        var outcome = new EstimateOutcome();
        if (_startedAt is not { } startedAt || _samples.Count == 0)
            return outcome;
        foreach (var sample in _samples)
        {
            var off = Math.Abs(now - startedAt - sample.Total);
            outcome.Count(_sampleWeight, sample.Stated, off <= Tolerance * sample.Total, sample.AtLevels, now - sample.At);
        }

        outcome.EndRun();
        return outcome;
    }

    /// <summary>
    /// How far the total that was told at half time was off, as a share of what the run took; null if none was told by then. To be
    /// asked when the run has completed.
    /// </summary>
    public double? HalfTimeError(double now)
    {
        if (_startedAt is not { } startedAt || now <= startedAt)
            return null;
        var half = (startedAt + now) / 2;
        for (var i = _samples.Count - 1; i >= 0; i--)
            if (_samples[i].At <= half)
                return Math.Abs(_samples[i].Total - (now - startedAt)) / (now - startedAt);
        return null;
    }

    /// <summary>On a clock of its own: counted by message, runs that report often would outweigh the others.</summary>
    void Note(double now, double total, double stated, Forecast forecast)
    {
        if (_startedAt is null || now - _sampledAt < _sampleInterval)
            return;
        if (_samples.Count == 0)
            _sampleInterval = Math.Max(SampleSecondsMin, SampleShare * total);
        if (_samples.Count == SamplesMax)
        {
            for (var i = 0; i < SamplesMax / 2; i++)
                _samples[i] = _samples[2 * i];
            _samples.RemoveRange(SamplesMax / 2, SamplesMax / 2);
            // Each stands for twice the time from now on: otherwise late runs would count for less than they lasted.
            _sampleInterval *= 2;
            _sampleWeight *= 2;
            if (now - _samples[^1].At < _sampleInterval)
                return;
        }

        _sampledAt = now;
        _samples.Add(new Sample(now, total, stated, [.. EstimateOutcome.Levels.Select(forecast.Remaining)]));
    }

    string? WhyUnreliable(double now)
    {
        if (_model.Runs < RunsMin || (_model.Runs < RunsEnough && _calibration.Runs < CheckedRunsMin))
            return EstimateReasons.TooLittleHistory;
        if (_model.ModelChanged)
            return EstimateReasons.ModelChanged;
        if (_forecaster.Pending.Append(_forecaster.Running).Any(stage => stage is not null && _model.Stages[stage].Runs == 0))
            return EstimateReasons.NewStage;
        return IsSilent(now) ? EstimateReasons.LongerThanUsual : null;
    }

    bool IsSilent(double now) => _forecaster.Running is { } stage && _forecaster.UsualTail(stage, now - _eventAt) < SilentTail;

    string WhyRaised(double now)
    {
        if (_isRetried)
        {
            _isRetried = false;
            return RaiseReasons.StageRetried;
        }

        return _forecaster.Running is { } stage && _forecaster.UsualTail(stage, _forecaster.StageSeconds(now)) < 0.3
            ? RaiseReasons.StageLate
            : RaiseReasons.SlowerThanUsual;
    }
}
