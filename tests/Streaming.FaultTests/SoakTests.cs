using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Npgsql;
using Streaming.FaultTests.Proof;
using Streaming.FaultTests.Rigs;
using Streaming.IntegrationTests.Fixtures;
using Xunit;

namespace Streaming.FaultTests;

/// <summary>
/// Two services on one database under load for a long time, with a fault every few seconds: 10 s in the short form, 2 min
/// in the long one, and 30 min with <c>STREAMING_FAULTS=soak</c> (or <c>STREAMING_SOAK_MINUTES</c>), which writes the
/// section of docs/reliability.md.
/// </summary>
public sealed class SoakTests(PostgresServer postgres)
{
    /// <summary>At 30 tokens a second each, some 2,000 chunks a second.</summary>
    const int Streams = 66;

    const int Visitors = 10;

    /// <summary>Two services that each could run all streams alone; messages stay for 90 s after the end, so the table has a bound.</summary>
    static readonly string[] Options =
    [
        .. Rig.Resilient, "--Transforms:LeaseSeconds=5", "--Transforms:AttemptsMax=1000000", "--Transforms:Concurrency=80", "--Models:Offline:TokensPerSecond=30",
        "--Subscriptions:HeartbeatInterval=00:00:02", "--Retention:GracePeriod=00:01:30", "--Retention:Interval=00:00:05",
    ];

    static readonly TimeSpan SampleInterval = TimeSpan.FromSeconds(10);
    static readonly TimeSpan FaultIntervalMin = TimeSpan.FromSeconds(2);
    static readonly TimeSpan FaultIntervalMax = TimeSpan.FromSeconds(6);

    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    static TimeSpan Duration => Environment.GetEnvironmentVariable("STREAMING_SOAK_MINUTES") is { Length: > 0 } minutes
        ? TimeSpan.FromMinutes(double.Parse(minutes, CultureInfo.InvariantCulture))
        : Faults.IsSoak ? TimeSpan.FromMinutes(30) : Faults.Pick(TimeSpan.FromSeconds(10), TimeSpan.FromMinutes(2));

    [Fact]
    public async Task Two_services_under_load_and_faults_lose_nothing_and_do_not_grow()
    {
        var duration = Duration;
        var random = Faults.Random();
        var database = await Rig.DatabaseAsync(postgres, Cancellation);
        await using var first = await ServiceHost.StartAsync(postgres, Rig.Settings(Options), database);
        await using var second = await ServiceProcess.StartOnAsync(database, ServiceProcess.FreePort(), Options);
        var before = await Aftermath.BeforeAsync(first);
        await using var source = NpgsqlDataSource.Create($"{database};Application Name=soak");

        var account = new Account();
        var samples = new List<Levels>();
        var tried = new ConcurrentDictionary<string, int>();
        SoakReport.Start();
        await using (var proxy = new CuttableProxy([Of(first.Address), Of(second.Client.BaseAddress!)]))
        {
            await using var load = new GenerationLoad(proxy.Address, Streams, ideas: Faults.IsSoak ? 4 : Faults.Pick(1, 4), readersEach: 2, async ended =>
            {
                // Before retention removes what it is to be compared with.
                var found = await Ledger.CompareAsync(database, ended, CancellationToken.None);
                lock (account)
                    account.Add(found);
            });
            using var over = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
            var watch = Stopwatch.StartNew();
            var visitors = Enumerable.Range(0, Visitors).Select(number => VisitAsync(proxy.Address, load, Faults.Random(1000 + number), over.Token)).ToList();
            var faults = BreakAsync(proxy, second, source, random, tried, over.Token);
            while (watch.Elapsed < duration)
            {
                var rest = duration - watch.Elapsed;
                await Task.Delay(rest < SampleInterval ? rest : SampleInterval, TimeProvider.System, Cancellation);
                samples.Add(await Levels.MeasureAsync(watch.Elapsed, first, second, source, load.Delivered, tried.Values.Sum(), Cancellation));
                lock (account)
                    SoakReport.Add(samples[^1], account);
            }

            await over.CancelAsync();
            await Task.WhenAll([faults, .. visitors]);
            await load.FinishAsync(TimeSpan.FromSeconds(90));
            Faults.Say($"{load.Refused} POSTs were sent again");
        }

        Report.Write("soak: two services, everything at random", tried.Values.Sum(), account);
        var steady = samples.Where(sample => sample.At > duration / 6).ToList();
        if (Faults.IsSoak)
            SoakReport.Document(samples, steady, tried, account);
        account.AssertComplete();
        if (Faults.IsSoak)
        {
            Assert.InRange(Levels.Slope(steady, at => at.HeapMiB), double.MinValue, 0.5);
            Assert.InRange(Levels.Slope(steady, at => at.ResidentMiB), double.MinValue, 2);
            Assert.InRange(Levels.Slope(steady, at => at.Threads), double.MinValue, 0.5);
            Assert.InRange(Levels.Slope(steady, at => at.DatabaseConnections), double.MinValue, 0.5);
        }

        await before.AssertAsync();
    }

