using Npgsql;
using Streaming.IntegrationTests.Fixtures;
using Xunit;

namespace Streaming.IntegrationTests.Telemetry;

/// <summary>Spans, as a receiver of OTLP gets them.</summary>
public sealed class TraceTests(PostgresServer postgres)
{
    const string Ideas = """[{"title":"One","body":"The first."},{"title":"Two","body":"The second."}]""";

    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Generation_can_be_followed_from_the_request_to_the_last_frame()
    {
        await using var receiver = await OtlpReceiver.StartAsync(Cancellation);
        await using var scripted = await ScriptedHost.StartAsync(postgres, [new("Telemetry:OtlpEndpoint", receiver.Address.ToString())]);
        scripted.Model.Enqueue(Script.Answer(Ideas));

        var id = (await scripted.Client.IdeateAsync()).Id();
        var events = await scripted.Client.ReadStreamAsync($"/api/stream/ideation/{id}", cancellation: Cancellation);
        await scripted.Host.StopAsync();
        await receiver.StoppedAsync();

        var spans = receiver.Spans;
        var post = Assert.Single(spans, span => span.Attributes.GetValueOrDefault("streaming.session.id") == id && span.Attributes.GetValueOrDefault("http.request.method") == "POST");
        var run = Assert.Single(spans, span => span.Name == "run ideation" && span.Attributes["streaming.session.id"] == id);
        Assert.Equal((post.TraceId, post.SpanId), (run.TraceId, run.ParentSpanId));
        Assert.Equal("completed", run.Attributes["streaming.run.outcome"]);
        var stage = Assert.Single(spans, span => span.Name.StartsWith("stage ", StringComparison.Ordinal) && span.ParentSpanId == run.SpanId);
        Assert.Equal("ideas", stage.Attributes["streaming.stage"]);
        var chat = Assert.Single(spans, span => span.ParentSpanId == stage.SpanId);
        Assert.Equal(("chat scripted", "chat", "openai", "scripted", "3", "5"),
            (chat.Name, chat.Attributes["gen_ai.operation.name"], chat.Attributes["gen_ai.provider.name"], chat.Attributes["gen_ai.request.model"],
                chat.Attributes["gen_ai.usage.input_tokens"], chat.Attributes["gen_ai.usage.output_tokens"]));
        var stream = Assert.Single(spans, span => span.LinkedSpanIds.Contains(post.SpanId));
        Assert.Equal((id, "ended"), (stream.Attributes["streaming.session.id"], stream.Attributes["streaming.stream.outcome"]));
        var last = events.Last(e => e.Type == "end").Index!.Value;
        Assert.Equal(($"{last}", $"{last + 1}"), (stream.Attributes["streaming.stream.last_index"], stream.Attributes["streaming.stream.messages"]));
        Assert.DoesNotContain(spans, span => span.IsError && span.TraceId == post.TraceId);
        Assert.Equal("streaming", run.Resource["service.name"]);
        Assert.NotEmpty(run.Resource["service.version"]);
        Assert.NotEmpty(run.Resource["service.instance.id"]);

        Assert.Equal(["/v1/metrics", "/v1/traces"], receiver.Paths);
        // Without the gauges: the factory of the tests may dispose them before the last export.
        Assert.Empty(new HashSet<string>
        {
            "streaming.messages.appended", "streaming.commit.duration", "streaming.messages.delivered", "streaming.run.duration",
            "gen_ai.client.operation.duration", "gen_ai.client.token.usage", "http.server.request.duration",
        }.Except(receiver.Metrics.ToHashSet()));
    }

