using System.Text.Json;
using Npgsql;
using Streaming.IntegrationTests.Fixtures;
using Xunit;

namespace Streaming.IntegrationTests.Transforms;

/// <summary>The time that a run is said to take: unknown at first, learnt from runs before, and stored for those after.</summary>
public sealed class EstimateTests(PostgresServer postgres)
{
    const int RunsBefore = 6;

    [Fact]
    public async Task Time_is_unknown_at_first_and_learnt_from_the_runs_before()
    {
        await using var host = await ServiceHost.StartAsync(postgres, [new("Models:Offline:TokensPerSecond", "400")]);
        var first = await EventsAsync(host, 1);
        Assert.Equal("no_history", Estimates(first)[0].GetProperty("reason").GetString());
        Assert.False(Estimates(first)[0].TryGetProperty("remainingMs", out _));
        for (var run = 1; run < RunsBefore; run++)
            await EventsAsync(host, 1 + run % 2);

        var id = (await IdeateAsync(host, 2)).Id();
        JsonElement state = default;
        await Eventually.TrueAsync(async () =>
        {
            state = await host.Client.StateAsync($"/api/ideations/{id}");
            return state.Status() == "streaming" && state.TryGetProperty("streamingData", out var data) && data.GetProperty("estimate").ValueKind == JsonValueKind.Object;
        }, "the state has an estimate");
        var events = await host.Client.ReadStreamAsync($"/api/stream/ideation/{id}");

        var told = state.GetProperty("streamingData").GetProperty("estimate").GetRawText();
        Assert.Contains(told, Estimates(events).Select(estimate => estimate.GetRawText()));
        var took = (events[^1].Data.GetProperty("timestamp").GetInt64() - events[1].Data.GetProperty("timestamp").GetInt64());
        var beginning = Estimates(events)[0];
        Assert.False(beginning.TryGetProperty("reason", out _), beginning.GetRawText());
        Assert.InRange(beginning.GetProperty("reliability").GetDouble(), 0, 1);
        // Of six runs of one or two ideas, at the same pace: the order of magnitude must be right, and a loaded machine is no clock.
        Assert.InRange(beginning.GetProperty("remainingMs").GetInt64(), took / 3, took * 3);
        Assert.All(Estimates(events).Where(estimate => estimate.TryGetProperty("remainingMs", out _)), estimate =>
            Assert.True(estimate.GetProperty("remainingP90Ms").GetInt64() >= estimate.GetProperty("remainingMs").GetInt64()));
    }

    [Fact]
    public async Task Session_that_waits_for_a_worker_says_so_in_place_of_a_time()
    {
        await using var host = await ServiceHost.StartAsync(postgres, [new("Streaming:Role", "api")]);

        var made = await IdeateAsync(host, 2);
        var read = await host.Client.StateAsync($"/api/ideations/{made.Id()}");

        Assert.Equal("queued", read.Status());
        var estimate = read.GetProperty("streamingData").GetProperty("estimate");
        Assert.Equal("queued", estimate.GetProperty("reason").GetString());
        Assert.Equal(["at", "elapsedMs", "reason"], estimate.EnumerateObject().Select(part => part.Name));
        // The same entity tag, so the same bytes.
        Assert.Equal(made.GetRawText(), read.GetRawText());
    }

    [Fact]
    public async Task Countdown_of_a_real_run_rises_only_with_a_reason()
    {
        await using var host = await ServiceHost.StartAsync(postgres, [new("Models:Offline:TokensPerSecond", "300")]);
        for (var run = 0; run < 4; run++)
            await EventsAsync(host, 1);
        var estimates = Estimates(await EventsAsync(host, 3)).Where(estimate => estimate.TryGetProperty("remainingMs", out _)).ToList();
        Assert.NotEmpty(estimates);
        foreach (var (before, after) in estimates.Zip(estimates.Skip(1)))
            Assert.True(after.GetProperty("remainingMs").GetInt64() <= before.GetProperty("remainingMs").GetInt64() || after.TryGetProperty("raised", out _), $"{before} {after}");
    }

    [Fact]
    public async Task Run_leaves_what_later_ones_learn_from()
    {
        await using var host = await ServiceHost.StartAsync(postgres, [new("Models:Offline:TokensPerSecond", "300")]);
        await EventsAsync(host, 2);
        await using var source = NpgsqlDataSource.Create(host.ConnectionString);
        await using var half = source.CreateCommand("select half_seconds / extract(epoch from ended_at - started_at) from transform_stages where status = 'completed'");
        Assert.InRange(Convert.ToDouble(await half.ExecuteScalarAsync(TestContext.Current.CancellationToken), System.Globalization.CultureInfo.InvariantCulture), 0.1, 0.95);
        await Eventually.TrueAsync(async () =>
        {
            await using var outcomes = source.CreateCommand("select count(*) from estimate_outcomes");
            return await outcomes.ExecuteScalarAsync() is 1L;
        }, "the outcome is noted");
    }

    static Task<JsonElement> IdeateAsync(ServiceHost host, int ideas) => host.Client.IdeateAsync(ideaCount: ideas);

    static async Task<List<StreamEvent>> EventsAsync(ServiceHost host, int ideas) =>
        await host.Client.ReadStreamAsync($"/api/stream/ideation/{(await IdeateAsync(host, ideas)).Id()}");

    static List<JsonElement> Estimates(List<StreamEvent> events) =>
        [.. events.Where(e => e.Type == "progress").Select(e => e.Data.GetProperty("estimate"))];
}
