using Microsoft.Extensions.AI;
using Streaming.Models.Offline;
using Xunit;

namespace Streaming.Tests.Models.Offline;

public class OfflineChatClientTests
{
    private static readonly ChatMessage[] Ideas = Prompt.Ideas("a lonely lighthouse keeper 👩🏽‍🚀 \"quoted\" \\ 龍", 2);

    [Fact]
    public async Task Answer_streams_in_tokens_that_join_to_the_answer_and_stops()
    {
        using var client = new OfflineChatClient(0, 1, TimeProvider.System);

        var updates = await client.GetStreamingResponseAsync(Ideas, null, TestContext.Current.CancellationToken)
            .ToListAsync(TestContext.Current.CancellationToken);

        Assert.Equal(Prompt.Answer(Ideas), string.Concat(updates.Select(update => update.Text)));
        Assert.InRange(updates.Average(update => (double)update.Text.Length), 3, 6);
        Assert.Equal(ChatFinishReason.Stop, updates[^1].FinishReason);
        Assert.All(updates[..^1], update => Assert.Null(update.FinishReason));
        Assert.All(updates, update => Assert.Equal(OfflineChatClient.ModelId, update.ModelId));
        Assert.All(updates, update => Assert.False(
            update.Text.Length > 0 && (char.IsHighSurrogate(update.Text[^1]) || char.IsLowSurrogate(update.Text[0]))));
    }

    [Fact]
    public void Json_is_indented_and_leaves_emoji_and_other_scripts_as_they_are()
    {
        var answer = Prompt.Answer(Prompt.Ideas("🐉🔥", 1));

        Assert.StartsWith("{\n  \"ideas\": [\n    {\n      \"title\": ", answer);
        Assert.Contains("🐉🔥", answer);
        Assert.Contains(@"\\ud83d\\udc09", Prompt.Answer(Prompt.Outline("outline_premise", "T", @"Code \ud83d\udc09.")));
        Assert.Contains("“龍”", Prompt.Answer(Prompt.Ideas("龍", 1)));
    }

    [Fact]
    public async Task Whole_answer_is_the_streamed_one()
    {
        using var client = new OfflineChatClient(0, 1, TimeProvider.System);

        var response = await client.GetResponseAsync(Ideas, null, TestContext.Current.CancellationToken);

        Assert.Equal(Prompt.Answer(Ideas), response.Text);
        Assert.Equal(ChatFinishReason.Stop, response.FinishReason);
        Assert.Equal(OfflineChatClient.ModelId, response.ModelId);
    }

    [Fact]
    public void Prompt_that_is_not_ours_is_told_that_this_is_the_offline_generator()
    {
        var answer = Prompt.Answer([new(ChatRole.User, "What is 2 + 2?")]);

        Assert.Contains("offline generator", answer);
        Assert.Contains("What is 2 + 2?", answer);
        Assert.Contains("offline generator", Prompt.Answer(Prompt.Of(new { task = "sonnet" })));
        Assert.Contains("offline generator", Prompt.Answer([new(ChatRole.User, "<request>{broken</request>")]));
        Assert.Contains("offline generator", Prompt.Answer([]));
    }

    [Fact]
    public void Last_user_message_counts()
    {
        ChatMessage[] prompt = [.. Prompt.Ideas("old"), new(ChatRole.Assistant, "{}"), .. Ideas, new(ChatRole.Assistant, "{")];

        Assert.Equal(Prompt.Answer(Ideas), Prompt.Answer(prompt));
    }

    [Fact]
    public async Task Tokens_come_at_the_pace_of_a_schedule_that_does_not_drift()
    {
        var clock = new ManualClock();
        using var client = new OfflineChatClient(40, 1, clock);
        await using var tokens = client.GetStreamingResponseAsync(Ideas, null, TestContext.Current.CancellationToken)
            .GetAsyncEnumerator(TestContext.Current.CancellationToken);

        Assert.True(await tokens.MoveNextAsync());
        for (var i = 1; i < 100; i++)
        {
            var next = tokens.MoveNextAsync();
            if (i == 50)
            {
                // The clock is 10 tokens late: those come at once, and token 60 is due when it always was.
                Assert.False(next.IsCompleted);
                clock.Advance(TimeSpan.FromMilliseconds(25 * 11));
                Assert.True(await next);
                for (; i < 60; i++)
                    Assert.True(await tokens.MoveNextAsync().AsTask().WaitAsync(TimeSpan.Zero, TestContext.Current.CancellationToken));
                continue;
            }

            Assert.False(next.IsCompleted, $"Token {i} came early.");
            Assert.Equal(TimeSpan.FromMilliseconds(25), clock.NextDue());
            clock.Advance(TimeSpan.FromMilliseconds(25));
            Assert.True(await next);
        }
    }

    [Fact]
    public async Task Cancellation_ends_the_wait_for_a_token()
    {
        using var client = new OfflineChatClient(1, 1, new ManualClock());
        using var stop = new CancellationTokenSource();
        await using var tokens = client.GetStreamingResponseAsync(Ideas, null, stop.Token).GetAsyncEnumerator(stop.Token);
        Assert.True(await tokens.MoveNextAsync());

        var next = tokens.MoveNextAsync();
        Assert.False(next.IsCompleted);
        await stop.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await next);
    }

    [Fact]
    public async Task Cancellation_ends_an_answer_without_pace_before_its_next_token()
    {
        using var client = new OfflineChatClient(0, 1, TimeProvider.System);
        using var stop = new CancellationTokenSource();
        await using var tokens = client.GetStreamingResponseAsync(Ideas, null, stop.Token).GetAsyncEnumerator(stop.Token);
        Assert.True(await tokens.MoveNextAsync());
        await stop.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await tokens.MoveNextAsync());
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(double.NaN)]
    [InlineData(double.PositiveInfinity)]
    [InlineData(0.0001)]
    public void Pace_out_of_bounds_is_refused(double tokensPerSecond)
        => Assert.Throws<ArgumentOutOfRangeException>(() => new OfflineChatClient(tokensPerSecond, 1, TimeProvider.System));

    [Fact]
    public void Client_tells_its_provider_and_model()
    {
        using var client = new OfflineChatClient(0, 1, TimeProvider.System);

        var metadata = (ChatClientMetadata)client.GetService(typeof(ChatClientMetadata))!;

        Assert.Equal(("offline", "offline-composer"), (metadata.ProviderName, metadata.DefaultModelId));
        Assert.Same(client, client.GetService(typeof(OfflineChatClient)));
    }
}
