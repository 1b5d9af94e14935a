using System.Text.Json;
using Dapper;
using Npgsql;
using Streaming.IntegrationTests.Fixtures;
using Streaming.Subscriptions;
using Streaming.Tests.Images;
using Xunit;

namespace Streaming.IntegrationTests.Status;

/// <summary>Nothing of what has ended stays in the memory of the process.</summary>
public sealed class HeldTests(PostgresServer postgres)
{
    const int Generations = 50;
    const int Uploads = 20;

    static readonly TimeSpan LeaveTime = TimeSpan.FromSeconds(30);

    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Process_holds_nothing_of_fifty_generations_and_twenty_uploads_half_a_minute_after_their_end()
    {
        await using var host = await ServiceHost.StartAsync(postgres, [new("Models:Offline:TokensPerSecond", "300"), new("Images:ProgramTimeout", "00:02:00"), new("Uploads:ReceivedAtOnceMax", "100")]);
        var seen = 0;
        using var watching = new CancellationTokenSource();
        var watch = WatchAsync();
        var ends = await Task.WhenAll(Enumerable.Range(0, Generations).Select(i => GenerateAsync(i)).Concat(Enumerable.Range(0, Uploads).Select(i => UploadAsync(i))));
        await watching.CancelAsync();
        await watch;

        Assert.All(ends, end => Assert.Equal("end", end));
        // It can see what it is to see nothing of.
        Assert.True(seen > 0, "nothing was ever held");
        JsonElement held = default;
        await Eventually.TrueAsync(async () =>
        {
            held = (await host.Client.StateAsync("/api/v1/status/system")).GetProperty("instance").GetProperty("held");
            return held.EnumerateObject().All(count => count.Value.GetInt32() == 0);
        }, "nothing is held", LeaveTime);
        Assert.Equal(9, held.EnumerateObject().Count());

        async Task<string> GenerateAsync(int i)
        {
            var id = (await host.Client.IdeateAsync($"Storm {i}")).Id();
            // A reader, a waiting read, and one that leaves in the middle.
            var waiting = WaitAsync($"/api/ideations/{id}");
            await foreach (var _ in host.Client.StreamAsync($"/api/stream/ideation/{id}", cancellation: Cancellation))
                break;
            var events = await host.Client.ReadStreamAsync($"/api/stream/ideation/{id}", cancellation: Cancellation);
            await waiting;
            return events[^1].Type;
        }

        async Task<string> UploadAsync(int i)
        {
            var id = (await host.Client.UploadImageAsync(TestImages.Png(64 + i, 64))).Id();
            return (await host.Client.ReadStreamAsync($"/api/stream/upload/{id}", cancellation: Cancellation))[^1].Type;
        }

        async Task WaitAsync(string path)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, path);
            request.Headers.Add("Prefer", "wait=2");
            using var response = await host.Client.SendAsync(request, Cancellation);
        }

        async Task WatchAsync()
        {
            while (!watching.IsCancellationRequested)
            {
                var status = await host.Client.StateAsync("/api/v1/status/system");
                seen = Math.Max(seen, status.GetProperty("instance").GetProperty("held").EnumerateObject().Sum(count => count.Value.GetInt32()));
            }
        }
    }

    [Fact]
    public async Task Window_of_a_stream_that_has_ended_is_garbage()
    {
        await using var host = await ServiceHost.StartAsync(postgres);
        var window = await StreamedAsync(host);
        await Eventually.TrueAsync(() =>
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
            return Task.FromResult(!window.IsAlive);
        }, "nobody holds the window any more", LeaveTime);
    }

    /// <summary>In a method of its own, so that nothing of it lives on in a local.</summary>
    static async Task<WeakReference> StreamedAsync(ServiceHost host)
    {
        var readers = host.Service<LiveReaders>();
        var relay = (await host.Client.RelayAsync()).Id();
        await using var events = host.Client.StreamAsync($"/api/stream/relay/{relay}", cancellation: Cancellation).GetAsyncEnumerator(Cancellation);
        Assert.True(await events.MoveNextAsync());
        var window = await WindowAsync(host, readers, relay);
        await host.Client.PostJsonAsync($"/api/relays/{relay}/end", null);
        while (await events.MoveNextAsync())
        {
        }

        await Eventually.TrueAsync(() => Task.FromResult(readers.Count == 0), "the stream is over");
        return window;
    }

    static async Task<WeakReference> WindowAsync(ServiceHost host, LiveReaders readers, string sessionId)
    {
        await using var connection = new NpgsqlConnection(host.ConnectionString);
        var transform = await connection.ExecuteScalarAsync<Guid>("select id from transforms where session_id = @sessionId::uuid", new { sessionId });
        var subscriber = new Subscriber(TimeProvider.System);
        var window = readers.Subscribe(subscriber, new StreamTarget(Guid.Parse(sessionId), transform, 1, -1));
        Assert.Equal(2, window.SubscriberCount);
        readers.Unsubscribe(subscriber, window);
        return new WeakReference(window);
    }
}
