using System.Net;
using System.Text.Json;
using Streaming.FaultTests.Rigs;
using Streaming.IntegrationTests.Fixtures;
using Xunit;

namespace Streaming.FaultTests;

/// <summary>What the service tells of itself while its database is away, and what it keeps when all is over.</summary>
public sealed class StatusFaultTests(PostgresServer postgres)
{
    /// <summary>
    /// Managed memory that a run may leave behind: noise is about a megabyte for all of them, whether they are 100 or 1,200. What a reader is sent of
    /// one run is four times as much.
    /// </summary>
    const int HeapBytesEachMax = 8000;

    /// <summary>Of so many runs one comes with an upload: each costs a few processes.</summary>
    const int UploadEach = 20;

    /// <summary>64 by 64 pixels.</summary>
    static readonly byte[] Image = Convert.FromBase64String("iVBORw0KGgoAAAANSUhEUgAAAEAAAABACAIAAAAlC+aJAAAACXBIWXMAAAPoAAAD6AG1e1JrAAAAIklEQVRoge3BAQ0AAADCoPdPbQ8HFAAAAAAAAAAAAAAA8G4wQAAB9qDgAAAAAABJRU5ErkJggg==");

    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Without_its_database_the_service_says_what_it_knows_and_what_is_missing_and_the_history_has_a_gap()
    {
        await using var server = await PostgresProcess.StartAsync();
        var database = await server.CreateDatabaseAsync("status");
        await using var host = await ServiceHost.StartAsync(null!, Rig.Settings(["Status:SampleInterval=00:00:01", "Status:UpdateInterval=00:00:00.2"]), database);
        await Eventually.TrueAsync(async () => (await PointsAsync(host)).Count > 1, "there are samples");
        Assert.Equal("healthy", Text(await host.Client.StateAsync("/health/dependencies"), "status"));
        await using var events = host.Client.StreamAsync("/api/v1/status/stream", cancellation: Cancellation).GetAsyncEnumerator(Cancellation);
        Assert.True(await events.MoveNextAsync());

        await server.KillAsync();
        await Eventually.TrueAsync(async () =>
        {
            using var one = await host.Client.GetAsync("/health/dependencies/database", Cancellation);
            return one.StatusCode == HttpStatusCode.ServiceUnavailable;
        }, "it is seen to be away");
        using (var health = await host.Client.GetAsync("/health/dependencies", Cancellation))
            Assert.Equal(HttpStatusCode.ServiceUnavailable, health.StatusCode);
        var status = await host.Client.StateAsync("/api/v1/status/system");
        Assert.Equal("unhealthy", Text(status, "status"));
        Assert.All((string[])["active_streams", "queued", "average_stream_duration", "database"], name => Assert.Equal(JsonValueKind.Null, status.GetProperty(name).ValueKind));
        Assert.True(status.GetProperty("memory").GetProperty("heap_bytes").GetInt64() > 0);
        // The stream that is open says so too, and stays open.
        while (events.Current.Type != "figures" || Text(events.Current.Data.GetProperty("now"), "status") != "unhealthy")
            Assert.True(await events.MoveNextAsync());
        // As long as three samples.
        var away = TimeProvider.System.GetTimestamp();
        while (TimeProvider.System.GetElapsedTime(away) < TimeSpan.FromSeconds(3.5))
            Assert.True(await events.MoveNextAsync());
        await server.StartAgainAsync();
        while (events.Current.Type != "figures" || Text(events.Current.Data.GetProperty("now"), "status") != "healthy")
            Assert.True(await events.MoveNextAsync());
        while (events.Current.Type != "history")
            Assert.True(await events.MoveNextAsync());

        Assert.False(events.Current.Data.GetProperty("reset").GetBoolean());
        var points = await PointsAsync(host);
        Assert.Contains(points.Zip(points.Skip(1)), pair => pair.Second - pair.First >= TimeSpan.FromSeconds(3));
    }

    [Fact]
    public async Task Runs_and_readers_that_are_over_leave_no_memory_behind()
    {
        var runs = Faults.Pick(shortForm: 400, longForm: 2000);
        await using var host = await ServiceHost.StartAsync(postgres, Rig.Settings("Models:Offline:TokensPerSecond=0"), await Rig.DatabaseAsync(postgres, Cancellation));
        // What the first ones make, code and pools, stays.
        await RoundAsync(host, 200);
        var before = await HeapAsync();
        await RoundAsync(host, runs);

        long each = 0;
        await Eventually.TrueAsync(async () => (each = (await HeapAsync() - before) / runs) <= HeapBytesEachMax, "the memory is back", TimeSpan.FromSeconds(30));
        Faults.Say($"{each} bytes of heap for each of {runs} runs");
    }

    static async Task RoundAsync(ServiceHost host, int runs)
    {
        await Parallel.ForEachAsync(Enumerable.Range(0, runs), new ParallelOptions { MaxDegreeOfParallelism = 8, CancellationToken = Cancellation }, async (run, cancellation) =>
        {
            var id = (await host.Client.IdeateAsync($"Storm {run}")).Id();
            await host.Client.ReadStreamAsync($"/api/stream/ideation/{id}", cancellation: cancellation);
            if (run % UploadEach != 0)
                return;
            var upload = (await host.Client.UploadImageAsync(Image)).Id();
            await host.Client.ReadStreamAsync($"/api/stream/upload/{upload}", cancellation: cancellation);
        });
        await Eventually.TrueAsync(async () => (await host.Client.StateAsync("/api/v1/status/system")).GetProperty("instance").GetProperty("held")
            .EnumerateObject().All(count => count.Value.GetInt32() == 0), "nothing is held", TimeSpan.FromSeconds(30));
    }

    static async Task<long> HeapAsync()
    {
        // The pools of the runtime give back what they keep on a collection of this kind alone.
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        GC.WaitForPendingFinalizers();
        await Task.Yield();
        return GC.GetTotalMemory(forceFullCollection: true);
    }

    static async Task<List<DateTime>> PointsAsync(ServiceHost host) =>
        [.. (await host.Client.StateAsync("/api/v1/status/dashboard")).GetProperty("history").GetProperty("points").EnumerateArray().Select(point => point.GetProperty("at").GetDateTime())];

    static string Text(JsonElement json, string name) => json.GetProperty(name).GetString()!;
}
