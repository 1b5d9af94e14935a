using System.Diagnostics;
using Npgsql;
using Streaming.FaultTests.Proof;
using Streaming.FaultTests.Rigs;
using Streaming.IntegrationTests.Fixtures;
using Xunit;

namespace Streaming.FaultTests;

/// <summary>A disk that needs half a second to make anything durable.</summary>
public sealed class SlowCommitTests(PostgresServer postgres)
{
    /// <summary>What a commit then takes; the locks of its transaction are held meanwhile, as by a real disk.</summary>
    static readonly TimeSpan CommitTime = TimeSpan.FromSeconds(0.5);

    /// <summary>A deferred trigger runs in the commit; once a transaction, however many rows it has written.</summary>
    const string SlowDown =
        """
        create function slow_commit() returns trigger language plpgsql as $$
        begin
            if coalesce(current_setting('faults.committing', true), '') <> pg_current_xact_id()::text then
                perform set_config('faults.committing', pg_current_xact_id()::text, true);
                perform pg_sleep(0.5);
            end if;
            return null;
        end $$;
        create constraint trigger slow_commit after insert on transform_chunks deferrable initially deferred for each row execute function slow_commit();
        create constraint trigger slow_commit after insert or update on transforms deferrable initially deferred for each row execute function slow_commit()
        """;

    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Commits_of_half_a_second_make_larger_batches_and_slow_no_reader_down()
    {
        var (streams, ideas) = Faults.Pick((12, 1), (60, 4));
        Faults.Random();
        var database = await Rig.DatabaseAsync(postgres, Cancellation);
        await using var host = await ServiceHost.StartAsync(postgres,
            Rig.Settings("Models:Offline:TokensPerSecond=100", "Transforms:LeaseSeconds=6"), database);
        var before = await Aftermath.BeforeAsync(host);
        await using var source = NpgsqlDataSource.Create(database);
        await using (var slow = source.CreateCommand(SlowDown))
            await slow.ExecuteNonQueryAsync(Cancellation);

        Account account;
        var gets = new List<TimeSpan>();
        await using (var load = new GenerationLoad(host.Address, streams, ideas, readersEach: 2))
        {
            await Eventually.TrueAsync(() => Task.FromResult(load.Readers.Count >= streams * 2), "every generation was accepted");
            var done = load.FinishAsync(TimeSpan.FromSeconds(120));
            while (!done.IsCompleted)
            {
                var watch = Stopwatch.StartNew();
                await host.Client.StateAsync($"/api/ideations/{load.Readers.First().SessionId}");
                gets.Add(watch.Elapsed);
                await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System, Cancellation);
            }

            account = await Ledger.CompareAsync(database, await done, Cancellation);
        }

        gets.Sort();
        var median = gets[gets.Count / 2];
        var commits = (long)await ScalarAsync("select count(distinct xmin::text) from transform_chunks");
        var messages = (long)await ScalarAsync("select count(*) from transform_chunks");
        var longest = (double)await ScalarAsync("select max(extract(epoch from ended_at - started_at))::float8 from transforms");
        Faults.Say($"{messages} messages in {commits} commits, {messages / commits} each; GETs: median {median.TotalMilliseconds:F0} ms, slowest {gets[^1].TotalMilliseconds:F0} ms; longest generation {longest:F1} s");
        Report.Write("commits delayed by 500 ms", (int)commits, account);
        account.AssertComplete();
        Assert.True(messages / commits >= streams * 2, $"{messages} messages needed {commits} commits");
        // One may be slow for other reasons; if they waited for commits, all would.
        Assert.True(median < CommitTime / 2, $"GETs took {median}, as if they waited for other people's commits");
        Assert.Equal(1, await ScalarAsync("select max(attempt) from transforms"));
        await before.AssertAsync();

        async Task<object> ScalarAsync(string sql)
        {
            await using var command = source.CreateCommand(sql);
            return (await command.ExecuteScalarAsync(Cancellation))!;
        }
    }
}
