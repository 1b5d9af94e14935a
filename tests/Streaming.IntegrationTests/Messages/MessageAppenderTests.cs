using System.Collections.Concurrent;
using System.Text;
using Npgsql;
using Streaming.IntegrationTests.Fixtures;
using Streaming.Messages;
using Xunit;

namespace Streaming.IntegrationTests.Messages;

/// <summary>Group commit: all or nothing for what belongs together, and no run harmed by another's fault.</summary>
public sealed class MessageAppenderTests(ServiceFixture service) : IClassFixture<ServiceFixture>
{
    MessageAppender Appender => service.Host.Service<MessageAppender>();

    [Fact]
    public async Task Messages_of_many_runs_are_committed_in_order_and_without_gaps()
    {
        var leases = await Task.WhenAll(Enumerable.Range(0, 30).Select(_ => LeaseAsync()));
        await Task.WhenAll(leases.Select(async lease =>
        {
            var last = Message(lease, "0");
            for (var i = 0; i < 200; i++)
                await Appender.EnqueueAsync(last = Message(lease, $"{i};"), TestContext.Current.CancellationToken);
            await last.Committed.WaitAsync(TimeSpan.FromSeconds(20));
        }));
        foreach (var lease in leases)
            Assert.Equal(string.Concat(Enumerable.Range(0, 200).Select(i => $"{i};")), await TextAsync(lease));
    }

    [Fact]
    public async Task Run_whose_attempt_was_raised_writes_nothing_and_finds_out()
    {
        var (fenced, other) = (await LeaseAsync(), await LeaseAsync());
        await ExecuteAsync($"update transforms set attempt = attempt + 1 where id = '{fenced.TransformId}'");
        var (refused, taken) = (Message(fenced, "x"), Message(other, "y"));
        await Appender.EnqueueAsync(refused, default);
        await Appender.EnqueueAsync(taken, default);
        await taken.Committed.WaitAsync(TimeSpan.FromSeconds(20));
        await Assert.ThrowsAsync<LeaseLostException>(() => refused.Committed.WaitAsync(TimeSpan.FromSeconds(20)));
        Assert.True(fenced.Lost.IsCancellationRequested || fenced.LostReason is not null);
        Assert.Equal("", await TextAsync(fenced));
        Assert.Equal("y", await TextAsync(other));
        await Assert.ThrowsAsync<LeaseLostException>(() => Appender.EnqueueAsync(Message(fenced, "z"), default).AsTask());
    }

    [Fact]
    public async Task Message_the_database_refuses_harms_only_its_own_run()
    {
        var (bad, good) = (await LeaseAsync(), await LeaseAsync());
        var poison = new Append(bad, "chunk", "{\"text\":\"\0\"}"u8.ToArray());
        var (before, after) = (Message(good, "a"), Message(good, "b"));
        await Task.WhenAll(
            Appender.EnqueueAsync(before, default).AsTask(), Appender.EnqueueAsync(poison, default).AsTask(), Appender.EnqueueAsync(after, default).AsTask());
        await Task.WhenAll(before.Committed, after.Committed).WaitAsync(TimeSpan.FromSeconds(20));
        await Assert.ThrowsAsync<LeaseLostException>(() => poison.Committed.WaitAsync(TimeSpan.FromSeconds(20)));
        Assert.True(bad.IsUnstorable);
        Assert.Equal("ab", await TextAsync(good));
    }

