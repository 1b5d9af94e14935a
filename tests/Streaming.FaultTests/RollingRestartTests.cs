using System.Net;
using Streaming.FaultTests.Proof;
using Streaming.FaultTests.Rigs;
using Streaming.IntegrationTests.Fixtures;
using Xunit;

namespace Streaming.FaultTests;

/// <summary>Two services behind a balancer, replaced one after the other under load, as every deployment does.</summary>
public sealed class RollingRestartTests(PostgresServer postgres)
{
    static readonly TimeSpan ProbeInterval = TimeSpan.FromMilliseconds(100);

    /// <summary>What the orchestrator gives a service before it would kill it.</summary>
    static readonly TimeSpan StopMax = TimeSpan.FromSeconds(5);

    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Rolling_restart_of_two_services_under_load_is_seen_by_no_client()
    {
        var restarts = Faults.Pick(shortForm: 2, longForm: 20);
        var random = Faults.Random();
        var database = await Rig.DatabaseAsync(postgres, Cancellation);
        string[] options = [.. Rig.Resilient, "--Models:Offline:TokensPerSecond=100"];
        int[] ports = [ServiceProcess.FreePort(), ServiceProcess.FreePort()];
        // At once: they migrate the empty database once between them.
        var services = await Task.WhenAll(ports.Select(port => ServiceProcess.StartOnAsync(database, port, options)));
        using var probing = new CancellationTokenSource();
        Task? balancing = null;
        try
        {
            await using var proxy = new CuttableProxy([.. ports.Select(Local)]);
            balancing = BalanceAsync(proxy, ports, probing.Token);
            var before = await Aftermath.BeforeAsync(services[0], database);
            IReadOnlyCollection<ResumingReader> readers;
            var slowest = TimeSpan.Zero;
            int refused;
            await using (var load = new GenerationLoad(proxy.Address, streams: 12, ideas: 2, readersEach: 4))
            {
                for (var restart = 0; restart < restarts; restart++)
                {
                    var turn = restart % services.Length;
                    var delivered = load.Delivered;
                    await Eventually.TrueAsync(() => Task.FromResult(load.Delivered > delivered + 500), "messages arrive");
                    await Task.Delay(random.NextTimeSpan(TimeSpan.Zero, TimeSpan.FromSeconds(1)), TimeProvider.System, Cancellation);
                    var began = TimeProvider.System.GetTimestamp();
                    await services[turn].TerminateAsync();
                    var took = TimeProvider.System.GetElapsedTime(began);
                    slowest = took > slowest ? took : slowest;
                    await services[turn].DisposeAsync();
                    services[turn] = await ServiceProcess.StartOnAsync(database, ports[turn], options);
                }

                readers = await load.FinishAsync(TimeSpan.FromSeconds(60));
                refused = load.Refused;
            }

            await probing.CancelAsync();
            await balancing;
            var account = await Ledger.CompareAsync(database, readers, Cancellation);
            Faults.Say($"a stop took {slowest.TotalSeconds:N1} s at most; {refused} requests for a new generation were sent again");
            Report.Write("rolling restart of two services by SIGTERM, under load", restarts, account);
            account.AssertComplete();
            Assert.True(slowest < StopMax, $"a stop took {slowest}");
            await before.AssertAsync(services[0]);
        }
        finally
        {
            await probing.CancelAsync();
            await (balancing ?? Task.CompletedTask);
            foreach (var service in services)
                await service.DisposeAsync();
        }
    }

    static IPEndPoint Local(int port) => new(IPAddress.Loopback, port);

    /// <summary>Sends new connections to those that say they are ready, as balancers do; to all if none does.</summary>
    static async Task BalanceAsync(CuttableProxy proxy, int[] ports, CancellationToken cancellation)
    {
        using var client = new HttpClient { Timeout = TimeSpan.FromSeconds(1) };
        while (!cancellation.IsCancellationRequested)
        {
            var ready = new List<EndPoint>();
            foreach (var port in ports)
                if (await IsReadyAsync(client, port))
                    ready.Add(Local(port));
            proxy.Targets = ready.Count > 0 ? ready : [.. ports.Select(Local)];
            await Task.Delay(ProbeInterval, TimeProvider.System, CancellationToken.None);
        }
    }

    static async Task<bool> IsReadyAsync(HttpClient client, int port)
    {
        try
        {
            using var response = await client.GetAsync(new Uri($"http://127.0.0.1:{port}/health/ready"));
            return response.IsSuccessStatusCode;
        }
        catch (Exception fault) when (fault is HttpRequestException or OperationCanceledException)
        {
            return false;
        }
    }
}
