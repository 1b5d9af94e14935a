using System.Diagnostics;
using Npgsql;
using Streaming.FaultTests.Proof;
using Streaming.FaultTests.Rigs;
using Streaming.IntegrationTests.Fixtures;
using Xunit;

namespace Streaming.FaultTests;

/// <summary>Somebody has opened a transaction in the database, and gone to lunch.</summary>
public sealed class OpenTransactionTests(PostgresServer postgres)
{
    /// <summary>What one locked row may cost everybody else, once: <c>Messages:LockPatience</c> is 1 s.</summary>
    static readonly TimeSpan PauseMax = TimeSpan.FromSeconds(3);

    static readonly TimeSpan PauseMin = TimeSpan.FromSeconds(0.5);

    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Row_that_somebody_has_locked_holds_up_its_own_stream_alone()
    {
        var (held, times) = Faults.Pick((TimeSpan.FromSeconds(4), 1), (TimeSpan.FromSeconds(20), 5));
        var random = Faults.Random();
        var database = await Rig.DatabaseAsync(postgres, Cancellation);
        // The lease is far shorter than the lock is held: it must be kept for all the others.
        await using var host = await ServiceHost.StartAsync(postgres, Rig.Settings(Rig.Resilient.Append("Models:Offline:TokensPerSecond=100")), database);
        var before = await Aftermath.BeforeAsync(host);
        await using var source = NpgsqlDataSource.Create(database);

        Account account;
        var longest = TimeSpan.Zero;
        await using (var snapshot = await source.OpenConnectionAsync(Cancellation))
        await using (var load = new GenerationLoad(host.Address, streams: 8, ideas: 3))
        {
            // Holds a snapshot all the time: nothing that is deleted can be vacuumed away, and nothing else comes of it.
            await ExecuteAsync(snapshot, "begin isolation level repeatable read; select count(*) from transform_chunks");
            for (var time = 0; time < times; time++)
            {
                await using var holder = await source.OpenConnectionAsync(Cancellation);
                await using var transaction = await holder.BeginTransactionAsync(Cancellation);
                Guid locked = default;
                await Eventually.TrueAsync(async () =>
                {
                    await using var command = new NpgsqlCommand(
                        """
                        select id from transforms
                        where status = 'running' and started_at > clock_timestamp() - interval '2 s'
                          and exists (select from transform_chunks where transform_id = id and chunk_type = 'chunk')
                        limit 1 for update skip locked
                        """, holder);
                    return await command.ExecuteScalarAsync(Cancellation) is Guid id && (locked = id) == id;
                }, "a transform that has begun to write was locked");
                var artifacts = await ArtifactsAsync(source, locked);
                longest = Max(longest, await LongestPauseAsync(source, locked, held));
                Assert.Equal(artifacts, await ArtifactsAsync(source, locked));
                await transaction.RollbackAsync(Cancellation);
                await Task.Delay(random.NextTimeSpan(TimeSpan.FromSeconds(0.5), TimeSpan.FromSeconds(2)), TimeProvider.System, Cancellation);
            }

            account = await Ledger.CompareAsync(database, await load.FinishAsync(TimeSpan.FromSeconds(90)), Cancellation);
            await ExecuteAsync(snapshot, "rollback");
        }

        Faults.Say($"longest pause of all the others together: {longest.TotalMilliseconds:F0} ms, lock held {held.TotalSeconds} s");
        Report.Write($"row of a running transform locked for {held.TotalSeconds} s", times, account);
        account.AssertComplete();
        Assert.True(longest > PauseMin, "the lock was in nobody's way");
        Assert.True(longest < PauseMax, $"one locked row stopped all streams for {longest}");
        await using (var attempts = source.CreateCommand("select count(*) filter (where attempt > 1)::int from transforms"))
            Assert.InRange((int)(await attempts.ExecuteScalarAsync(Cancellation))!, 0, times);
        await before.AssertAsync();
    }

    /// <summary>The longest time for which no message of another transform was committed.</summary>
    static async Task<TimeSpan> LongestPauseAsync(NpgsqlDataSource source, Guid locked, TimeSpan watched)
    {
        var (watch, longest, since, count) = (Stopwatch.StartNew(), TimeSpan.Zero, TimeSpan.Zero, -1L);
        while (watch.Elapsed < watched)
        {
            await using var command = source.CreateCommand($"select count(*) from transform_chunks where transform_id <> '{locked}'");
            if ((long)(await command.ExecuteScalarAsync(Cancellation))! is var now && now != count)
                (count, since) = (now, watch.Elapsed);
            longest = Max(longest, watch.Elapsed - since);
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, Cancellation);
        }

        return longest;
    }

    /// <summary>Artifacts of a transform; storing one needs the lock. A generation has one every 2 s.</summary>
    static async Task<long> ArtifactsAsync(NpgsqlDataSource source, Guid transform)
    {
        await using var command = source.CreateCommand($"select count(*) from transform_outputs where transform_id = '{transform}'");
        return (long)(await command.ExecuteScalarAsync(Cancellation))!;
    }

    static TimeSpan Max(TimeSpan one, TimeSpan other) => one > other ? one : other;

    static async Task ExecuteAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(Cancellation);
    }
}
