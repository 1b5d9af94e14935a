using Streaming.FaultTests.Proof;
using Streaming.FaultTests.Rigs;
using Streaming.IntegrationTests.Fixtures;
using Xunit;

namespace Streaming.FaultTests;

/// <summary>kill -9 of PostgreSQL, all of its processes at once, while the service goes on.</summary>
public sealed class DatabaseKillTests
{
    static readonly TimeSpan AwayMax = TimeSpan.FromSeconds(2);

    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Database_that_is_killed_under_load_loses_no_message_and_the_service_needs_no_restart()
    {
        var kills = Faults.Pick(shortForm: 2, longForm: 5);
        var random = Faults.Random();
        await using var postgres = await PostgresProcess.StartAsync();
        var database = await postgres.CreateDatabaseAsync("killed");
        var port = ServiceProcess.FreePort();
        await using var service = await ServiceProcess.StartOnAsync(database, port, [.. Rig.Resilient, "--Models:Offline:TokensPerSecond=200"]);
        var before = await Aftermath.BeforeAsync(service, database);
        IReadOnlyCollection<ResumingReader> readers;
        await using (var load = new GenerationLoad(service.Client.BaseAddress!, streams: 16, ideas: 2, readersEach: 2))
        {
            for (var kill = 0; kill < kills; kill++)
            {
                var delivered = load.Delivered;
                await Eventually.TrueAsync(() => Task.FromResult(load.Delivered > delivered + 500), "messages arrive");
                await Task.Delay(random.NextTimeSpan(TimeSpan.Zero, TimeSpan.FromSeconds(1)), TimeProvider.System, Cancellation);
                await postgres.KillAsync();
                await Task.Delay(random.NextTimeSpan(TimeSpan.Zero, AwayMax), TimeProvider.System, Cancellation);
                await postgres.StartAgainAsync();
            }

            var atLast = load.Delivered;
            await Eventually.TrueAsync(() => Task.FromResult(load.Delivered > atLast + 500), "messages arrive after the last kill");
            readers = await load.FinishAsync(TimeSpan.FromSeconds(60));
        }

        var account = await Ledger.CompareAsync(database, readers, Cancellation);
        Report.Write("kill -9 and restart of PostgreSQL under load", kills, account);
        account.AssertComplete();
        Assert.False(service.HasExited);
        await before.AssertAsync();
    }
}
