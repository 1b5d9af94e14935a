using System.Net;
using Npgsql;
using Streaming.FaultTests.Proof;
using Streaming.FaultTests.Rigs;
using Streaming.IntegrationTests.Fixtures;
using Xunit;

namespace Streaming.FaultTests;

/// <summary>What the database is on has no free byte left, while generations stream.</summary>
public sealed class DiskFullTests(PostgresServer postgres)
{
    const int VolumeMiB = 256;

    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>Which disk.</summary>
    public enum Full
    {
        /// <summary>That of the tables: the server goes on and refuses to grow them (53100).</summary>
        Tables,

        /// <summary>That of the tables and of the write-ahead log: the server ends itself when it cannot write that.</summary>
        Everything,
    }

    /// <summary>What is full, and <c>Messages:RetryPatience</c>, which the fault outlasts or not.</summary>
    public static TheoryData<Full, string> Cases => new((IEnumerable<(Full, string)>)
        [(Full.Tables, "00:00:01"), (Full.Everything, "00:02:00"), .. Faults.Pick<(Full, string)[]>([], [(Full.Tables, "00:02:00"), (Full.Everything, "00:00:01")])]);

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task Generations_go_on_when_there_is_space_again(Full full, string retryPatience)
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "A file system that is small enough to be filled can only be mounted by root.");
        var random = Faults.Random();
        var times = Faults.Pick(1, 4);
        using var volume = new TemporaryVolume(VolumeMiB);
        await using var server = await PostgresProcess.StartAsync(full == Full.Everything ? volume.Path : null, new Dictionary<string, string>
        {
            ["max_wal_size"] = "64MB",
            ["min_wal_size"] = "32MB",
            ["shared_buffers"] = "16MB",
        });
        var database = await server.CreateDatabaseAsync("streaming");
        if (full == Full.Tables)
            await MoveAsync(server, volume);
        await using var host = await ServiceHost.StartAsync(
            postgres, Rig.Settings(Rig.Resilient.Append("Models:Offline:TokensPerSecond=300").Append($"Messages:RetryPatience={retryPatience}")), database);
        var before = await Aftermath.BeforeAsync(host);

        Account account;
        await using (var load = new GenerationLoad(host.Address, streams: 8, ideas: Faults.Pick(2, 4)))
        {
            for (var time = 0; time < times; time++)
            {
                var delivered = load.Delivered;
                await Eventually.TrueAsync(() => Task.FromResult(load.Delivered > delivered + 500), "messages arrive");
                volume.Fill();
                if (full == Full.Everything)
                    await FillLogAsync(server);
                await StandstillAsync(load);
                using (var live = await host.Client.GetAsync("/health/live", Cancellation))
                    Assert.Equal(HttpStatusCode.OK, live.StatusCode);
                if (full == Full.Tables)
                    // Reading needs no space.
                    await host.Client.StateAsync($"/api/ideations/{load.Readers.First().SessionId}");
                await Task.Delay(random.NextTimeSpan(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(Faults.Pick(3, 15))), TimeProvider.System, Cancellation);
                volume.Free();
                // It tries to recover by itself, and gives up when that needs space too.
                if (full == Full.Everything)
                    await Eventually.TrueAsync(async () => !server.IsRunning || await HasRecoveredAsync(server), "PostgreSQL has recovered or ended");
                if (!server.IsRunning)
                {
                    Faults.Say("PostgreSQL had ended itself, and is started again");
                    await server.StartAgainAsync();
                }
            }

            account = await Ledger.CompareAsync(database, await load.FinishAsync(TimeSpan.FromSeconds(60)), Cancellation);
            Faults.Say($"{load.Refused} POSTs were sent again");
        }

        Report.Write($"disk of the database full: {full.ToString().ToLowerInvariant()}, retried for {retryPatience}", times, account);
        account.AssertComplete();
        await using (var source = NpgsqlDataSource.Create(database))
        await using (var failed = source.CreateCommand("select count(*) filter (where status <> 'completed')::int from transforms"))
            Assert.Equal(0, await failed.ExecuteScalarAsync(Cancellation));
        await before.AssertAsync();
    }

    [Fact]
    public async Task Generation_that_cannot_begin_on_a_full_disk_waits_and_uses_up_no_attempts()
    {
        var database = await Rig.DatabaseAsync(postgres, Cancellation);
        await using var host = await ServiceHost.StartAsync(
            postgres, Rig.Settings(Rig.Resilient.Concat(["Transforms:LeaseSeconds=1", "Transforms:AttemptsMax=2", "Database:RequestPatience=00:00:00.2"])), database);
        await using var source = NpgsqlDataSource.Create(database);
        await ExecuteAsync(
            """
            create function full_disk() returns trigger language plpgsql as $$
            begin raise exception 'could not extend file: No space left on device' using errcode = 'disk_full'; end $$;
            create trigger full_disk before insert on transform_chunks for each row when (new.chunk_type = 'status') execute function full_disk()
            """);
        var made = await host.Client.IdeateAsync(ideaCount: 1);
        await Eventually.TrueAsync(async () => await ExecuteAsync("select max(attempt) from transforms") is >= 5, "it was begun again and again");
        await ExecuteAsync("drop trigger full_disk on transform_chunks");
        Assert.Equal("completed", (await host.Client.EndedAsync($"/api/ideations/{made.Id()}")).Status());
        Assert.Equal(0, await ExecuteAsync("select losses from transforms"));

        async Task<object?> ExecuteAsync(string sql)
        {
            await using var command = source.CreateCommand(sql);
            return await command.ExecuteScalarAsync(Cancellation);
        }
    }

    /// <summary>The free pages of the tables are used up, and nothing can be committed any more.</summary>
    static Task StandstillAsync(GenerationLoad load)
    {
        var (delivered, since) = (-1L, TimeProvider.System.GetTimestamp());
        return Eventually.TrueAsync(() =>
        {
            if (load.Delivered is var now && now != delivered)
                (delivered, since) = (now, TimeProvider.System.GetTimestamp());
            return Task.FromResult(TimeProvider.System.GetElapsedTime(since) > TimeSpan.FromSeconds(1.5));
        }, "nothing can be written any more", TimeSpan.FromSeconds(60));
    }

    static async Task<bool> HasRecoveredAsync(PostgresProcess server)
    {
        try
        {
            return await server.AnswersAsync();
        }
        catch (InvalidOperationException)
        {
            // It has ended between the two looks.
            return true;
        }
    }

    /// <summary>Writes into the log until it needs a file more than there is room for, and the server ends itself.</summary>
    static async Task FillLogAsync(PostgresProcess server)
    {
        await using var connection = new NpgsqlConnection($"{server.ConnectionString("postgres")};Pooling=false");
        try
        {
            await connection.OpenAsync(Cancellation);
            await using var command = new NpgsqlCommand("select pg_logical_emit_message(false, 'faults', repeat('x', 1000000))", connection);
            for (var megabytes = 0; megabytes < VolumeMiB; megabytes++)
                await command.ExecuteNonQueryAsync(Cancellation);
            Assert.Fail("the log has room left on a full disk");
        }
        catch (NpgsqlException fault)
        {
            Faults.Say($"the log is full: {fault.Message}");
        }
    }

    /// <summary>Moves the tables of the database to the volume; the write-ahead log stays where it is.</summary>
    static async Task MoveAsync(PostgresProcess server, TemporaryVolume volume)
    {
        var folder = Path.Combine(volume.Path, "tables");
        Directory.CreateDirectory(folder);
        await PostgresProcess.OwnAsync(folder);
        await using var source = NpgsqlDataSource.Create(server.ConnectionString("postgres"));
        foreach (var sql in (string[])[$"create tablespace volume location '{folder}'", "alter database streaming set tablespace volume"])
        {
            await using var command = source.CreateCommand(sql);
            await command.ExecuteNonQueryAsync(Cancellation);
        }
    }
}
