using Streaming.FaultTests.Proof;
using Streaming.FaultTests.Rigs;
using Streaming.IntegrationTests.Fixtures;
using Xunit;

namespace Streaming.FaultTests;

/// <summary>kill -9 of the service in mid-stream, again and again, and the next one on the same port.</summary>
public sealed class ServiceKillTests(PostgresServer postgres)
{
    const int Streams = 8;

    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Service_that_is_killed_at_random_moments_loses_no_message_of_any_stream()
    {
        var kills = Faults.Pick(shortForm: 4, longForm: 20);
        var random = Faults.Random();
        var database = await Rig.DatabaseAsync(postgres, Cancellation);
        string[] options = [.. Rig.Resilient, "--Models:Offline:TokensPerSecond=150"];
        var port = ServiceProcess.FreePort();
        var service = await ServiceProcess.StartOnAsync(database, port, options);
        try
        {
            var before = await Aftermath.BeforeAsync(service, database);
            IReadOnlyCollection<ResumingReader> readers;
            await using (var load = new GenerationLoad(service.Client.BaseAddress!, Streams, ideas: 2, readersEach: 2))
            {
                for (var kill = 0; kill < kills; kill++)
                {
                    // In mid-stream: not before something has come of this process.
                    var delivered = load.Delivered;
                    await Eventually.TrueAsync(() => Task.FromResult(load.Delivered > delivered + Streams), "messages arrive");
                    await Task.Delay(random.NextTimeSpan(TimeSpan.Zero, TimeSpan.FromSeconds(2)), TimeProvider.System, Cancellation);
                    await service.KillAsync();
                    await service.DisposeAsync();
                    service = await ServiceProcess.StartOnAsync(database, port, options);
                }

                readers = await load.FinishAsync(TimeSpan.FromSeconds(60));
            }

            var account = await Ledger.CompareAsync(database, readers, Cancellation);
            Report.Write("kill -9 of the service in mid-stream, 8 streams", kills, account);
            account.AssertComplete();
            Assert.True(account.Reconnects >= kills * Streams, $"only {account.Reconnects} reconnects: it was not killed in mid-stream");
            await before.AssertAsync(service);
        }
        finally
        {
            await service.DisposeAsync();
        }
    }
}