    /// <summary>A fault every few seconds, until it is cancelled; leaves nothing broken.</summary>
    static async Task BreakAsync(
        CuttableProxy proxy, ServiceProcess second, NpgsqlDataSource database, Random random, ConcurrentDictionary<string, int> tried, CancellationToken over)
    {
        (string Name, Func<Task> Do)[] faults =
        [
            ("every connection cut with FIN", () => { proxy.Cut(CutKind.Fin); return Task.CompletedTask; }),
            ("every connection cut with RST", () => { proxy.Cut(CutKind.Rst); return Task.CompletedTask; }),
            ("network down for up to 2 s", async () => { proxy.Down(); await PauseAsync(2); proxy.Up(); }),
            ("network silent for up to 3 s", async () => { proxy.Blackhole(); await PauseAsync(3); proxy.Pass(); }),
            ("LISTEN connections ended", () => TerminateAsync("application_name = 'streaming listener'")),
            ("up to 4 database connections ended", () =>
                TerminateAsync($"pid in (select pid from pg_stat_activity where application_name = 'streaming' and datname = current_database() order by random() limit {random.Next(1, 5)})")),
            ("every database connection ended", () => TerminateAsync("application_name like 'streaming%'")),
            ("one service frozen for up to 8 s, its lease is 5 s", async () =>
            {
                await second.FreezeAsync();
                await PauseAsync(8);
                await second.ContinueAsync();
            }),
        ];
        while (await WaitAsync(random.NextTimeSpan(FaultIntervalMin, FaultIntervalMax), over))
        {
            var (name, fault) = faults[random.Next(faults.Length)];
            await fault();
            tried.AddOrUpdate(name, 1, (_, times) => times + 1);
        }

        Task PauseAsync(double secondsMax) => Task.Delay(random.NextTimeSpan(TimeSpan.FromSeconds(0.2), TimeSpan.FromSeconds(secondsMax)), TimeProvider.System, CancellationToken.None);

        async Task TerminateAsync(string which)
        {
            await using var command = database.CreateCommand($"select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and {which}");
            await command.ExecuteNonQueryAsync(CancellationToken.None);
        }
    }

    /// <summary>Looks into streams at random and goes away without a word, until it is cancelled.</summary>
    static async Task VisitAsync(Uri address, GenerationLoad load, Random random, CancellationToken over)
    {
        using var client = Rig.Client(address);
        while (await WaitAsync(random.NextTimeSpan(TimeSpan.Zero, TimeSpan.FromSeconds(1)), over))
        {
            if (load.Readers is not { Count: > 0 } readers)
                continue;
            using var stay = CancellationTokenSource.CreateLinkedTokenSource(over);
            stay.CancelAfter(random.NextTimeSpan(TimeSpan.FromMilliseconds(1), TimeSpan.FromSeconds(2)));
            try
            {
                using var response = await client.OpenStreamAsync($"/api/stream/ideation/{readers.ElementAt(random.Next(readers.Count)).SessionId}", null, stay.Token);
                Assert.True(response.StatusCode is HttpStatusCode.OK or HttpStatusCode.NoContent, $"a visitor was answered {response.StatusCode}");
                await response.Content.CopyToAsync(Stream.Null, stay.Token);
            }
            catch (Exception fault) when (fault is OperationCanceledException or HttpRequestException or IOException or SocketException)
            {
                // It had seen enough, or was cut like all others.
            }
        }
    }

    /// <summary>False once it is cancelled.</summary>
    static async Task<bool> WaitAsync(TimeSpan time, CancellationToken over)
    {
        await Task.Delay(time, TimeProvider.System, over).ContinueWith(_ => { }, TaskScheduler.Default);
        return !over.IsCancellationRequested;
    }

    static DnsEndPoint Of(Uri address) => new(address.Host, address.Port, AddressFamily.InterNetwork);
}
