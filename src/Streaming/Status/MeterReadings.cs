using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Streaming.Telemetry;

namespace Streaming.Status;

/// <summary>How long something took within the last minute, in milliseconds; null where nothing was measured.</summary>
public sealed record Latency(long Count, double? P50Ms, double? P99Ms);

/// <summary>
/// Reads the meter <c>Streaming</c> inside the process, so that the status knows what the rooms measure without knowing the rooms. What it
/// keeps has a fixed size: of a histogram its buckets, of a counter its sum, by one attribute of few values.
/// </summary>
public sealed class MeterReadings : IDisposable
{
    readonly MeterListener _listener = new();
    readonly Dictionary<string, Reading> _readings;
    readonly ConcurrentDictionary<string, bool> _published = new();
    readonly Lock _polling = new();

    public MeterReadings(IMeterFactory meters, TimeProvider clock)
    {
        _readings = new()
        {
            ["streaming.delivery.duration"] = Seconds(),
            ["streaming.commit.duration"] = Seconds(),
            ["gen_ai.client.operation.duration"] = Seconds(),
            ["streaming.messages.delivered"] = new CounterReading(null, clock),
            ["streaming.readers.behind"] = new CounterReading(null, clock),
            ["streaming.catch_up.reads"] = new CounterReading(null, clock),
            ["streaming.model.faults"] = new CounterReading("error.type", clock),
            ["streaming.streams.open"] = new GaugeReading(),
            ["streaming.uploads.receiving"] = new GaugeReading(),
            ["streaming.websocket.connections.open"] = new GaugeReading(),
            ["streaming.files.active"] = new GaugeReading(),
            ["streaming.files.waiting"] = new GaugeReading(),
            ["streaming.files.backpressure.score"] = new GaugeReading(),
            ["streaming.files.backpressure.level"] = new GaugeReading(),
            ["streaming.files.memory.load"] = new GaugeReading(),
            ["streaming.files.bytes"] = new CounterReading("direction", clock),
            ["streaming.files.streams"] = new CounterReading("outcome", clock),
            ["streaming.files.memory.alerts"] = new CounterReading("level", clock),
            ["streaming.files.resumes"] = new CounterReading("outcome", clock),
            ["streaming.files.cleanup"] = new CounterReading("priority", clock),
            ["streaming.files.orphans"] = new CounterReading("what", clock),
            ["streaming.files.chunk.duration"] = Seconds(),
            ["streaming.files.chunk.size"] = new HistogramReading(new RecentDistribution(1, 9, clock)),
            ["streaming.files.throughput"] = new HistogramReading(new RecentDistribution(1, 10, clock)),
        };
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter.Name != ServiceMetrics.MeterName || instrument.Meter.Scope != meters || !_readings.TryGetValue(instrument.Name, out var reading))
                return;
            _published[instrument.Name] = true;
            listener.EnableMeasurementEvents(instrument, reading);
        };
        _listener.SetMeasurementEventCallback<long>(static (_, value, tags, reading) => ((Reading)reading!).Record(value, tags));
        _listener.SetMeasurementEventCallback<int>(static (_, value, tags, reading) => ((Reading)reading!).Record(value, tags));
        _listener.SetMeasurementEventCallback<double>(static (_, value, tags, reading) => ((Reading)reading!).Record(value, tags));
        _listener.Start();

        HistogramReading Seconds() => new(new RecentDistribution(0.0001, 6, clock));
    }

    /// <summary>Looks at the instruments that are looked at. Before the gauges are read.</summary>
    public void Poll()
    {
        lock (_polling)
            _listener.RecordObservableInstruments();
    }

    /// <summary>What a gauge, or a counter that goes up and down, shows; null if nobody has made it.</summary>
    public double? Gauge(string name) => _published.ContainsKey(name) ? ((GaugeReading)_readings[name]).Value : null;

    /// <summary>How many of a counter within the last minute.</summary>
    public long InLastMinute(string name) => ((CounterReading)_readings[name]).Recent.Sums()[0];

    /// <summary>How many of a counter a second, within the last minute.</summary>
    public double PerSecond(string name)
    {
        var recent = ((CounterReading)_readings[name]).Recent;
        return Math.Round(recent.Sums()[0] / Math.Max(1, recent.Elapsed.TotalSeconds), 2);
    }

    /// <summary>A counter since the start, by its attribute.</summary>
    public IReadOnlyDictionary<string, long> Totals(string name) =>
        ((CounterReading)_readings[name]).ByTag.OrderBy(pair => pair.Key, StringComparer.Ordinal).ToDictionary(pair => pair.Key, pair => pair.Value.Value);

    public Latency Latency(string name)
    {
        var (count, values) = ((HistogramReading)_readings[name]).Values.Read(0.5, 0.99);
        return new Latency(count, Milliseconds(values[0]), Milliseconds(values[1]));

        static double? Milliseconds(double? seconds) => seconds is { } known ? Math.Round(1000 * known, 2) : null;
    }

    /// <summary>The median within the last minute.</summary>
    public double? Median(string name) => ((HistogramReading)_readings[name]).Values.Read(0.5).Values[0] is { } value ? Math.Round(value) : null;

    public void Dispose() => _listener.Dispose();

    abstract class Reading
    {
        public abstract void Record(double value, ReadOnlySpan<KeyValuePair<string, object?>> tags);
    }

    sealed class GaugeReading : Reading
    {
        double _value;

        public double Value => Volatile.Read(ref _value);

        public override void Record(double value, ReadOnlySpan<KeyValuePair<string, object?>> tags) => Volatile.Write(ref _value, value);
    }

    sealed class HistogramReading(RecentDistribution values) : Reading
    {
        public RecentDistribution Values => values;

        public override void Record(double value, ReadOnlySpan<KeyValuePair<string, object?>> tags) => values.Add(value);
    }

    sealed class CounterReading(string? tag, TimeProvider clock) : Reading
    {
        // Attributes have few values by their nature; a mistake there must not grow without bound here.
        const int ValuesMax = 64;

        public RecentCounts Recent { get; } = new(1, clock);

        public ConcurrentDictionary<string, Sum> ByTag { get; } = new();

        public override void Record(double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
        {
            Recent.Add(0, (long)value);
            if (tag is null)
                return;
            foreach (var (name, given) in tags)
                if (name == tag && given?.ToString() is { } key && (ByTag.ContainsKey(key) || ByTag.Count < ValuesMax))
                    ByTag.GetOrAdd(key, static _ => new Sum()).Add((long)value);
        }
    }

    sealed class Sum
    {
        long _value;

        public long Value => Volatile.Read(ref _value);

        public void Add(long value) => Interlocked.Add(ref _value, value);
    }
}
