using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using Streaming.Status;
using Xunit;

namespace Streaming.Tests.Status;

/// <summary>What the status reads from the meter of the rooms.</summary>
public sealed class MeterReadingsTests : IDisposable
{
    readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();
    readonly MeterReadings _readings;
    readonly Meter _meter;

    public MeterReadingsTests()
    {
        var meters = _services.GetRequiredService<IMeterFactory>();
        _readings = new MeterReadings(meters, TimeProvider.System);
        _meter = meters.Create("Streaming");
    }

    public void Dispose()
    {
        _readings.Dispose();
        _services.Dispose();
    }

    [Fact]
    public void Gauge_that_nobody_has_made_is_unknown_and_one_that_is_there_is_as_of_the_last_look()
    {
        var connections = 3;
        _readings.Poll();
        Assert.Null(_readings.Gauge("streaming.websocket.connections.open"));

        _meter.CreateObservableUpDownCounter("streaming.websocket.connections.open", () => connections);
        _readings.Poll();
        Assert.Equal(3, _readings.Gauge("streaming.websocket.connections.open"));
        connections = 0;
        _readings.Poll();
        Assert.Equal(0, _readings.Gauge("streaming.websocket.connections.open"));
    }

    [Fact]
    public void Histogram_counter_and_attribute_are_read()
    {
        var delivery = _meter.CreateHistogram<double>("streaming.delivery.duration");
        for (var i = 1; i <= 100; i++)
            delivery.Record(i / 1000.0);
        var resumes = _meter.CreateCounter<long>("streaming.files.resumes");
        resumes.Add(2, new KeyValuePair<string, object?>("outcome", "continued"));
        resumes.Add(1, new KeyValuePair<string, object?>("outcome", "size"));
        var behind = _meter.CreateCounter<long>("streaming.readers.behind");
        behind.Add(1);
        behind.Add(1);

        var latency = _readings.Latency("streaming.delivery.duration");
        Assert.Equal(100, latency.Count);
        Assert.InRange(latency.P50Ms!.Value, 47, 53);
        Assert.InRange(latency.P99Ms!.Value, 93, 105);
        Assert.Equal(new Dictionary<string, long> { ["continued"] = 2, ["size"] = 1 }, _readings.Totals("streaming.files.resumes"));
        Assert.Equal(2, _readings.InLastMinute("streaming.readers.behind"));
    }

    [Fact]
    public void Attribute_with_more_values_than_it_should_have_does_not_grow_without_bound()
    {
        var orphans = _meter.CreateCounter<long>("streaming.files.orphans");
        for (var i = 0; i < 1000; i++)
            orphans.Add(1, new KeyValuePair<string, object?>("what", i));

        Assert.InRange(_readings.Totals("streaming.files.orphans").Count, 1, 64);
        Assert.Equal(1000, _readings.InLastMinute("streaming.files.orphans"));
    }

    [Fact]
    public void Meter_of_another_name_or_another_service_is_not_listened_to()
    {
        using var others = new ServiceCollection().AddMetrics().BuildServiceProvider();
        others.GetRequiredService<IMeterFactory>().Create("Streaming").CreateCounter<long>("streaming.readers.behind").Add(7);
        _services.GetRequiredService<IMeterFactory>().Create("Other").CreateCounter<long>("streaming.readers.behind").Add(7);

        Assert.Equal(0, _readings.InLastMinute("streaming.readers.behind"));
    }
}
