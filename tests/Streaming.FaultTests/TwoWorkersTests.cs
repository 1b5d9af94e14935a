using System.Text.Json;
using Npgsql;
using Streaming.FaultTests.Proof;
using Streaming.FaultTests.Rigs;
using Streaming.IntegrationTests.Fixtures;
using Xunit;

namespace Streaming.FaultTests;

/// <summary>A transform is taken over from a worker that is still alive, and believes that it is its own.</summary>
public sealed class TwoWorkersTests(PostgresServer postgres)
{
    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Worker_whose_lease_was_taken_away_writes_nothing_more()
    {
        var takeovers = Faults.Pick(6, 100);
        var random = Faults.Random();
        var database = await Rig.DatabaseAsync(postgres, Cancellation);
        await using var first = await ServiceHost.StartAsync(postgres, Settings(), database);
        await using var second = await ServiceHost.StartAsync(postgres, Settings(), database);
        var before = await Aftermath.BeforeAsync(first);
        await using var source = NpgsqlDataSource.Create(database);

        Account account;
        var done = 0;
        await using (var proxy = new CuttableProxy([Of(first.Address), Of(second.Client.BaseAddress!)]))
        await using (var load = new GenerationLoad(proxy.Address, streams: 6, ideas: Faults.Pick(2, 4), readersEach: 2))
        {
            while (done < takeovers)
            {
                // Its worker knows nothing of this. Whoever looks next, which is every 0.7 s, takes it over.
                await using var expire = source.CreateCommand("update transforms set lease_expires_at = clock_timestamp() - interval '1 min' where status = 'running'");
                await expire.ExecuteNonQueryAsync(Cancellation);
                await Task.Delay(random.NextTimeSpan(TimeSpan.FromMilliseconds(50), TimeSpan.FromMilliseconds(700)), TimeProvider.System, Cancellation);
                await using var count = source.CreateCommand("select coalesce(sum(attempt - 1), 0)::int from transforms where attempt > 0");
                done = (int)(await count.ExecuteScalarAsync(Cancellation))!;
            }

            account = await Ledger.CompareAsync(database, await load.FinishAsync(TimeSpan.FromSeconds(60)), Cancellation);
        }

        Report.Write("lease taken from a worker that runs", done, account);
        account.AssertComplete();
        await AssertOneWriterAsync(source);
        await before.AssertAsync();
    }

    [Fact]
    public async Task Worker_that_was_frozen_for_longer_than_its_lease_writes_nothing_more()
    {
        var times = Faults.Pick(1, 10);
        var random = Faults.Random();
        var database = await Rig.DatabaseAsync(postgres, Cancellation);
        await using var first = await ServiceHost.StartAsync(postgres, Settings(), database);
        await using var second = await ServiceProcess.StartOnAsync(database, ServiceProcess.FreePort(), [.. Settings().Select(option => $"--{option.Key}={option.Value}")]);
        var before = await Aftermath.BeforeAsync(first);
        await using var source = NpgsqlDataSource.Create(database);

        Account account;
        var taken = 0;
        await using (var load = new GenerationLoad(first.Address, streams: 12, ideas: Faults.Pick(2, 6)))
        {
            for (var time = 0; time < times; time++)
            {
                await Eventually.TrueAsync(async () => await CountAsync($"status = 'running' and lease_owner like '%/{second.Id}/%'") > 0, "the second service runs something");
                await second.FreezeAsync();
                try
                {
                    taken += await CountAsync($"status = 'running' and lease_owner like '%/{second.Id}/%'");
                    await Eventually.TrueAsync(async () => await CountAsync($"status = 'running' and lease_owner like '%/{second.Id}/%'") == 0, "the first has taken over everything");
                    await Task.Delay(random.NextTimeSpan(TimeSpan.Zero, TimeSpan.FromSeconds(1)), TimeProvider.System, Cancellation);
                }
                finally
                {
                    await second.ContinueAsync();
                }
            }

            account = await Ledger.CompareAsync(database, await load.FinishAsync(TimeSpan.FromSeconds(60)), Cancellation);
        }

        Faults.Say($"{taken} generations were taken over from the frozen service");
        Report.Write("service frozen for longer than its leases", times, account);
        account.AssertComplete();
        Assert.True(taken > 0, "nothing was taken over");
        await AssertOneWriterAsync(source);
        await before.AssertAsync();

        async Task<int> CountAsync(string which)
        {
            await using var command = source.CreateCommand($"select count(*)::int from transforms where {which}");
            return (int)(await command.ExecuteScalarAsync(Cancellation))!;
        }
    }

    static IEnumerable<KeyValuePair<string, string>> Settings() => Rig.Settings(Rig.Resilient.Append("Models:Offline:TokensPerSecond=100"));

    /// <summary>
    /// What stands after the last take-over of a stream is the text of one worker: whole JSON. A single chunk of another one in
    /// between would break it.
    /// </summary>
    static async Task AssertOneWriterAsync(NpgsqlDataSource source)
    {
        await using var command = source.CreateCommand(
            """
            with taken as materialized (
                select transform_id, max(chunk_index) as taken_at from transform_chunks where chunk_type = 'info' group by transform_id
            )
            select c.transform_id, string_agg(c.chunk_data::jsonb ->> 'text', '' order by c.chunk_index)
            from transform_chunks as c join taken on taken.transform_id = c.transform_id and c.chunk_index > taken.taken_at
            where c.chunk_type = 'chunk' and c.chunk_data::jsonb ->> 'stage' = 'ideas'
            group by c.transform_id
            """);
        await using var reader = await command.ExecuteReaderAsync(Cancellation);
        var texts = 0;
        while (await reader.ReadAsync(Cancellation))
        {
            var text = reader.GetString(1);
            var json = text[text.IndexOf('{', StringComparison.Ordinal)..(text.LastIndexOf('}') + 1)];
            try
            {
                JsonDocument.Parse(json).Dispose();
            }
            catch (JsonException)
            {
                Assert.Fail($"seed {Faults.Seed}: {reader.GetGuid(0)} has the text of two workers: {text}");
            }

            texts++;
        }

        Assert.True(texts > 0, "no stream was taken over in the middle");
    }

    static System.Net.DnsEndPoint Of(Uri address) => new(address.Host, address.Port, System.Net.Sockets.AddressFamily.InterNetwork);
}
