using System.Net;
using System.Net.Sockets;
using Streaming.IntegrationTests.Fixtures;
using Streaming.Models;
using Xunit;

namespace Streaming.IntegrationTests.Models;

public class OpenAIFaultTests
{
    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(400, "provider_refused", "invalid_input", false)]
    [InlineData(401, "provider_refused", "invalid_input", false)]
    [InlineData(403, "provider_refused", "invalid_input", false)]
    [InlineData(404, "provider_refused", "invalid_input", false)]
    [InlineData(422, "provider_refused", "invalid_input", false)]
    [InlineData(408, "provider_timeout", "timeout", true)]
    [InlineData(409, "provider_unavailable", "provider", true)]
    [InlineData(429, "provider_rate_limited", "rate_limit", true)]
    [InlineData(500, "provider_unavailable", "provider", true)]
    [InlineData(502, "provider_unavailable", "provider", true)]
    [InlineData(503, "provider_unavailable", "provider", true)]
    [InlineData(504, "provider_timeout", "timeout", true)]
    [InlineData(529, "provider_unavailable", "provider", true)]
    public async Task Status_becomes_a_fault_after_one_request(int status, string code, string category, bool recoverable)
    {
        await using var model = await ScriptedModel.OpenAIAsync();
        model.Server.Enqueue(Script.Failure(status));

        var fault = await model.FaultAsync();

        Assert.Equal((code, category, recoverable, null), (fault.Code, fault.Category, fault.Recoverable, fault.RetryAfter));
        Assert.Contains("scripted", fault.InnerException!.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("scripted", fault.Message, StringComparison.Ordinal);
        Assert.Single(model.Server.Requests);
    }

    [Theory]
    [InlineData("7", null, 7000)]
    [InlineData("0", null, 0)]
    [InlineData("Tue, 01 Jan 2030 00:01:30 GMT", null, 90_000)]
    [InlineData("Mon, 31 Dec 2029 00:00:00 GMT", null, 0)]
    [InlineData("7", "1500", 1500)]
    [InlineData("soon", null, null)]
    public async Task Fault_carries_the_wait_that_the_provider_asks_for(string seconds, string? milliseconds, int? expected)
    {
        await using var model = await ScriptedModel.OpenAIAsync(clock: new ManualClock());
        var script = Script.Failure(429, seconds);
        if (milliseconds is not null) script.Header("retry-after-ms", milliseconds);
        model.Server.Enqueue(script);

        var fault = await model.FaultAsync();

        Assert.Equal(expected, (int?)fault.RetryAfter?.TotalMilliseconds);
    }

    public static TheoryData<string, Script> Answers => new()
    {
        { "provider_incomplete", Script.Begin().Deltas("half a") },
        { "provider_incomplete", Script.Begin().Deltas("half a").Done() },
        { "provider_incomplete", Script.Begin() },
        { "provider_incomplete", Script.Bare() },
        { "provider_incomplete", Script.Begin().Deltas("half a").Error("server_error") },
        { "provider_incomplete", Script.Begin().Deltas("half a").Error("server_error").Done() },
        { "provider_incomplete", Script.Begin().Raw("event: error\ndata: {\"error\":\"broke\"}\n\n") },
        { "provider_rate_limited", Script.Begin().Deltas("half a").Error("rate_limit_error") },
        { "provider_cut", Script.Begin().Deltas("half a").Close() },
        { "provider_cut", Script.Begin().Deltas("half a").Reset() },
        { "provider_cut", Script.Bare().Close() },
        { "provider_invalid_response", Script.Html() },
        { "provider_invalid_response", Script.Bare().Header("content-type", "application/json").Raw("{}") },
        { "provider_invalid_response", Script.Begin().Raw("data: <html>\n\n") },
        { "provider_invalid_response", Script.Begin().Raw("data: {\"choices\":\n\n") },
        { "provider_invalid_response", Script.Begin().Raw("data: 7\n\n") },
        { "provider_empty", Script.Begin().Finish("stop").Done() },
        { "provider_empty", Script.Answer("\0") },
        { "provider_refused", Script.Begin().Deltas("half a").Finish("content_filter").Done() },
    };

    [Theory(DisableDiscoveryEnumeration = true)]
    [MemberData(nameof(Answers))]
    public async Task Broken_answer_becomes_a_fault(string code, Script script)
    {
        await using var model = await ScriptedModel.OpenAIAsync();
        model.Server.Enqueue(script);

        Assert.Equal(code, (await model.FaultAsync()).Code);
    }

    [Fact]
    public async Task Chat_client_by_itself_refuses_an_answer_without_a_finish_reason()
    {
        await using var server = await ScriptedOpenAIServer.StartAsync(Cancellation);
        server.Enqueue(Script.Begin().Deltas("half a").Done());
        var options = new OpenAIModelOptions { Endpoint = server.Endpoint, Model = "scripted-1" };
        using var chat = new OpenAIChatClient(options, TimeSpan.FromMinutes(1));

        var fault = await Assert.ThrowsAsync<ModelFault>(
            () => chat.GetResponseAsync(ScriptedModel.Question, null, Cancellation));
        Assert.Equal("provider_incomplete", fault.Code);
    }

    [Fact]
    public async Task Text_before_the_fault_has_been_delivered_when_the_connection_is_reset()
    {
        await using var model = await ScriptedModel.OpenAIAsync();
        var gate = new TaskCompletionSource();
        model.Server.Enqueue(Script.Begin().Deltas("one", "two").Gate(gate.Task).Reset());

        await using var deltas = model.Client
            .StreamAsync(ScriptedModel.Question, Cancellation).GetAsyncEnumerator(Cancellation);
        Assert.True(await deltas.MoveNextAsync());
        Assert.True(await deltas.MoveNextAsync());
        Assert.Equal("two", deltas.Current);
        gate.SetResult();
        var fault = await Assert.ThrowsAsync<ModelFault>(async () => await deltas.MoveNextAsync());
        Assert.Equal(("provider_cut", "provider", true), (fault.Code, fault.Category, fault.Recoverable));
    }

    [Fact]
    public async Task Server_that_is_not_there_is_unavailable()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var port = ((IPEndPoint)listener.LocalEndpoint).Port;
        listener.Stop();
        await using var model = await ScriptedModel.OpenAIAsync(
            options => options.OpenAI.Endpoint = new Uri($"http://127.0.0.1:{port}/v1"));

        var fault = await model.FaultAsync();

        Assert.Equal(("provider_unavailable", "provider", true), (fault.Code, fault.Category, fault.Recoverable));
    }

    [Fact]
    public async Task Answer_over_its_bound_is_too_long_and_not_tried_again()
    {
        await using var model = await ScriptedModel.OpenAIAsync(options => options.TextBytesMax = 8);
        model.Server.Enqueue(Script.Answer("日本", "ab"), Script.Answer("日本", "abc"));

        Assert.Equal("日本ab", await model.AskAsync());
        var fault = await model.FaultAsync();
        Assert.Equal(("provider_output_too_long", "invalid_output", false), (fault.Code, fault.Category, fault.Recoverable));
    }
}