    [Fact]
    public async Task Run_whose_row_somebody_has_locked_holds_up_no_other_and_goes_on_in_order()
    {
        var (locked, other) = (await LeaseAsync(), await LeaseAsync());
        // Not pooled: one of the tests kills every connection but its own.
        await using var holder = new NpgsqlConnection($"{service.Host.ConnectionString};Pooling=false");
        await holder.OpenAsync();
        await using var transaction = await holder.BeginTransactionAsync();
        await using (var command = new NpgsqlCommand($"select from transforms where id = '{locked.TransformId}' for update", holder))
            await command.ExecuteNonQueryAsync();
        var first = new Append(locked, "artifact", "{}"u8.ToArray()) { Artifact = new ArtifactChange(Guid.CreateVersion7(), "note", 0, "{}") };
        await Appender.EnqueueAsync(first, default);
        var last = Message(locked, "");
        var behind = Task.Run(async () =>
        {
            for (var i = 0; i < 20; i++)
                await Appender.EnqueueAsync(last = Message(locked, $"{i};"), default);
        });
        for (var i = 0; i < 20; i++)
        {
            var message = Message(other, $"{i};");
            await Appender.EnqueueAsync(message, default);
            await message.Committed.WaitAsync(TimeSpan.FromSeconds(5));
        }

        Assert.False(first.Committed.IsCompleted);
        Assert.Null(locked.LostReason);
        await transaction.RollbackAsync();
        await behind.WaitAsync(TimeSpan.FromSeconds(20));
        await last.Committed.WaitAsync(TimeSpan.FromSeconds(20));
        Assert.Equal(string.Concat(Enumerable.Range(0, 20).Select(i => $"{i};")), await TextAsync(locked));
        Assert.Equal(string.Concat(Enumerable.Range(0, 20).Select(i => $"{i};")), await TextAsync(other));
    }

    [Fact]
    public async Task Artifact_stage_and_status_stand_or_fall_with_their_message()
    {
        var lease = await LeaseAsync();
        await ExecuteAsync($"insert into transform_stages (transform_id, stage, position, weight, label) values ('{lease.TransformId}', 's', 1, 1, 'S')");
        var artifact = new ArtifactChange(Guid.CreateVersion7(), "note", 0, """{"x":1}""");
        await Appender.EnqueueAsync(new Append(lease, "artifact", "{}"u8.ToArray()) { Artifact = artifact, Stage = new StageChange("s", "completed") }, default);
        var end = new Append(lease, "end", "{}"u8.ToArray()) { Finish = new Finish("completed", null) };
        await Appender.EnqueueAsync(end, default);
        await end.Committed.WaitAsync(TimeSpan.FromSeconds(20));
        Assert.Equal("completed", await ScalarAsync($"select status from transforms where id = '{lease.TransformId}'"));
        Assert.Equal("completed", await ScalarAsync($"select status from transform_stages where transform_id = '{lease.TransformId}'"));
        Assert.Equal(artifact.Id, await ScalarAsync($"select artifact_id from transform_outputs where transform_id = '{lease.TransformId}'"));

        var fenced = await LeaseAsync();
        await ExecuteAsync($"update transforms set attempt = attempt + 1 where id = '{fenced.TransformId}'");
        var late = new Append(fenced, "end", "{}"u8.ToArray()) { Artifact = artifact with { Id = Guid.CreateVersion7() }, Finish = new Finish("failed", "{}") };
        await Appender.EnqueueAsync(late, default);
        await Assert.ThrowsAsync<LeaseLostException>(() => late.Committed.WaitAsync(TimeSpan.FromSeconds(20)));
        Assert.Equal("running", await ScalarAsync($"select status from transforms where id = '{fenced.TransformId}'"));
        Assert.Equal(0L, await ScalarAsync($"select count(*) from transform_outputs where transform_id = '{fenced.TransformId}'"));
    }

    [Fact]
    public async Task Index_taken_by_another_writer_is_passed_over_and_nothing_is_lost()
    {
        var lease = await LeaseAsync();
        // A row by hand into a running transform: not allowed by the protocol, and survived all the same.
        await ExecuteAsync($"insert into transform_chunks (transform_id, chunk_index, chunk_type, chunk_data) values ('{lease.TransformId}', 1, 'chunk', '{{\"text\":\"!\"}}')");
        var message = Message(lease, "a");
        await Appender.EnqueueAsync(message, default);
        await message.Committed.WaitAsync(TimeSpan.FromSeconds(20));
        Assert.Equal("!a", await TextAsync(lease));
    }

