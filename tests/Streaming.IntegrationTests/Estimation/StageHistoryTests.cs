using Npgsql;
using Streaming.Estimation;
using Streaming.IntegrationTests.Database;
using Xunit;

namespace Streaming.IntegrationTests.Estimation;

/// <summary>The past of a kind, as estimates are made from it.</summary>
public sealed class StageHistoryTests(MigratedDatabase database) : IClassFixture<MigratedDatabase>
{
    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Completed_runs_of_the_kind_come_newest_first_with_their_stages_sizes_and_wait()
    {
        await RunAsync("a", "old", endedMinutesAgo: 60, ideas: 2, model: "one");
        await RunAsync("a", "new", endedMinutesAgo: 5, ideas: 7, model: "two");
        await RunAsync("b", "other kind", endedMinutesAgo: 1);

        var history = await ReadAsync("a");

        Assert.Equal(new[] { "offline/two", "offline/one" }, history.Runs.Select(run => run.Model));
        Assert.Equal(
            new[] { new PastStage("first", 7, 10, 4), new PastStage("queue", 1, 3), new PastStage("second", 7, 20) },
            history.Runs[0].Stages.OrderBy(stage => stage.Stage, StringComparer.Ordinal));
        Assert.Equal(2, history.Runs[1].Stages.First(stage => stage.Stage == "first").Size);
    }

    [Fact]
    public async Task Runs_that_did_not_do_all_of_the_work_at_once_are_left_out()
    {
        await RunAsync("c", "failed", status: "failed");
        await RunAsync("c", "cancelled", status: "cancelled");
        await RunAsync("c", "taken over", attempt: 2);
        await RunAsync("c", "whole");

        Assert.Single((await ReadAsync("c")).Runs);
    }

    [Fact]
    public async Task No_more_than_the_newest_runs_are_read()
    {
        for (var i = 0; i < DurationModel.RunsMax + 5; i++)
            await RunAsync("d", $"run {i}", endedMinutesAgo: i, ideas: i + 1);

        var runs = (await ReadAsync("d")).Runs;

        Assert.Equal(DurationModel.RunsMax, runs.Count);
        Assert.Equal(Enumerable.Range(1, DurationModel.RunsMax), runs.Select(run => (int)run.Stages.First(stage => stage.Stage == "first").Size));
    }

    [Fact]
    public async Task An_input_without_a_usable_size_counts_one()
    {
        foreach (var size in (string[])["null", "\"many\"", "0", "[3]"])
            await RunAsync("e", size, input: $$"""{"ideaCount":{{size}}}""");
        await RunAsync("e", "missing", input: "{}");

        Assert.All((await ReadAsync("e")).Runs, run => Assert.All(run.Stages, stage => Assert.Equal(1, stage.Size)));
    }

    [Fact]
    public async Task Outcomes_add_up_over_the_runs_of_the_kind_and_count_once_each()
    {
        var (first, second, other) = (await RunAsync("f", "1"), await RunAsync("f", "2"), await RunAsync("g", "1"));
        var outcome = Outcome();
        await WriteAsync(first, outcome);
        await WriteAsync(first, outcome);
        await WriteAsync(second, outcome);
        await WriteAsync(other, outcome);
        await WriteAsync(Guid.NewGuid(), outcome);

        var read = (await ReadAsync("f")).Outcomes;

        Assert.Equal(2, read.Runs);
        Assert.Equal(outcome.ToArray().Select(count => 2 * count), read.ToArray());
        Assert.Equal(0, (await ReadAsync("no such kind")).Outcomes.Runs);
    }

    [Fact]
    public async Task What_was_read_gives_an_estimate()
    {
        for (var i = 0; i < 10; i++)
            await RunAsync("h", $"{i}", ideas: 5);
        var history = await ReadAsync("h");
        var run = history.Estimator("offline/m", [new PlannedStage("first", 5, 1), new PlannedStage("second", 5, 2)]);
        run.Begin("first", 0);

        Assert.InRange(run.At(0).Total!.Value, 27, 33);
    }

    static EstimateOutcome Outcome()
    {
        var run = new RunEstimator(
            DurationModel.Fit([.. Enumerable.Range(0, 6).Select(_ => new PastRun("m", [new PastStage("s", 1, 10)]))], "m", [new PlannedStage("s", 1, 1)]),
            ["s"], Calibration.None);
        run.Begin("s", 0);
        for (var now = 0; now < 10; now++)
            run.At(now);
        return run.Outcome(10);
    }

    /// <summary>A run with a wait of 3 s, a stage of 10 s that was half done after 4, and one of 20 s.</summary>
    async Task<Guid> RunAsync(
        string kind, string name, int endedMinutesAgo = 1, int ideas = 1, string model = "m", string status = "completed", int attempt = 1, string? input = null)
    {
        var id = Guid.CreateVersion7();
        await using var command = database.Source.CreateCommand(
            """
            with session as (
                insert into sessions (id, kind, user_id, input) values ($1, $2, $3, $4::jsonb) returning id
            ), transform as (
                insert into transforms (id, session_id, ordinal, kind, status, attempt, execution_context, created_at, started_at, ended_at)
                select $1, id, 1, $2, $5, $6, $7::jsonb, $8::timestamptz - interval '33 s', $8 - interval '30 s', $8 from session returning id
            )
            insert into transform_stages (transform_id, stage, position, weight, label, status, started_at, ended_at, half_seconds)
            select id, 'first', 1, 1, 'First', 'completed', $8 - interval '30 s', $8 - interval '20 s', 4::real from transform
            union all
            select id, 'second', 2, 1, 'Second', 'completed', $8 - interval '20 s', $8, null from transform
            union all
            select id, 'unfinished', 3, 1, 'Unfinished', 'running', $8, null, null from transform
            """);
        foreach (var value in new object[]
        {
            id, kind, name, input ?? $$"""{"ideaCount":{{ideas}}}""", status, attempt, $$"""{"provider":"offline","model":"{{model}}"}""",
            new DateTime(2026, 1, 1, 12, 0, 0, DateTimeKind.Utc).AddMinutes(-endedMinutesAgo),
        })
            command.Parameters.Add(new NpgsqlParameter { Value = value });
        await command.ExecuteNonQueryAsync(Cancellation);
        return id;
    }

    async Task<StageHistory> ReadAsync(string kind)
    {
        await using var connection = await database.Source.OpenConnectionAsync(Cancellation);
        return await StageHistory.ReadAsync(connection, kind, "ideaCount", Cancellation);
    }

    async Task WriteAsync(Guid transform, EstimateOutcome outcome)
    {
        await using var connection = await database.Source.OpenConnectionAsync(Cancellation);
        await StageHistory.WriteOutcomeAsync(connection, transform, outcome, Cancellation);
    }
}
