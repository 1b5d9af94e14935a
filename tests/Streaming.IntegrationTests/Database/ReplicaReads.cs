using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Streaming.IntegrationTests.Fixtures;

namespace Streaming.IntegrationTests.Database;

/// <summary>What one service counts about its replica, from its meter.</summary>
public sealed class ReplicaReads : IDisposable
{
    readonly MeterListener _listener = new();
    readonly ConcurrentDictionary<(string Read, string Outcome), long> _counts = new();

    public ReplicaReads(ServiceHost host)
    {
        var meters = host.Service<IMeterFactory>();
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument is { Name: "streaming.replica.reads", Meter.Name: "Streaming" } && instrument.Meter.Scope == meters)
                listener.EnableMeasurementEvents(instrument);
        };
        _listener.SetMeasurementEventCallback<long>((_, count, tags, _) =>
        {
            var byName = tags.ToArray().ToDictionary(tag => tag.Key, tag => (string)tag.Value!);
            _counts.AddOrUpdate((byName["read"], byName["outcome"]), count, (_, before) => before + count);
        });
        _listener.Start();
    }

    public long this[string read, string outcome] => _counts.GetValueOrDefault((read, outcome));

    public void Dispose() => _listener.Dispose();
}