    [Fact]
    public async Task Connection_killed_under_load_loses_and_repeats_nothing()
    {
        var leases = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => LeaseAsync()));
        using var stop = new CancellationTokenSource();
        var counts = new ConcurrentDictionary<RunLease, int>();
        var writers = leases.Select(lease => Task.Run(async () =>
        {
            var last = Message(lease, "");
            for (var i = 0; !stop.IsCancellationRequested; i++)
            {
                await Appender.EnqueueAsync(last = Message(lease, $"{i};"), default);
                counts[lease] = i + 1;
            }

            await last.Committed.WaitAsync(TimeSpan.FromSeconds(20));
        })).ToList();
        for (var kill = 0; kill < 10; kill++)
        {
            var before = counts.Values.Sum();
            await ExecuteAsync("select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()");
            await Eventually.TrueAsync(() => Task.FromResult(counts.Values.Sum() > before + 2000), "writing goes on");
        }

        await stop.CancelAsync();
        await Task.WhenAll(writers);
        foreach (var lease in leases)
            Assert.Equal(string.Concat(Enumerable.Range(0, counts[lease]).Select(i => $"{i};")), await TextAsync(lease));
    }

    [Fact]
    public async Task Notification_of_many_transforms_is_split_below_the_limit_of_a_payload()
    {
        var leases = await Task.WhenAll(Enumerable.Range(0, 400).Select(_ => LeaseAsync()));
        await using var listener = new NpgsqlConnection(service.Host.ConnectionString);
        var (announced, payloads) = (new HashSet<Guid>(), new List<string>());
        listener.Notification += (_, notification) =>
        {
            payloads.Add(notification.Payload);
            foreach (var entry in notification.Payload.Split(','))
                announced.Add(Guid.Parse(entry.Split(':')[0]));
        };
        await listener.OpenAsync();
        await using (var command = new NpgsqlCommand("listen transform_changes", listener))
            await command.ExecuteNonQueryAsync();
        await ExecuteAsync($"insert into transform_chunks (transform_id, chunk_index, chunk_type, chunk_data) select id, 1, 'chunk', 'x' from transforms where id in ({string.Join(",", leases.Select(l => $"'{l.TransformId}'"))})");
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        while (!leases.All(lease => announced.Contains(lease.TransformId)))
            await listener.WaitAsync(deadline.Token);
        Assert.True(payloads.Count >= 3);
        Assert.All(payloads, payload => Assert.True(payload.Length < 8000));
    }

    /// <summary>A transform that runs, with this test as its worker.</summary>
    async Task<RunLease> LeaseAsync()
    {
        var relay = await service.Host.Client.RelayAsync();
        var transform = Guid.Parse(relay.GetProperty("streamingData").GetProperty("transformId").GetString()!);
        // Of no kind that a worker runs, and not of the one that the database ends by itself.
        await ExecuteAsync($"update transforms set kind = 'test' where id = '{transform}'");
        return new RunLease(transform, Guid.Parse(relay.Id()), 1, 0, 1);
    }

    static Append Message(RunLease lease, string text) => new(lease, "chunk", Encoding.UTF8.GetBytes($$"""{"text":"{{text}}"}"""));

    async Task<string> TextAsync(RunLease lease) =>
        (string)(await ScalarAsync($"select coalesce(string_agg(chunk_data::json->>'text', '' order by chunk_index), '') from transform_chunks where transform_id = '{lease.TransformId}' and chunk_type = 'chunk'"))!;

    async Task<object?> ScalarAsync(string sql)
    {
        // Not pooled: one of the tests kills every connection but its own.
        await using var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(service.Host.ConnectionString) { Pooling = false }.ConnectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync();
    }

    async Task ExecuteAsync(string sql) => await ScalarAsync(sql);
}
