using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Streaming.IntegrationTests.Fixtures;
using Streaming.Telemetry;

namespace Streaming.IntegrationTests.Telemetry;

/// <summary>What one service measures, by instrument.</summary>
public sealed class Measurements : IDisposable
{
    readonly MeterListener _listener = new();
    readonly ConcurrentDictionary<string, Instrument> _instruments = new();
    readonly ConcurrentQueue<(string Name, double Value, string Tags)> _all = new();

    public Measurements(ServiceHost host)
    {
        var meters = host.Service<IMeterFactory>();
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter.Name != ServiceMetrics.MeterName || instrument.Meter.Scope != meters)
                return;
            _instruments[instrument.Name] = instrument;
            listener.EnableMeasurementEvents(instrument);
        };
        _listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Add(instrument, value, tags));
        _listener.SetMeasurementEventCallback<int>((instrument, value, tags, _) => Add(instrument, value, tags));
        _listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Add(instrument, value, tags));
        _listener.Start();
    }

    public IEnumerable<Instrument> Instruments => _instruments.Values;

    /// <summary>Values of an instrument since the beginning; of one that is looked at, what it shows now.</summary>
    public IReadOnlyList<double> this[string name, string tags = ""] =>
        [.. Collected().Where(one => one.Name == name && one.Tags.Contains(tags, StringComparison.Ordinal)).Select(one => one.Value)];

    /// <summary>Attributes of all measurements.</summary>
    public IReadOnlyList<string> Tags(string name) => [.. Collected().Where(one => one.Name == name).Select(one => one.Tags)];

    List<(string Name, double Value, string Tags)> Collected()
    {
        lock (_listener)
        {
            var recorded = _all.Where(one => !_instruments[one.Name].IsObservable).ToList();
            _all.Clear();
            recorded.ForEach(_all.Enqueue);
            _listener.RecordObservableInstruments();
            return [.. _all];
        }
    }

    void Add(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags) =>
        _all.Enqueue((instrument.Name, value, string.Join(' ', tags.ToArray().Select(tag => $"{tag.Key}={tag.Value}").Order())));

    public void Dispose() => _listener.Dispose();
}
