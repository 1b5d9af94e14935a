using Npgsql;
using Streaming.FaultTests.Rigs;
using Streaming.IntegrationTests.Fixtures;
using Streaming.Subscriptions;
using Xunit;

namespace Streaming.FaultTests.Proof;

/// <summary>
/// What a fault must not leave behind: taken before it, compared after it, when load and readers have gone. Everything is
/// waited for, because pools, sockets and threads take their time to close.
/// </summary>
public sealed class Aftermath
{
    /// <summary>The loops of a service look into the database now and then, and may be caught doing so.</summary>
    const int DatabaseConnectionsTolerance = 2;

    /// <summary>Managed memory after a full collection; what a process keeps of what it was given back is its allocator's affair.</summary>
    const long HeapBytesTolerance = 16 * 1024 * 1024;

    const long ResidentBytesTolerance = 192 * 1024 * 1024;

    /// <summary>The thread pool gives threads back after 20 s of idleness.</summary>
    const int ThreadsTolerance = 24;

    /// <summary>A service that has worked holds some 30 more assemblies than one that has only started.</summary>
    const int HandlesTolerance = 64;

    /// <summary>Kestrel's pool of blocks gives them back within half a minute.</summary>
    static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    readonly string _connectionString;
    readonly ServiceHost? _host;
    readonly ServiceProcess? _process;
    readonly Level _before;

    readonly record struct Level(int DatabaseConnections, int Subscribers, int HttpConnections, long MemoryBytes, int Threads, int Handles);

    Aftermath(string connectionString, ServiceHost? host, ServiceProcess? process, Level before) =>
        (_connectionString, _host, _process, _before) = (connectionString, host, process, before);

    /// <summary>Before a fault, in the process of the tests.</summary>
    /// <param name="host">The service.</param>
    /// <param name="connectionString">That reaches its database directly; default the service's own.</param>
    public static async Task<Aftermath> BeforeAsync(ServiceHost host, string? connectionString = null) =>
        new(connectionString ?? host.ConnectionString, host, null, await MeasureAsync(connectionString ?? host.ConnectionString, host, null));

    /// <summary>Before a fault, in a process of its own.</summary>
    public static async Task<Aftermath> BeforeAsync(ServiceProcess process, string connectionString) =>
        new(connectionString, null, process, await MeasureAsync(connectionString, null, process));

    /// <summary>Everything is as it was, and every transform has ended or truly runs.</summary>
    public Task AssertAsync() => AssertAsync(_process);

    /// <summary>The same where another process has taken the place of the one that was measured before the fault.</summary>
    public async Task AssertAsync(ServiceProcess? successor)
    {
        await AssertTransformsAsync(_connectionString);
        Level now = default;
        try
        {
            await Eventually.TrueAsync(async () => Allows(now = await MeasureAsync(_connectionString, _host, successor)), "the levels are back", Deadline);
        }
        catch (TimeoutException)
        {
            Assert.Fail($"seed {Faults.Seed}: before {_before}\nafter {now}");
        }

        Faults.Say($"before {_before}, after {now}");
    }

    bool Allows(Level now) =>
        now.DatabaseConnections <= _before.DatabaseConnections + DatabaseConnectionsTolerance && now.Subscribers == 0
        && now.HttpConnections <= _before.HttpConnections
        && now.MemoryBytes <= _before.MemoryBytes + (_host is null ? ResidentBytesTolerance : HeapBytesTolerance)
        && now.Threads <= _before.Threads + ThreadsTolerance && now.Handles <= _before.Handles + HandlesTolerance;

    /// <summary>
    /// Each transform that has not ended, is not paused, and is no relay (which no worker runs) ends, or has a lease that
    /// grows; none stays in the queue, for these tests leave workers free.
    /// </summary>
    public static async Task AssertTransformsAsync(string connectionString)
    {
        await using var source = NpgsqlDataSource.Create(connectionString);
        var first = await OpenTransformsAsync(source);
        await Eventually.TrueAsync(async () =>
        {
            var now = await OpenTransformsAsync(source);
            return first.All(was => !now.TryGetValue(was.Key, out var lease) || lease > (was.Value ?? DateTime.MinValue));
        }, $"{first.Count} transforms have ended or truly run: {string.Join(", ", first.Keys)}", Deadline);
    }

    static async Task<Dictionary<Guid, DateTime?>> OpenTransformsAsync(NpgsqlDataSource source)
    {
        await using var command = source.CreateCommand(
            "select id, lease_expires_at from transforms where status in ('queued', 'running') and kind <> 'relay'");
        await using var reader = await command.ExecuteReaderAsync();
        var open = new Dictionary<Guid, DateTime?>();
        while (await reader.ReadAsync())
            open.Add(reader.GetGuid(0), reader.IsDBNull(1) ? null : reader.GetDateTime(1));
        return open;
    }

    static async Task<Level> MeasureAsync(string connectionString, ServiceHost? host, ServiceProcess? process)
    {
        if (host is not null)
        {
            // The pools of the runtime give back what they keep on a collection of this kind alone.
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
            GC.WaitForPendingFinalizers();
            GC.Collect();
        }

        var figures = ProcessFigures.Of(process?.Id ?? Environment.ProcessId);
        return new Level(
            await DatabaseConnectionsAsync(connectionString),
            host?.Service<LiveReaders>().SubscriberCount ?? 0,
            ProcessFigures.ConnectionsTo((host?.Address ?? process?.Client.BaseAddress)!.Port),
            host is null ? figures.ResidentBytes : GC.GetTotalMemory(forceFullCollection: false),
            figures.Threads,
            figures.Handles);
    }

    static async Task<int> DatabaseConnectionsAsync(string connectionString)
    {
        await using var connection = new NpgsqlConnection($"{connectionString};Pooling=false");
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(
            "select count(*)::int from pg_stat_activity where datname = current_database() and application_name like 'streaming%'", connection);
        return (int)(await command.ExecuteScalarAsync())!;
    }
}
