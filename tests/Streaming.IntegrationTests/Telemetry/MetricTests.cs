using System.Diagnostics.Metrics;
using System.Net;
using Streaming.IntegrationTests.Fixtures;
using Streaming.Tests.Docs;
using Xunit;

namespace Streaming.IntegrationTests.Telemetry;

/// <summary>The instruments of the meter <c>Streaming</c>.</summary>
public sealed class MetricTests(PostgresServer postgres)
{
    const string Ideas = """[{"title":"One","body":"The first."},{"title":"Two","body":"The second."}]""";

    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_table_of_the_operators_lists_exactly_the_instruments()
    {
        await using var host = await ServiceHost.StartAsync(postgres);
        using var measured = new Measurements(host);

        var documented = MarkdownFile.Read("docs/operations.md").Rows.Where(row => row.Cells.ContainsKey("Instrument"))
            .Select(row => $"{row.Code("Instrument")}: {row.Cells["Type"]}, {row.Code("Unit")}");

        Assert.Equal(measured.Instruments.Select(i => $"{i.Name}: {Type(i)}, {i.Unit}").Order(), documented.Order());
        Assert.All(measured.Instruments, instrument => Assert.False(string.IsNullOrEmpty(instrument.Description), instrument.Name));

        static string Type(Instrument instrument) => instrument.GetType().Name switch
        {
            "Counter`1" => "counter",
            "Histogram`1" => "histogram",
            "ObservableGauge`1" => "gauge",
            "ObservableUpDownCounter`1" => "up-down counter",
            var other => other,
        };
    }

    [Fact]
    public async Task Generation_and_its_reader_are_measured()
    {
        await using var scripted = await ScriptedHost.StartAsync(postgres, [new("Transforms:LeaseSeconds", "1")]);
        using var measured = new Measurements(scripted.Host);
        var gate = new TaskCompletionSource();
        scripted.Model.Enqueue(Script.Begin().Deltas("[").Gate(gate.Task).Deltas(Ideas[1..]).Finish("stop").Usage().Done());

        var id = (await scripted.Client.IdeateAsync()).Id();
        await using (var events = scripted.Client.StreamAsync($"/api/stream/ideation/{id}", cancellation: Cancellation).GetAsyncEnumerator(Cancellation))
        {
            while (await events.MoveNextAsync() && events.Current.Type != "chunk")
            {
            }

            Assert.Equal([1], measured["streaming.streams.open"]);
            Assert.Equal([1], measured["streaming.runs.running"]);
            await Eventually.TrueAsync(() => Task.FromResult(measured["streaming.runs.queued"] is [0]), "the queue was counted");
            gate.SetResult();
            var last = 0;
            while (await events.MoveNextAsync())
                last = events.Current.Index ?? last;
            // The request that made the session has written `start`, the claim `status`: they are not the run's.
            await Eventually.TrueAsync(() => Task.FromResult(measured["streaming.messages.delivered"].Sum() == last + 1), "all were delivered");
            await Eventually.TrueAsync(() => Task.FromResult(measured["streaming.messages.appended"].Sum() == last + 1 - 2), "all that the run wrote was counted");
        }

        Assert.NotEmpty(measured["streaming.commit.duration"]);
        Assert.NotEmpty(measured["streaming.delivery.duration"]);
        Assert.All(measured["streaming.delivery.duration"], seconds => Assert.InRange(seconds, 0, 60));
        await Eventually.TrueAsync(() => Task.FromResult(measured["streaming.run.duration", "streaming.run.outcome=completed"].Count == 1), "the run was measured");
        Assert.Single(measured["gen_ai.client.operation.duration", "gen_ai.request.model=scripted"]);
        Assert.Equal([3], measured["gen_ai.client.token.usage", "gen_ai.token.type=input"]);
        Assert.Equal([5], measured["gen_ai.client.token.usage", "gen_ai.token.type=output"]);
        await Eventually.TrueAsync(() => Task.FromResult(measured["streaming.streams.open"] is [0] && measured["streaming.runs.running"] is [0]), "nothing is open any more");
    }

    [Fact]
    public async Task Estimate_of_half_time_is_compared_with_what_the_run_took()
    {
        await using var host = await ServiceHost.StartAsync(postgres, [new("Models:Offline:TokensPerSecond", "400")]);
        using var measured = new Measurements(host);
        // The first has no history, and tells nothing.
        foreach (var _ in Enumerable.Range(0, 3))
            await host.Client.EndedAsync($"/api/ideations/{(await host.Client.IdeateAsync()).Id()}");

        await Eventually.TrueAsync(() => Task.FromResult(measured["streaming.estimate.error", "streaming.kind=ideation"].Count > 0), "an estimate was compared");
        Assert.All(measured["streaming.estimate.error"], error => Assert.InRange(error, 0, 100));
    }

    [Fact]
    public async Task Provider_that_keeps_failing_is_counted_by_category_and_opens_the_circuit()
    {
        await using var scripted = await ScriptedHost.StartAsync(postgres, [
            new("Models:BreakerRequestsMin", "2"), new("Models:BreakerPause", "01:00:00"), new("Models:RetriesMax", "3"), new("Models:RetryDelayMax", "00:00:00.05")]);
        using var measured = new Measurements(scripted.Host);
        Assert.Equal([0], measured["streaming.model.circuit.state", "gen_ai.provider.name=openai"]);
        scripted.Model.Responder = _ => Script.Failure(503);

        await scripted.Client.EndedAsync($"/api/ideations/{(await scripted.Client.IdeateAsync()).Id()}");

        Assert.Equal([2], measured["streaming.model.circuit.state", "gen_ai.provider.name=openai"]);
        Assert.Equal(2, measured["streaming.model.faults", "error.type=provider_unavailable gen_ai.provider.name=openai streaming.fault.category=provider"].Sum());
        Assert.Equal(2, measured["streaming.model.faults", "error.type=provider_circuit_open"].Sum());
        Assert.Equal(2, measured["gen_ai.client.operation.duration", "error.type=provider_unavailable"].Count);
        await Eventually.TrueAsync(() => Task.FromResult(measured["streaming.run.duration", "streaming.run.outcome=failed"].Count == 1), "the run was measured");
    }

    [Fact]
    public async Task Reader_that_falls_out_of_the_window_is_counted_and_the_page_that_it_reads()
    {
        await using var host = await ServiceHost.StartAsync(postgres, [new("Subscriptions:WindowMessagesMax", "8")]);
        using var measured = new Measurements(host);
        var id = (await host.Client.RelayAsync()).Id();
        await using var events = host.Client.StreamAsync($"/api/stream/relay/{id}", cancellation: Cancellation).GetAsyncEnumerator(Cancellation);
        Assert.True(await events.MoveNextAsync());
        await AppendAsync(1);
        await events.MoveNextAsync();
        var reads = measured["streaming.catch_up.reads"].Sum();
        Assert.Empty(measured["streaming.readers.behind"]);

        // More at once than the window holds: the reader cannot have taken them.
        await AppendAsync(50);
        var last = 0;
        while (last < 51 && await events.MoveNextAsync())
            last = events.Current.Index ?? last;

        Assert.Equal(1, measured["streaming.readers.behind"].Sum());
        Assert.True(measured["streaming.catch_up.reads"].Sum() > reads);

        Task AppendAsync(int count) => host.Client.PostJsonAsync(
            $"/api/relays/{id}/messages", Enumerable.Range(0, count).Select(i => new { type = "chunk", text = $"{i}" }), HttpStatusCode.OK);
    }
}
