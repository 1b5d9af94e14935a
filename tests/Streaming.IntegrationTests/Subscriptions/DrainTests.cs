using System.Diagnostics;
using System.Net;
using Npgsql;
using Streaming.IntegrationTests.Fixtures;
using Xunit;

namespace Streaming.IntegrationTests.Subscriptions;

/// <summary>A service that is told to stop: nobody is stranded, and nobody else is overrun.</summary>
public sealed class DrainTests(PostgresServer postgres)
{
    static readonly TimeSpan DrainTime = TimeSpan.FromSeconds(2);

    Task<ServiceHost> StartAsync(TimeSpan drainTime, string? database = null, string tokensPerSecond = "0") => ServiceHost.StartAsync(
        postgres, [new("Subscriptions:DrainTime", $"{drainTime}"), new("Models:Offline:TokensPerSecond", tokensPerSecond)], database);

    [Fact]
    public async Task Streams_are_told_to_reconnect_at_moments_of_their_own()
    {
        const int Streams = 100;
        await using var host = await StartAsync(DrainTime);
        var relay = await host.Client.RelayAsync();
        var path = $"/api/stream/relay/{relay.Id()}";
        var began = Enumerable.Range(0, Streams).Select(_ => new TaskCompletionSource()).ToArray();
        var readers = began.Select(start => FarewellAsync(host.Client, path, start)).ToArray();
        await Task.WhenAll(began.Select(start => start.Task));

        var stopped = Stopwatch.GetTimestamp();
        var stopping = host.StopAsync();
        var moments = (await Task.WhenAll(readers)).Select(at => Stopwatch.GetElapsedTime(stopped, at).TotalSeconds).Order().ToArray();
        await stopping;

        // At random over two seconds: a tenth is told before the half of the time, and a tenth after it.
        Assert.True(moments[Streams / 10] < DrainTime.TotalSeconds / 2, $"{moments[Streams / 10]}");
        Assert.True(moments[^(Streams / 10)] > DrainTime.TotalSeconds / 2, $"{moments[^(Streams / 10)]}");
    }

    [Fact]
    public async Task Service_answers_while_it_drains_but_is_not_ready()
    {
        await using var host = await StartAsync(DrainTime);
        var relay = await host.Client.RelayAsync();
        var stopping = host.StopAsync();
        await Eventually.TrueAsync(async () => (await host.Client.GetAsync("/health/ready")).StatusCode == HttpStatusCode.ServiceUnavailable, "readiness is off");

        Assert.Equal("streaming", (await host.Client.StateAsync($"/api/relays/{relay.Id()}")).Status());
        // Somebody whom the load balancer still sends here gets what there is, and then the advice to come again.
        var late = new TaskCompletionSource();
        await FarewellAsync(host.Client, $"/api/stream/relay/{relay.Id()}", late);
        Assert.True(late.Task.IsCompletedSuccessfully);
        await stopping;
    }

    [Fact]
    public async Task Generations_are_handed_over_before_the_streams_have_gone()
    {
        await using var host = await StartAsync(TimeSpan.FromSeconds(4), tokensPerSecond: "20");
        var path = $"/api/ideations/{(await host.Client.IdeateAsync(ideaCount: 5)).Id()}";
        await Eventually.TrueAsync(async () => (await host.Client.StateAsync(path)).GetProperty("streamingData").GetProperty("chunks").GetArrayLength() > 0, "it streams");
        await using var other = await StartAsync(TimeSpan.Zero, host.ConnectionString);

        var stopping = host.StopAsync();
        var ended = await other.Client.EndedAsync(path);

        Assert.Equal("completed", ended.Status());
        Assert.False(stopping.IsCompleted);
        await stopping;
        await using var connection = new NpgsqlConnection(host.ConnectionString);
        await connection.OpenAsync(TestContext.Current.CancellationToken);
        await using var losses = new NpgsqlCommand("select sum(losses) from transforms", connection);
        Assert.Equal(0L, await losses.ExecuteScalarAsync(TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Waiting_read_is_answered()
    {
        await using var host = await StartAsync(TimeSpan.FromSeconds(1));
        var path = $"/api/relays/{(await host.Client.RelayAsync()).Id()}";
        using var first = await host.Client.GetAsync(path);
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.Add("Prefer", "wait=30");
        request.Headers.IfNoneMatch.Add(first.Headers.ETag!);
        var waiting = host.Client.SendAsync(request);
        var stopping = host.StopAsync();

        using var answer = await waiting;
        Assert.Equal(HttpStatusCode.NotModified, answer.StatusCode);
        await stopping;
    }

    /// <summary>Reads until the connection is cut, and returns when it was told so.</summary>
    static async Task<long> FarewellAsync(HttpClient client, string path, TaskCompletionSource began)
    {
        long? told = null;
        try
        {
            await foreach (var item in client.StreamAsync(path))
            {
                if (item.Type == "start")
                    began.SetResult();
                if (item.Type == "status" && item.Data.TryGetProperty("reconnect", out _))
                    told = Stopwatch.GetTimestamp();
                Assert.NotEqual("end", item.Type);
            }
        }
        catch (IOException)
        {
        }

        return told ?? throw new InvalidOperationException("The connection was cut without a word.");
    }
}