    [Fact]
    public async Task Run_that_another_worker_takes_over_hangs_below_the_same_request()
    {
        await using var receiver = await OtlpReceiver.StartAsync(Cancellation);
        await using var first = await ScriptedHost.StartAsync(postgres, [new("Telemetry:OtlpEndpoint", receiver.Address.ToString())]);
        first.Model.Enqueue(Script.Begin().Deltas("[").Stall(), Script.Answer(Ideas));
        var id = (await first.Client.IdeateAsync()).Id();
        await first.Model.NextRequestAsync(Cancellation);
        await first.Host.StopAsync();

        await using (var second = await ServiceHost.StartAsync(postgres, [
            new("Telemetry:OtlpEndpoint", receiver.Address.ToString()), new("Models:Provider", "openai"), new("Models:OpenAI:Model", "scripted"),
            new("Models:OpenAI:Endpoint", first.Model.Endpoint.ToString())], first.Host.ConnectionString))
        {
            Assert.Equal("completed", (await second.Client.EndedAsync($"/api/ideations/{id}")).Status());
            await second.StopAsync();
        }

        await receiver.StoppedAsync(services: 2);

        var runs = receiver.Spans.Where(span => span.Name == "run ideation" && span.Attributes["streaming.session.id"] == id).ToList();
        Assert.Equal(["1", "2"], runs.Select(run => run.Attributes["streaming.attempt"]).Order());
        Assert.Equal(["completed", "stopped"], runs.Select(run => run.Attributes["streaming.run.outcome"]).Order());
        Assert.Single(runs.Select(run => (run.TraceId, run.ParentSpanId)).Distinct());
        Assert.Equal(2, runs.Select(run => run.Resource["service.instance.id"]).Distinct().Count());
    }

    [Fact]
    public async Task Failed_call_fails_its_span_its_stage_and_its_run_with_the_code_alone()
    {
        await using var receiver = await OtlpReceiver.StartAsync(Cancellation);
        await using var scripted = await ScriptedHost.StartAsync(postgres, [new("Telemetry:OtlpEndpoint", receiver.Address.ToString())]);
        scripted.Model.Enqueue(Script.Failure(400));
        var id = (await scripted.Client.IdeateAsync()).Id();
        await scripted.Client.EndedAsync($"/api/ideations/{id}");
        await scripted.Host.StopAsync();
        await receiver.StoppedAsync();

        var run = Assert.Single(receiver.Spans, span => span.Name == "run ideation" && span.Attributes["streaming.session.id"] == id);
        var failed = receiver.Spans.Where(span => span.TraceId == run.TraceId && span.IsError).ToList();
        Assert.Equal(["chat scripted", "run ideation", "stage ideas"], failed.Select(span => span.Name).Order());
        Assert.All(failed, span => Assert.Equal("provider_refused", span.Attributes["error.type"]));
    }

    [Fact]
    public async Task Trace_of_the_caller_goes_on_and_what_is_no_trace_is_passed_over()
    {
        await using var host = await ServiceHost.StartAsync(postgres);
        const string trace = "0af7651916cd43dd8448eb211c80319c";
        using var known = new HttpRequestMessage(HttpMethod.Post, "/api/relays") { Headers = { { "traceparent", $"00-{trace}-b7ad6b7169203331-01" } } };
        using var hierarchical = new HttpRequestMessage(HttpMethod.Post, "/api/relays") { Headers = { { "Request-Id", "|" + new string('a', 900) + "." } } };
        foreach (var request in new[] { known, hierarchical })
        {
            request.Content = new StringContent("{}", System.Text.Encoding.UTF8, "application/json");
            (await host.Client.SendAsync(request, Cancellation)).EnsureSuccessStatusCode();
        }

        await using var dataSource = NpgsqlDataSource.Create(host.ConnectionString);
        await using var command = dataSource.CreateCommand("select coalesce(traceparent, '') from transforms order by created_at");
        await using var reader = await command.ExecuteReaderAsync(Cancellation);
        Assert.True(await reader.ReadAsync(Cancellation));
        Assert.Contains(trace, reader.GetString(0), StringComparison.Ordinal);
        Assert.True(await reader.ReadAsync(Cancellation));
        Assert.DoesNotContain("aaa", reader.GetString(0), StringComparison.Ordinal);
    }
}
