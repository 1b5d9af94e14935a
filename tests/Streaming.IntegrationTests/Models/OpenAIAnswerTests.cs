using Microsoft.Extensions.AI;
using Streaming.IntegrationTests.Fixtures;
using Streaming.Models;
using Xunit;

namespace Streaming.IntegrationTests.Models;

public class OpenAIAnswerTests
{
    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(7)]
    [InlineData(1000)]
    public async Task Answer_is_exact_wherever_the_wire_cuts_its_bytes(int pieceBytes)
    {
        await using var model = await ScriptedModel.OpenAIAsync();
        model.Server.Enqueue(Script.Begin().InPieces(pieceBytes)
            .Deltas("Grüße, \"日本\"\n", "\t\\ 😀", "data: x\n\nid: 7").DeltaAsWritten(@" \u00e9\ud83d\ude00\/ ")
            .Finish("stop").Usage().Done());

        Assert.Equal("Grüße, \"日本\"\n\t\\ 😀data: x\n\nid: 7 é😀/ ", await model.AskAsync());
    }

    [Fact]
    public async Task Picture_goes_over_the_wire_byte_by_byte_with_its_type_and_the_limit_of_the_answer()
    {
        await using var model = await ScriptedModel.OpenAIAsync(options => options.OutputTokensMax = 500);
        model.Server.Enqueue(Script.Answer("a sample"));
        Assert.Equal("a sample", await model.AskAboutAsync(ScriptedModel.Picture, outputTokensMax: 99));

        var request = Assert.Single(model.Server.Requests).Json;
        Assert.Equal(99, request.GetProperty("max_completion_tokens").GetInt32());
        var parts = request.GetProperty("messages")[0].GetProperty("content");
        Assert.Equal(["image_url", "text"], parts.EnumerateArray().Select(part => part.GetProperty("type").GetString()));
        var address = parts[0].GetProperty("image_url").GetProperty("url").GetString()!.Split(',');
        Assert.Equal("data:image/png;base64", address[0]);
        Assert.Equal(ScriptedModel.Picture, Convert.FromBase64String(address[1]));
        Assert.Equal("What is this?", parts[1].GetProperty("text").GetString());
    }

    [Fact]
    public async Task Answer_comes_in_storable_deltas_when_the_provider_cuts_a_pair_and_sends_nul()
    {
        await using var model = await ScriptedModel.OpenAIAsync();
        model.Server.Enqueue(Script.Answer("a\uD83D", "\uDE00b", "", "\0", "c\0\uDE00d", "e\uD83D"));

        Assert.Equal(["a", "😀b", "c\uFFFDd", "e", "\uFFFD"], await model.DeltasAsync());
    }

    [Fact]
    public async Task Deltas_arrive_while_the_answer_is_still_being_written()
    {
        await using var model = await ScriptedModel.OpenAIAsync();
        var gate = new TaskCompletionSource();
        model.Server.Enqueue(Script.Begin().Deltas("one").Gate(gate.Task).Deltas("two").Finish("stop").Done());

        await using var deltas = model.Client
            .StreamAsync(ScriptedModel.Question, Cancellation).GetAsyncEnumerator(Cancellation);
        Assert.True(await deltas.MoveNextAsync());
        Assert.Equal("one", deltas.Current);
        gate.SetResult();
        Assert.True(await deltas.MoveNextAsync());
        Assert.Equal("two", deltas.Current);
        Assert.False(await deltas.MoveNextAsync());
    }

    [Fact]
    public async Task Answer_that_reached_its_length_ends_normally()
    {
        await using var model = await ScriptedModel.OpenAIAsync();
        model.Server.Enqueue(Script.Begin().Deltas("cut sho").Finish("length").Done());

        Assert.Equal("cut sho", await model.AskAsync());
    }

    [Fact]
    public async Task Answer_is_whole_when_it_finished_and_only_the_done_line_is_missing()
    {
        await using var model = await ScriptedModel.OpenAIAsync();
        model.Server.Enqueue(Script.Begin().Deltas("whole").Finish("stop"));

        Assert.Equal("whole", await model.AskAsync());
    }

    [Fact]
    public async Task Answer_is_whole_when_the_connection_breaks_after_its_finish()
    {
        await using var model = await ScriptedModel.OpenAIAsync();
        var gate = new TaskCompletionSource();
        // One chunk: who has the text has the finish reason too, and the connection may go.
        model.Server.Enqueue(Script.Begin()
            .Raw("data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"whole\"},\"finish_reason\":\"stop\"}]}\n\n")
            .Gate(gate.Task).Close());

        await using var deltas = model.Client
            .StreamAsync(ScriptedModel.Question, Cancellation).GetAsyncEnumerator(Cancellation);
        Assert.True(await deltas.MoveNextAsync());
        gate.SetResult();
        Assert.False(await deltas.MoveNextAsync());
    }

    [Fact]
    public async Task Chunks_without_text_of_the_first_choice_are_passed_over()
    {
        await using var model = await ScriptedModel.OpenAIAsync();
        model.Server.Enqueue(Script.Begin()
            .Raw(": keep-alive\n\n")
            .Raw("data: {\"choices\":[{\"index\":1,\"delta\":{\"content\":\"other\"}}]}\n\n")
            .Raw("data: {\"choices\":[{\"index\":0,\"delta\":{\"reasoning_content\":\"hm\",\"content\":null}}]}\n\n")
            .Raw("data: {\"object\":\"x\",\"error\":null}\n\n")
            .Deltas("text").Finish("stop").Usage().Done());

        Assert.Equal(["text"], await model.DeltasAsync());
    }

    [Fact]
    public async Task Request_carries_model_messages_key_headers_and_limit()
    {
        await using var model = await ScriptedModel.OpenAIAsync(options =>
        {
            options.OpenAI.ApiKey = "key-1";
            options.OpenAI.Headers["x-gateway-route"] = "fast";
            options.OutputTokensMax = 77;
        });

        Assert.Equal("Hello world", await model.AskAsync());

        var request = Assert.Single(model.Server.Requests);
        Assert.Equal("/v1/chat/completions", request.Path);
        Assert.Equal("Bearer key-1", request.Headers["authorization"]);
        Assert.Equal("fast", request.Headers["x-gateway-route"]);
        Assert.StartsWith("application/json", request.Headers["content-type"], StringComparison.Ordinal);
        Assert.Equal(
            """{"model":"scripted-1","messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"Hello?"}],"stream":true,"stream_options":{"include_usage":true},"max_completion_tokens":77}""",
            request.Body);
    }

    [Fact]
    public async Task Request_carries_images_as_parts()
    {
        await using var model = await ScriptedModel.OpenAIAsync();
        var question = new ChatMessage(ChatRole.User,
            [new TextContent("What is it?"), new DataContent(new byte[] { 1, 2, 3 }, "image/png")]);

        await foreach (var _ in model.Client.StreamAsync([question], TestContext.Current.CancellationToken)) { }

        Assert.Equal(
            """[{"type":"text","text":"What is it?"},{"type":"image_url","image_url":{"url":"data:image/png;base64,AQID"}}]""",
            Assert.Single(model.Server.Requests).Json.GetProperty("messages")[0].GetProperty("content").GetRawText());
    }

    [Fact]
    public async Task Chat_client_gives_text_usage_finish_reason_and_model_of_a_whole_answer()
    {
        var cancellation = TestContext.Current.CancellationToken;
        await using var server = await ScriptedOpenAIServer.StartAsync(cancellation);
        using var chat = new OpenAIChatClient(
            new OpenAIModelOptions { Endpoint = server.Endpoint, Model = "asked" }, TimeSpan.FromMinutes(1));

        var answer = await chat.GetResponseAsync(ScriptedModel.Question, null, cancellation);

        Assert.Equal("Hello world", answer.Text);
        Assert.Equal("scripted-1", answer.ModelId);
        Assert.Equal(ChatFinishReason.Stop, answer.FinishReason);
        Assert.Equal((3, 5, 8), (answer.Usage!.InputTokenCount, answer.Usage.OutputTokenCount, answer.Usage.TotalTokenCount));
        Assert.Equal("asked", ((ChatClientMetadata)chat.GetService(typeof(ChatClientMetadata), null)!).DefaultModelId);
    }
}
