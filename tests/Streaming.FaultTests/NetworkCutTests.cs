using Streaming.FaultTests.Proof;
using Streaming.FaultTests.Rigs;
using Streaming.IntegrationTests.Fixtures;
using Xunit;

namespace Streaming.FaultTests;

/// <summary>The network breaks connections wherever it likes: between frames, in a frame, in the headers.</summary>
public sealed class NetworkCutTests(PostgresServer postgres)
{
    const int CutAfterBytesMax = 40_000;

    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(CutKind.Fin)]
    [InlineData(CutKind.Rst)]
    public async Task Readers_whose_connections_are_cut_at_random_bytes_get_every_message_once(CutKind kind)
    {
        var connections = Faults.Pick(shortForm: 60, longForm: 400);
        var random = Faults.Random();
        var database = await Rig.DatabaseAsync(postgres, Cancellation);
        await using var host = await ServiceHost.StartAsync(postgres, Rig.Settings("Models:Offline:TokensPerSecond=100"), database);
        var before = await Aftermath.BeforeAsync(host);

        Account account;
        int cuts;
        await using (var proxy = new CuttableProxy(host.Address))
        {
            proxy.Plan = () => new Cut(random.NextInt64(1, CutAfterBytesMax), kind);
            await using var load = new GenerationLoad(proxy.Address, streams: 4, ideas: 2, readersEach: connections / 10);
            await Eventually.TrueAsync(() => Task.FromResult(proxy.PlannedCuts >= connections), $"{connections} connections were cut", TimeSpan.FromMinutes(2));
            proxy.Plan = null;
            account = await Ledger.CompareAsync(database, await load.FinishAsync(TimeSpan.FromSeconds(60)), Cancellation);
            cuts = proxy.PlannedCuts;
        }

        Report.Write($"network cut at random bytes, {kind.ToString().ToUpperInvariant()}", cuts, account);
        account.AssertComplete();
        Assert.True(account.Reconnects >= connections / 2, $"only {account.Reconnects} readers had to connect again");
        await before.AssertAsync();
    }
}
