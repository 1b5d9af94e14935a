using System.Collections.Concurrent;
using System.Diagnostics;
using Npgsql;
using Streaming.Database;
using Streaming.Tests.Models.Offline;
using Xunit;

namespace Streaming.Tests.Database;

public sealed class GroupedReadsTests
{
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);
    static readonly TimeSpan TimeMax = TimeSpan.FromSeconds(5);

    readonly ManualClock _clock = new();
    readonly ConcurrentQueue<Statement> _statements = new();

    /// <summary>A statement under way: the test says when it ends, and how.</summary>
    sealed record Statement(IReadOnlyCollection<int> Keys, CancellationToken Token)
    {
        public TaskCompletionSource<IReadOnlyDictionary<int, string>> Answer { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public void Succeed() => Answer.SetResult(Keys.Where(key => key >= 0).ToDictionary(key => key, key => $"row {key}"));
    }

    GroupedReads<int, string> Reads(int readsMax = 1, int groupMax = 10) => new(async (keys, token) =>
    {
        var statement = new Statement(keys, token);
        _statements.Enqueue(statement);
        return await statement.Answer.Task.WaitAsync(token);
    }, readsMax, groupMax, TimeMax, _clock);

    async Task<Statement> NextAsync()
    {
        var began = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(began) < Patience)
        {
            if (_statements.TryDequeue(out var statement))
                return statement;
            await Task.Yield();
        }

        throw new TimeoutException("No statement was begun.");
    }

    [Fact]
    public async Task Idle_reads_are_made_at_once_and_alone()
    {
        var reads = Reads();
        foreach (var key in (int[])[1, 2])
        {
            var asked = reads.ReadAsync(key, TestContext.Current.CancellationToken);
            var statement = await NextAsync();
            Assert.Equal([key], statement.Keys);
            statement.Succeed();
            Assert.Equal($"row {key}", await asked);
        }
    }

    [Fact]
    public async Task What_is_asked_for_meanwhile_is_read_together_each_key_once_in_groups_that_are_bounded()
    {
        var reads = Reads(groupMax: 3);
        var first = reads.ReadAsync(0, TestContext.Current.CancellationToken);
        var alone = await NextAsync();
        var others = ((int[])[1, 2, 2, 3, 4]).Select(key => reads.ReadAsync(key, TestContext.Current.CancellationToken)).ToList();
        Assert.Empty(_statements);

        alone.Succeed();
        var group = await NextAsync();
        Assert.Equal([1, 2], group.Keys.Order());
        group.Succeed();
        var rest = await NextAsync();
        Assert.Equal([3, 4], rest.Keys.Order());
        rest.Succeed();
        Assert.Equal("row 0, row 1, row 2, row 2, row 3, row 4", string.Join(", ", await Task.WhenAll([first, .. others])));
        Assert.Empty(_statements);
    }

    [Fact]
    public async Task No_more_statements_are_under_way_than_may()
    {
        var reads = Reads(readsMax: 2, groupMax: 1);
        var asked = Enumerable.Range(0, 3).Select(key => reads.ReadAsync(key, TestContext.Current.CancellationToken)).ToList();
        Statement[] both = [await NextAsync(), await NextAsync()];
        Assert.Empty(_statements);
        both[0].Succeed();
        (await NextAsync()).Succeed();
        both[1].Succeed();
        await Task.WhenAll(asked);
    }

    [Fact]
    public async Task What_is_not_found_is_answered_with_nothing()
    {
        var asked = Reads().ReadAsync(-1, TestContext.Current.CancellationToken);
        (await NextAsync()).Succeed();
        Assert.Null(await asked);
    }

    [Fact]
    public async Task Whoever_has_gone_is_left_out()
    {
        var reads = Reads();
        var first = reads.ReadAsync(0, TestContext.Current.CancellationToken);
        var alone = await NextAsync();
        using var gone = new CancellationTokenSource();
        var cancelled = reads.ReadAsync(1, gone.Token);
        var stays = reads.ReadAsync(2, TestContext.Current.CancellationToken);
        await gone.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cancelled);

        alone.Succeed();
        var group = await NextAsync();
        Assert.Equal([2], group.Keys);
        group.Succeed();
        Assert.Equal("row 0, row 2", string.Join(", ", await Task.WhenAll(first, stays)));
    }

    [Fact]
    public async Task A_key_that_cannot_be_read_fails_nobody_else()
    {
        var reads = Reads();
        var first = reads.ReadAsync(0, TestContext.Current.CancellationToken);
        var alone = await NextAsync();
        var (good, bad) = (reads.ReadAsync(1, TestContext.Current.CancellationToken), reads.ReadAsync(2, TestContext.Current.CancellationToken));
        alone.Succeed();
        (await NextAsync()).Answer.SetException(new FormatException("one of them"));

        (await NextAsync()).Succeed();
        var single = await NextAsync();
        Assert.Equal([2], single.Keys);
        single.Answer.SetException(new FormatException("this one"));
        Assert.Equal("row 0, row 1", string.Join(", ", await Task.WhenAll(first, good)));
        Assert.Equal("this one", (await Assert.ThrowsAsync<FormatException>(() => bad)).Message);
    }

    [Fact]
    public async Task A_database_that_is_away_fails_all_of_a_group_at_once_and_the_next_is_read()
    {
        var reads = Reads();
        var first = reads.ReadAsync(0, TestContext.Current.CancellationToken);
        var alone = await NextAsync();
        var others = Enumerable.Range(1, 2).Select(key => reads.ReadAsync(key, TestContext.Current.CancellationToken)).ToList();
        alone.Succeed();
        await first;
        (await NextAsync()).Answer.SetException(new NpgsqlException("away"));
        foreach (var other in others)
            await Assert.ThrowsAsync<NpgsqlException>(() => other);

        var again = reads.ReadAsync(1, TestContext.Current.CancellationToken);
        (await NextAsync()).Succeed();
        Assert.Equal("row 1", await again);
    }

    [Fact]
    public async Task A_group_that_is_not_answered_loses_its_place_after_a_time()
    {
        var reads = Reads();
        var first = reads.ReadAsync(0, TestContext.Current.CancellationToken);
        var alone = await NextAsync();
        var hangs = reads.ReadAsync(1, TestContext.Current.CancellationToken);
        alone.Succeed();
        await first;
        var statement = await NextAsync();
        var waits = reads.ReadAsync(2, TestContext.Current.CancellationToken);
        _clock.Advance(TimeMax);
        Assert.True(Postgres.IsTransient(await Assert.ThrowsAsync<TimeoutException>(() => hangs)));
        Assert.True(statement.Token.IsCancellationRequested);
        (await NextAsync()).Succeed();
        Assert.Equal("row 2", await waits);
    }

    [Fact]
    public async Task A_read_that_is_alone_ends_with_its_caller_and_gives_its_place_to_those_who_wait()
    {
        var reads = Reads();
        using var gone = new CancellationTokenSource();
        var hangs = reads.ReadAsync(0, gone.Token);
        await NextAsync();
        var waits = reads.ReadAsync(1, TestContext.Current.CancellationToken);
        await gone.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => hangs);
        (await NextAsync()).Succeed();
        Assert.Equal("row 1", await waits);
    }
}
