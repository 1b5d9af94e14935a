using System.Diagnostics.Metrics;
using Npgsql;

namespace Streaming.IntegrationTests.Fixtures;

/// <summary>Counts the commands and batches that are sent to one database over pools of this process.</summary>
public sealed class QueryCount : IDisposable
{
    readonly MeterListener _listener = new();
    readonly string _database;
    int _total;

    public QueryCount(string connectionString)
    {
        _database = $"Database={new NpgsqlConnectionStringBuilder(connectionString).Database};";
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument is { Meter.Name: "Npgsql", Name: "db.client.operation.duration" or "db.client.commands.duration" })
                listener.EnableMeasurementEvents(instrument);
        };
        _listener.SetMeasurementEventCallback<double>((_, _, tags, _) =>
        {
            foreach (var tag in tags)
                if (tag.Value is string pool && pool.Contains(_database, StringComparison.Ordinal))
                    Interlocked.Increment(ref _total);
        });
        _listener.Start();
    }

    public int Total => _total;

    public void Dispose() => _listener.Dispose();
}
