using System.Text.Json;
using Dapper;
using Npgsql;
using Streaming.IntegrationTests.Fixtures;
using Streaming.Status;
using Xunit;

namespace Streaming.IntegrationTests.Status;

/// <summary>What instances write down of themselves, how it adds up, and how it is removed.</summary>
public sealed class SampleTests(PostgresServer postgres)
{
    static readonly KeyValuePair<string, string> EverySecond = new("Status:SampleInterval", "00:00:01");

    // Nothing is written but what the test itself asks for.
    static readonly KeyValuePair<string, string> EveryHour = new("Status:SampleInterval", "01:00:00");

    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Two_instances_write_for_the_same_moments_and_add_up()
    {
        await using var first = await ServiceHost.StartAsync(postgres, [EverySecond]);
        await using var second = await ServiceHost.StartAsync(postgres, [EverySecond], first.ConnectionString);
        var relay = (await first.Client.RelayAsync()).Id();
        // One reader here, two there.
        using var one = await first.Client.OpenStreamAsync($"/api/stream/relay/{relay}", cancellation: Cancellation);
        using var two = await second.Client.OpenStreamAsync($"/api/stream/relay/{relay}", cancellation: Cancellation);
        using var three = await second.Client.OpenStreamAsync($"/api/stream/relay/{relay}", cancellation: Cancellation);

        JsonElement point = default;
        await Eventually.TrueAsync(async () =>
        {
            point = Points(await first.Client.StateAsync("/api/v1/status/dashboard")).LastOrDefault();
            return point.ValueKind == JsonValueKind.Object && (point.Int("instances"), point.Int("open_streams")) == (2, 3);
        }, "a moment has the sums of both", TimeSpan.FromSeconds(60));
        // What each finds out about all is not added up.
        Assert.Equal(1, point.Int("active_streams"));

        await using var connection = new NpgsqlConnection(first.ConnectionString);
        var instances = (await connection.QueryAsync<string>("select distinct instance from status_samples")).ToList();
        Assert.Equal(new[] { first, second }.Select(host => host.Service<ServiceInstance>().Id).Order(), instances.Order());

        await Eventually.TrueAsync(async () => (await first.Client.StateAsync("/api/v1/status/system")).Int("open_streams") == 3, "one instance tells of all");
        var status = await first.Client.StateAsync("/api/v1/status/system");
        Assert.Equal(1, status.GetProperty("instance").Int("open_streams"));
        var other = Assert.Single(status.GetProperty("instances").EnumerateArray());
        Assert.Equal((second.Service<ServiceInstance>().Id, 2), (other.GetProperty("instance").GetString(), other.Int("open_streams")));
    }

    [Fact]
    public async Task Instance_that_has_gone_is_told_of_no_longer_and_its_history_stays()
    {
        await using var first = await ServiceHost.StartAsync(postgres, [EverySecond]);
        var second = await ServiceHost.StartAsync(postgres, [EverySecond], first.ConnectionString);
        await Eventually.TrueAsync(async () => (await first.Client.StateAsync("/api/v1/status/system")).GetProperty("instances").GetArrayLength() == 1, "the other is seen", TimeSpan.FromSeconds(60));
        var gone = second.Service<ServiceInstance>().Id;
        await second.DisposeAsync();

        await Eventually.TrueAsync(async () => (await first.Client.StateAsync("/api/v1/status/system")).GetProperty("instances").GetArrayLength() == 0, "the other has gone", TimeSpan.FromSeconds(60));
        await using var connection = new NpgsqlConnection(first.ConnectionString);
        Assert.True(await connection.ExecuteScalarAsync<bool>("select exists (select from status_samples where instance = @gone)", new { gone }));
    }

    [Fact]
    public async Task Samples_that_are_too_old_or_too_many_are_removed_the_oldest_first()
    {
        await using var host = await ServiceHost.StartAsync(postgres, [EveryHour, new("Status:KeptFor", "10:00:00"), new("Status:SamplesMax", "6")]);
        await using var connection = new NpgsqlConnection(host.ConnectionString);
        // Two instances for 20 hours: of the first, too old; of the rest, too many.
        await connection.ExecuteAsync("""
            insert into status_samples (taken_at, instance, role, open_streams, readers, slow_readers, runs, places, append_queue, messages_per_second, working_set_bytes, heap_bytes,
                                        memory_load, gc_pause_share, cpu_share, threads, active_streams, active_uploads, queued)
            select date_bin('1 hour', now(), 'epoch') - n * interval '1 hour', i, 'all', 1, 1, 0, 1, 69, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0
            from generate_series(2, 20) as n, unnest(array['a', 'b']) as i
            """);

        await host.Service<StatusSampler>().SampleAsync(Cancellation);

        var left = (await connection.QueryAsync<(DateTime At, string Instance)>("select taken_at, instance from status_samples order by taken_at desc, instance")).ToList();
        // Rows of a moment go together.
        Assert.InRange(left.Count, 5, 6);
        Assert.Equal(host.Service<ServiceInstance>().Id, left[0].Instance);
        Assert.Equal(["a", "b", "a", "b"], left.Skip(1).Take(4).Select(row => row.Instance));
        await connection.ExecuteAsync("delete from status_samples where instance in ('a', 'b')");
        await connection.ExecuteAsync("update status_samples set taken_at = taken_at - interval '11 hours'");
        await host.Service<StatusSampler>().SampleAsync(Cancellation);
        Assert.Equal(1, await connection.ExecuteScalarAsync<int>("select count(*)::int from status_samples"));
    }

    [Fact]
    public async Task Second_sample_for_a_moment_is_passed_over()
    {
        await using var host = await ServiceHost.StartAsync(postgres, [EveryHour]);
        for (var i = 0; i < 3; i++)
            await host.Service<StatusSampler>().SampleAsync(Cancellation);
        await using var connection = new NpgsqlConnection(host.ConnectionString);
        var moments = (await connection.QueryAsync<DateTime>("select taken_at from status_samples")).ToList();
        // The hour may have turned meanwhile.
        Assert.InRange(moments.Count, 1, 2);
        Assert.All(moments, moment => Assert.Equal((0, 0), (moment.Minute, moment.Second)));
    }

    [Fact]
    public async Task Worker_without_an_api_writes_its_samples_too()
    {
        await using var api = await ServiceHost.StartAsync(postgres, [EverySecond, new("Streaming:Role", "api")]);
        await using var worker = await ServiceHost.StartAsync(postgres, [EverySecond, new("Streaming:Role", "worker")], api.ConnectionString);
        await Eventually.TrueAsync(async () => (await api.Client.StateAsync("/api/v1/status/system")).GetProperty("instances").EnumerateArray()
            .Any(other => other.GetProperty("role").GetString() == "worker" && other.Int("places") > 64), "the worker is seen", TimeSpan.FromSeconds(60));
        Assert.Empty((await api.Client.StateAsync("/api/v1/status/system")).GetProperty("instance").GetProperty("queues").EnumerateArray());
    }

    static JsonElement.ArrayEnumerator Points(JsonElement dashboard) => dashboard.GetProperty("history").GetProperty("points").EnumerateArray();
}
