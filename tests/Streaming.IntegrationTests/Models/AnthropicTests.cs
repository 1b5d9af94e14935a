using System.Text.Json;
using Streaming.IntegrationTests.Fixtures;
using Streaming.Models;
using Xunit;

namespace Streaming.IntegrationTests.Models;

public class AnthropicTests
{
    // Far beyond what loopback needs, and short enough for a failing test.
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(1)]
    [InlineData(5)]
    [InlineData(1000)]
    public async Task Answer_is_exact_wherever_the_wire_cuts_its_bytes(int pieceBytes)
    {
        await using var model = await ScriptedModel.AnthropicAsync();
        model.Server.Enqueue(Finish(Deltas(Begin(Script.Bare().InPieces(pieceBytes)), "Grüße, \"日本\"\n", "\\ 😀\0", "!")));

        Assert.Equal(["Grüße, \"日本\"\n", "\\ 😀", "!"], await model.DeltasAsync());
    }

    [Fact]
    public async Task Request_carries_model_messages_key_and_limit()
    {
        await using var model = await ScriptedModel.AnthropicAsync(options => options.OutputTokensMax = 77);
        model.Server.Enqueue(Finish(Deltas(Begin(Script.Bare()), "ok")));

        await model.AskAsync();

        var request = Assert.Single(model.Server.Requests);
        Assert.Equal("/v1/messages", request.Path);
        // Which header carries the key is the SDK's affair.
        Assert.Contains(request.Headers.Values, value => value.EndsWith("key-1", StringComparison.Ordinal));
        Assert.Equal("scripted-1", request.Json.GetProperty("model").GetString());
        Assert.Equal(77, request.Json.GetProperty("max_tokens").GetInt32());
        Assert.True(request.Json.GetProperty("stream").GetBoolean());
        Assert.Contains("Be brief.", request.Json.GetProperty("system").GetRawText(), StringComparison.Ordinal);
        Assert.Contains("Hello?", request.Json.GetProperty("messages")[0].GetRawText(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Picture_goes_over_the_wire_byte_by_byte_with_its_type_and_the_limit_of_the_answer()
    {
        await using var model = await ScriptedModel.AnthropicAsync(options => options.OutputTokensMax = 500);
        model.Server.Enqueue(Finish(Deltas(Begin(Script.Bare()), "a sample")));
        Assert.Equal("a sample", await model.AskAboutAsync(ScriptedModel.Picture, outputTokensMax: 99));

        var request = Assert.Single(model.Server.Requests).Json;
        Assert.Equal(99, request.GetProperty("max_tokens").GetInt32());
        var parts = request.GetProperty("messages")[0].GetProperty("content");
        var source = parts.EnumerateArray().Single(part => part.GetProperty("type").GetString() == "image").GetProperty("source");
        Assert.Equal(("base64", "image/png"), (source.GetProperty("type").GetString(), source.GetProperty("media_type").GetString()));
        Assert.Equal(ScriptedModel.Picture, source.GetProperty("data").GetBytesFromBase64());
        Assert.Contains("What is this?", parts.GetRawText(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Answer_that_reached_its_length_ends_normally()
    {
        await using var model = await ScriptedModel.AnthropicAsync();
        model.Server.Enqueue(Finish(Deltas(Begin(Script.Bare()), "cut sho"), "max_tokens"));

        Assert.Equal("cut sho", await model.AskAsync());
    }

    [Theory]
    [InlineData(401, "provider_refused", "invalid_input", false)]
    [InlineData(429, "provider_rate_limited", "rate_limit", true)]
    [InlineData(500, "provider_unavailable", "provider", true)]
    [InlineData(529, "provider_unavailable", "provider", true)]
    public async Task Status_becomes_a_fault_after_one_request(int status, string code, string category, bool recoverable)
    {
        await using var model = await ScriptedModel.AnthropicAsync();
        model.Server.Enqueue(Script.Failure(status, "7"));

        var fault = await model.FaultAsync();

        Assert.Equal((code, category, recoverable), (fault.Code, fault.Category, fault.Recoverable));
        Assert.Equal(TimeSpan.FromSeconds(7), fault.RetryAfter);
        Assert.Contains("scripted", fault.InnerException!.Message, StringComparison.Ordinal);
        Assert.Single(model.Server.Requests);
    }

    public static TheoryData<string, Script> Answers => new()
    {
        { "provider_incomplete", Deltas(Begin(Script.Bare()), "half a") },
        { "provider_incomplete", Script.Bare() },
        { "provider_cut", Deltas(Begin(Script.Bare()), "half a").Close() },
        { "provider_cut", Deltas(Begin(Script.Bare()), "half a").Reset() },
        { "provider_cut", Script.Bare().Close() },
        { "provider_unavailable", Event(Deltas(Begin(Script.Bare()), "half a"), "error", Error("overloaded_error")) },
        { "provider_rate_limited", Event(Deltas(Begin(Script.Bare()), "half a"), "error", Error("rate_limit_error")) },
        { "provider_incomplete", Event(Deltas(Begin(Script.Bare()), "half a"), "error", Error("api_error")) },
        { "provider_invalid_response", Begin(Script.Bare()).Raw("event: content_block_delta\ndata: <html>\n\n") },
        { "provider_invalid_response", Event(Begin(Script.Bare()), "content_block_delta", HalfPair) },
        { "provider_invalid_response", Script.Html() },
        { "provider_empty", Finish(Begin(Script.Bare())) },
        { "provider_refused", Finish(Deltas(Begin(Script.Bare()), "half a"), "refusal") },
    };

    [Theory(DisableDiscoveryEnumeration = true)]
    [MemberData(nameof(Answers))]
    public async Task Broken_answer_becomes_a_fault(string code, Script script)
    {
        await using var model = await ScriptedModel.AnthropicAsync();
        model.Server.Enqueue(script);

        Assert.Equal(code, (await model.FaultAsync()).Code);
    }

    [Fact]
    public async Task Silence_ends_the_request()
    {
        var clock = new ManualClock();
        await using var model = await ScriptedModel.AnthropicAsync(clock: clock);
        model.Server.Enqueue(Deltas(Begin(Script.Bare()), "one").Stall());

        await using var deltas = model.Client
            .StreamAsync(ScriptedModel.Question, Cancellation).GetAsyncEnumerator(Cancellation);
        Assert.True(await deltas.MoveNextAsync());
        var next = deltas.MoveNextAsync().AsTask();
        clock.Advance(TimeSpan.FromSeconds(30));

        var fault = await Assert.ThrowsAsync<ModelFault>(() => next.WaitAsync(Patience, Cancellation));
        Assert.Equal("provider_timeout", fault.Code);
        await model.Server.Requests[0].Aborted.WaitAsync(Patience, Cancellation);
    }

    const string HalfPair =
        """{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"\ud83d"}}""";

    static string Error(string type) =>
        $$$"""{"type":"error","error":{"type":"{{{type}}}","message":"scripted"},"request_id":null}""";

    static Script Begin(Script script)
    {
        Event(script, "message_start", """{"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"scripted-1","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":3,"output_tokens":1}}}""");
        return Event(script, "content_block_start", """{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}""");
    }

    static Script Deltas(Script script, params ReadOnlySpan<string> deltas)
    {
        foreach (var delta in deltas)
        {
            var text = JsonSerializer.Serialize(delta);
            Event(script, "content_block_delta", $$$"""{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":{{{text}}}}}""");
        }
        return script;
    }

    static Script Finish(Script script, string stopReason = "end_turn")
    {
        Event(script, "content_block_stop", """{"type":"content_block_stop","index":0}""");
        Event(script, "message_delta", $$$"""{"type":"message_delta","delta":{"stop_reason":"{{{stopReason}}}","stop_sequence":null},"usage":{"output_tokens":5}}""");
        return Event(script, "message_stop", """{"type":"message_stop"}""");
    }

    static Script Event(Script script, string name, string data) => script.Raw($"event: {name}\ndata: {data}\n\n");
}
