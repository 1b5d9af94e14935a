using System.Text.Json;
using Streaming.IntegrationTests.Fixtures;
using Xunit;

namespace Streaming.IntegrationTests.Telemetry;

/// <summary>What users and models write is in no log, span or metric.</summary>
public sealed class PrivacyTests(PostgresServer postgres)
{
    const string Marker = "zanzibarplum";

    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Nothing_that_a_user_wrote_is_logged_or_sent_unless_it_is_asked_for(bool isAskedFor)
    {
        var logs = new CollectedLogs();
        await using var receiver = await OtlpReceiver.StartAsync(Cancellation);
        await using var model = await ScriptedOpenAIServer.StartAsync(Cancellation);
        await using var host = await ServiceHost.StartAsync(postgres, [
            new("Telemetry:OtlpEndpoint", receiver.Address.ToString()), new("Telemetry:LogProviderWords", isAskedFor.ToString()),
            new("Logging:LogLevel:Default", "Debug"),
            new("Models:Provider", "openai"), new("Models:OpenAI:Endpoint", model.Endpoint.ToString()), new("Models:OpenAI:Model", "scripted"),
            new("Models:RetryBaseDelay", "00:00:00.01")], services: logs.AddTo);
        // Fails in the middle, with the words in what it wrote and in its error; then for good, with the words in an error status.
        model.Enqueue(
            Script.Begin().Deltas($"[{{\"title\":\"{Marker}\"").Error("server_error", $"cannot write of {Marker}"),
            Script.Begin().Raw($"data: {{not json, {Marker}\n\n"),
            Script.Bare().Header("content-type", "text/html").Raw($"<p>{Marker}"),
            Refusal());

        var id = (await host.Client.IdeateAsync($"A {Marker} at sea")).Id();
        var ended = await host.Client.EndedAsync($"/api/ideations/{id}");
        Assert.Equal("failed", ended.Status());
        Assert.Equal(4, model.Requests.Count);
        // Bodies and addresses that are refused.
        await host.Client.PostAsync("/api/ideations", new StringContent($"{{\"userInput\": {Marker}", null, "application/json"), Cancellation);
        await host.Client.PostAsync($"/api/ideations/{id}/messages", new StringContent($"{{\"text\": \"{Marker}\"}}", null, "application/json"), Cancellation);
        await host.StopAsync();
        await receiver.StoppedAsync();

        Assert.Contains(Marker, model.Requests[0].Body, StringComparison.Ordinal);
        Assert.Contains(receiver.Spans, span => span.IsError && span.Name == "chat scripted");
        Assert.False(receiver.Holds(Marker), "a span or a metric has it");
        Assert.Contains(logs.Lines, line => line.Contains("provider_refused", StringComparison.Ordinal));
        Assert.Equal(isAskedFor, logs.Lines.Any(line => line.Contains(Marker, StringComparison.Ordinal)));

        static Script Refusal() => Script.Failure(400, message: $"your prompt, {Marker}, is not nice");
    }

    [Fact]
    public async Task Trace_id_of_a_problem_is_that_of_the_log_lines_of_its_request()
    {
        var logs = new CollectedLogs();
        await using var host = await ServiceHost.StartAsync(postgres,
            [new("Logging:LogLevel:Default", "Information")], services: logs.AddTo);

        var answer = await host.Client.GetStringAsync("/health/live", Cancellation);
        using var response = await host.Client.GetAsync("/api/ideations/none", Cancellation);
        var problem = JsonSerializer.Deserialize<JsonElement>(await response.Content.ReadAsStringAsync(Cancellation));

        // `00-<trace id>-<span id>-<flags>`
        var traceId = problem.GetProperty("traceId").GetString()!.Split('-')[1];
        Assert.NotNull(answer);
        await Eventually.TrueAsync(
            () => Task.FromResult(logs.Events.Any(e => e.TraceId?.ToHexString() == traceId && e.SpanId is not null && e.Properties.ContainsKey("RequestId"))),
            "the request was logged with its trace id and request id");
    }

    [Fact]
    public async Task Log_of_a_run_has_the_trace_id_of_the_request_that_asked_for_it_also_when_nothing_is_sent_anywhere()
    {
        var logs = new CollectedLogs();
        await using var model = await ScriptedOpenAIServer.StartAsync(Cancellation);
        model.Enqueue(Script.Failure(400));
        await using var host = await ServiceHost.StartAsync(postgres, [
            new("Logging:LogLevel:Default", "Information"),
            new("Models:Provider", "openai"), new("Models:OpenAI:Endpoint", model.Endpoint.ToString()), new("Models:OpenAI:Model", "scripted")], services: logs.AddTo);

        const string trace = "0af7651916cd43dd8448eb211c80319d";
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/ideations") { Headers = { { "traceparent", $"00-{trace}-b7ad6b7169203331-01" } } };
        request.Content = new StringContent("""{"userInput":"A boat","genrePaths":["Drama"],"genreProportions":[100]}""", null, "application/json");
        using var response = await host.Client.SendAsync(request, Cancellation);
        response.EnsureSuccessStatusCode();

        await Eventually.TrueAsync(
            () => Task.FromResult(logs.Events.Any(e => e.TraceId?.ToHexString() == trace && e.Properties["SourceContext"].ToString().Contains("TransformRun", StringComparison.Ordinal))),
            "the failure of the run was logged with the trace id");
        // What is named to an operator is what he can look for.
        var state = await host.Client.EndedAsync(response.Headers.Location!.ToString());
        Assert.Equal(trace, state.GetProperty("error").GetProperty("traceId").GetString());
    }
}
