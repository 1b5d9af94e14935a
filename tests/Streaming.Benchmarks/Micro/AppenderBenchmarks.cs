using BenchmarkDotNet.Attributes;
using Npgsql;
using Streaming.Benchmarks.Service;
using Streaming.Messages;

namespace Streaming.Benchmarks.Micro;

/// <summary>One commit of the appender, of the messages of ten runs, on the embedded PostgreSQL with fsync on.</summary>
[MemoryDiagnoser]
public class AppenderBenchmarks
{
    readonly byte[] _data = [.. """{"stage":"ideas","text":"some words of the generated text"}"""u8];
    const int Runs = 10;

    const string MakeRuns =
        """
        with made as (select gen_random_uuid() as session_id, gen_random_uuid() as transform_id from generate_series(1, $1)), sessions_made as (
            insert into sessions (id, kind, user_id, input) select session_id, 'ideation', 'local', '{}' from made
        )
        insert into transforms (id, session_id, ordinal, kind, status, attempt) select transform_id, session_id, 1, 'ideation', 'running', 1 from made returning id, session_id
        """;

    readonly List<RunLease> _leases = [];
    DatabaseProcess _database = null!;
    NpgsqlDataSource _source = null!;
    NpgsqlConnection _connection = null!;

    [Params(10, 100, 1000)]
    public int Messages { get; set; }

    // Not async: the tool that runs it within this process does not wait for it.
    [GlobalSetup]
    public void Start() => StartAsync().GetAwaiter().GetResult();

    async Task StartAsync()
    {
        _database = await DatabaseProcess.StartAsync(CancellationToken.None);
        await using (await ServiceProcess.StartAsync(new ServiceSetup(_database), CancellationToken.None))
        {
            // It makes the tables.
        }

        _source = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(_database.ConnectionString) { MaxAutoPrepare = 64, AutoPrepareMinUsages = 2 });
        _connection = await _source.OpenConnectionAsync();
        await using var command = new NpgsqlCommand(MakeRuns, _connection) { Parameters = { new() { Value = Runs } } };
        await using var reader = await command.ExecuteReaderAsync();
        while (await reader.ReadAsync())
            _leases.Add(new RunLease(reader.GetGuid(0), reader.GetGuid(1), ordinal: 1, attempt: 1, nextIndex: 0));
    }

    [Benchmark]
    public async Task<int> CommitAsync()
    {
        var batch = new AppendBatch();
        for (var i = 0; i < Messages; i++)
        {
            var lease = _leases[i % Runs];
            batch.Add(new Append(lease, "chunk", _data) { Index = lease.NextIndex++, Time = TimeProvider.System.GetUtcNow() });
        }

        var lost = await batch.WriteAsync(_connection, TimeSpan.FromSeconds(1), CancellationToken.None);
        return lost.Count == 0 ? batch.Count : throw new BenchmarkException("A run has lost its lease.");
    }

    [GlobalCleanup]
    public void Stop() => StopAsync().GetAwaiter().GetResult();

    async Task StopAsync()
    {
        await _connection.DisposeAsync();
        await _source.DisposeAsync();
        await _database.DisposeAsync();
        _leases.ForEach(lease => lease.Dispose());
    }
}
