using Dapper;
using Npgsql;
using Streaming.IntegrationTests.Fixtures;
using Streaming.Tests.Images;
using Xunit;

namespace Streaming.IntegrationTests.Transforms;

/// <summary>The order in which uploads are taken, how many at once, and that none is lost.</summary>
public sealed class UploadQueueTests(PostgresServer postgres)
{
    static readonly byte[] Image = TestImages.Png(64, 64);

    // Nothing is claimed by chance: a worker with one place takes one after the other.
    static KeyValuePair<string, string>[] Worker(string agedAfter) =>
        [new("Uploads:Concurrency", "1"), new("Transforms:AgedAfter", agedAfter), new("Images:ProgramTimeout", "00:02:00")];

    [Fact]
    public async Task Queue_is_taken_by_priority_and_then_by_age()
    {
        await using var api = await ServiceHost.StartAsync(postgres, [new("Streaming:Role", "api")]);
        var asked = new List<string>();
        foreach (var priority in (string[])["low", "normal", "high", "urgent", "low", "normal", "high", "urgent"])
            asked.Add((await api.Client.UploadImageAsync(Image, $"?priority={priority}")).Id());
        await using var worker = await ServiceHost.StartAsync(postgres, Worker("1.00:00:00"), api.ConnectionString);

        Assert.Equal([asked[3], asked[7], asked[2], asked[6], asked[1], asked[5], asked[0], asked[4]], await TakenAsync(api, asked.Count));
    }

    [Fact]
    public async Task What_has_waited_too_long_has_every_other_turn_and_never_two_in_a_row()
    {
        await using var api = await ServiceHost.StartAsync(postgres, [new("Streaming:Role", "api")]);
        List<string> low = [], urgent = [];
        for (var i = 0; i < 3; i++)
            low.Add((await api.Client.UploadImageAsync(Image, "?priority=low")).Id());
        await ExecuteAsync(api, "update transforms set created_at = created_at - interval '1 hour'");
        for (var i = 0; i < 5; i++)
            urgent.Add((await api.Client.UploadImageAsync(Image, "?priority=urgent")).Id());
        await using var worker = await ServiceHost.StartAsync(postgres, Worker("00:30:00"), api.ConnectionString);

        Assert.Equal([low[0], urgent[0], low[1], urgent[1], low[2], urgent[2], urgent[3], urgent[4]], await TakenAsync(api, 8));
    }

    [Fact]
    public async Task Urgent_upload_gets_the_next_place_ahead_of_a_full_queue_and_no_more_run_at_once_than_may()
    {
        Assert.SkipUnless(TestImages.CanMake, "needs vips (libvips-tools)");
        await using var host = await ServiceHost.StartAsync(postgres, [
            new("Transforms:AgedAfter", "1.00:00:00"), new("Images:ProgramTimeout", "00:05:00"), new("Models:Offline:TokensPerSecond", "0")]);
        var photo = await TestImages.PhotoAsync(900, 600, ".jpg[Q=90]");
        for (var i = 0; i < 25; i++)
            await host.Client.UploadImageAsync(photo, "?priority=normal");
        var urgent = (await host.Client.UploadImageAsync(photo, "?priority=urgent")).Id();
        await using var connection = new NpgsqlConnection(host.ConnectionString);
        var answered = await connection.ExecuteScalarAsync<DateTime>("select clock_timestamp()");
        // What a model writes has places of its own.
        var ideation = (await host.Client.IdeateAsync()).Id();
        Assert.Equal("completed", (await host.Client.EndedAsync($"/api/ideations/{ideation}")).Status());
        var runningMax = 0;
        await Eventually.TrueAsync(async () =>
        {
            var (running, waiting) = await connection.QuerySingleAsync<(int, int)>(
                "select count(*) filter (where status = 'running')::int, count(*) filter (where status in ('queued', 'running'))::int from transforms where kind = 'upload'");
            runningMax = Math.Max(runningMax, running);
            return waiting == 0;
        }, "all uploads have ended", TimeSpan.FromMinutes(4));

        Assert.InRange(runningMax, 1, 5);
        var (ahead, failed) = await connection.QuerySingleAsync<(int, int)>("""
            select count(*) filter (where t.started_at > @answered and t.started_at < u.started_at)::int, count(*) filter (where t.status <> 'completed')::int
            from transforms as t, transforms as u where t.kind = 'upload' and u.session_id = @urgent::uuid
            """, new { answered, urgent });
        // A claim that was under way does not see what was asked for meanwhile.
        Assert.InRange(ahead, 0, 1);
        Assert.Equal(0, failed);
    }

    [Fact]
    public async Task Uploads_that_were_answered_survive_kill_9_of_the_service_and_are_finished_by_the_next()
    {
        Assert.SkipUnless(TestImages.CanMake, "needs vips (libvips-tools)");
        using var directory = new TemporaryDirectory();
        var photo = await TestImages.PhotoAsync(1600, 1200, ".jpg[Q=90]");
        var service = await ServiceProcess.StartAsync(directory.Path, "--Images:ProgramTimeout=00:02:00");
        try
        {
            var ids = new List<string>();
            foreach (var priority in (string[])["low", "normal", "urgent", "normal", "low", "high", "normal", "low"])
                ids.Add((await service.Client.UploadImageAsync(photo, $"?priority={priority}")).Id());
            await service.KillAsync();
            await service.DisposeAsync();
            service = await ServiceProcess.StartAsync(directory.Path, "--Images:ProgramTimeout=00:02:00");
            var restarts = 0;
            foreach (var id in ids)
            {
                var state = await service.Client.EndedAsync($"/api/uploads/{id}");
                Assert.Equal(("completed", photo.Length), (state.Status(), state.GetProperty("originalSize").GetInt32()));
                var events = await service.Client.ReadStreamAsync($"/api/stream/upload/{id}");
                Assert.Equal(Enumerable.Range(0, events.Count), events.Select(e => e.Index!.Value));
                restarts += events.Count(e => e.Type == "info" && e.Data.GetProperty("code").GetString() == "restarted");
            }

            Assert.InRange(restarts, 1, 5);
        }
        finally
        {
            await service.DisposeAsync();
        }
    }

    /// <summary>The sessions of uploads in the order in which workers took them, once all have ended.</summary>
    static async Task<string[]> TakenAsync(ServiceHost host, int count)
    {
        string[] taken = [];
        await using var connection = new NpgsqlConnection(host.ConnectionString);
        await Eventually.TrueAsync(async () =>
        {
            taken = [.. (await connection.QueryAsync<Guid>("select session_id from transforms where kind = 'upload' and status = 'completed' order by started_at")).Select(id => id.ToString())];
            return taken.Length == count;
        }, "all uploads are done", TimeSpan.FromMinutes(2));
        return taken;
    }

    static async Task ExecuteAsync(ServiceHost host, string sql)
    {
        await using var connection = new NpgsqlConnection(host.ConnectionString);
        await connection.ExecuteAsync(sql);
    }
}
