using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;
using Streaming.IntegrationTests.Fixtures;
using Streaming.Models;
using Xunit;

namespace Streaming.IntegrationTests.Models;

public class ModelTimeLimitTests
{
    // Far beyond what loopback needs, and short enough for a failing test.
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    readonly ManualClock _clock = new();

    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Silence_before_the_first_token_ends_the_request()
    {
        await using var model = await ScriptedModel.OpenAIAsync(clock: _clock);
        model.Server.Enqueue(Script.Bare().Stall());

        await using var deltas = model.Client.StreamAsync(ScriptedModel.Question, Cancellation).GetAsyncEnumerator(Cancellation);
        var next = deltas.MoveNextAsync().AsTask();
        var request = await model.Server.NextRequestAsync(Cancellation);
        _clock.Advance(TimeSpan.FromSeconds(30));

        await AssertTimeoutAsync(next, "sent nothing for 00:00:30");
        await request.Aborted.WaitAsync(Patience, Cancellation);
    }

    [Fact]
    public async Task Silence_between_tokens_ends_the_request_whatever_time_the_reader_took()
    {
        await using var model = await ScriptedModel.OpenAIAsync(clock: _clock);
        model.Server.Enqueue(Script.Begin().Deltas("one").Stall());

        await using var deltas = model.Client.StreamAsync(ScriptedModel.Question, Cancellation).GetAsyncEnumerator(Cancellation);
        Assert.True(await deltas.MoveNextAsync());
        _clock.Advance(TimeSpan.FromMinutes(5));
        var next = deltas.MoveNextAsync().AsTask();
        _clock.Advance(TimeSpan.FromSeconds(29));
        Assert.False(next.IsCompleted);
        _clock.Advance(TimeSpan.FromSeconds(1));

        await AssertTimeoutAsync(next, "sent nothing for 00:00:30");
        await model.Server.Requests[0].Aborted.WaitAsync(Patience, Cancellation);
    }

    [Fact]
    public async Task Steady_answer_is_ended_when_it_takes_longer_than_a_run_may()
    {
        await using var model = await ScriptedModel.OpenAIAsync(
            options => options.RunTimeout = TimeSpan.FromSeconds(50), _clock);
        model.Server.Enqueue(Script.Begin().Deltas("one", "two", "three").Stall());

        await using var deltas = model.Client.StreamAsync(ScriptedModel.Question, Cancellation).GetAsyncEnumerator(Cancellation);
        for (var token = 0; token < 3; token++)
        {
            Assert.True(await deltas.MoveNextAsync());
            _clock.Advance(TimeSpan.FromSeconds(15));
        }
        var next = deltas.MoveNextAsync().AsTask();
        _clock.Advance(TimeSpan.FromSeconds(5));

        await AssertTimeoutAsync(next, "took longer than 00:00:50");
    }

    [Fact]
    public async Task Cancellation_ends_the_request_and_is_no_fault()
    {
        await using var model = await ScriptedModel.OpenAIAsync();
        model.Server.Enqueue(Script.Begin().Deltas("one").Stall());
        using var caller = new CancellationTokenSource();

        await using var deltas = model.Client.StreamAsync(ScriptedModel.Question, caller.Token).GetAsyncEnumerator(Cancellation);
        Assert.True(await deltas.MoveNextAsync());
        var next = deltas.MoveNextAsync().AsTask();
        await caller.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => next);
        await model.Server.Requests[0].Aborted.WaitAsync(Patience, Cancellation);
    }

    [Fact]
    public async Task Reader_that_leaves_early_ends_the_request()
    {
        await using var model = await ScriptedModel.OpenAIAsync();
        model.Server.Enqueue(Script.Begin().Deltas("one").Stall());

        await foreach (var _ in model.Client.StreamAsync(ScriptedModel.Question, Cancellation)) break;

        await model.Server.Requests[0].Aborted.WaitAsync(Patience, Cancellation);
    }

    [Fact]
    public async Task Reader_that_leaves_early_leaves_no_stream_of_the_provider_behind()
    {
        // On sockets the collector would sooner or later hide it.
        var chat = new EndlessChat();
        using var client = new ModelClient(chat, new("endless", "endless"), new ModelOptions(), TimeProvider.System);

        await foreach (var _ in client.StreamAsync(ScriptedModel.Question, Cancellation)) break;

        Assert.True(chat.Ended);
    }

    sealed class EndlessChat : IChatClient
    {
        public bool Ended { get; private set; }

        public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
            IEnumerable<ChatMessage> messages,
            ChatOptions? options,
            [EnumeratorCancellation] CancellationToken cancellationToken)
        {
            try
            {
                while (true)
                {
                    yield return new ChatResponseUpdate(ChatRole.Assistant, "more ");
                    await Task.Yield();
                }
            }
            finally
            {
                Ended = true;
            }
        }

        public Task<ChatResponse> GetResponseAsync(
            IEnumerable<ChatMessage> messages, ChatOptions? options, CancellationToken cancellationToken) =>
            throw new NotSupportedException();

        public object? GetService(Type serviceType, object? serviceKey) => null;

        public void Dispose() { }
    }

    static async Task AssertTimeoutAsync(Task call, string words)
    {
        var fault = await Assert.ThrowsAsync<ModelFault>(() => call.WaitAsync(Patience, Cancellation));
        Assert.Equal(("provider_timeout", "timeout", true), (fault.Code, fault.Category, fault.Recoverable));
        Assert.Contains(words, fault.Message, StringComparison.Ordinal);
    }
}
