using Streaming.IntegrationTests.Fixtures;
using Streaming.Models;
using Xunit;

namespace Streaming.IntegrationTests.Models;

public class ModelRetryTests
{
    readonly ManualClock _clock = new() { SkipsWaits = true };
    readonly List<ModelRetry> _retries = [];
    int _attempts;

    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Run_tries_again_after_the_wait_that_the_provider_asks_for()
    {
        // Real time: the requests are real. The provider asks for a few milliseconds.
        await using var model = await ScriptedModel.OpenAIAsync();
        model.Server.Enqueue(
            Script.Failure(429).Header("retry-after-ms", "20"), Script.Begin().Deltas("half").Close(), Script.Answer("whole"));
        var text = "";

        await model.Client.RunAsync(
            async cancellation =>
            {
                text = "";
                await foreach (var delta in model.Client.StreamAsync(ScriptedModel.Question, cancellation)) text += delta;
            },
            Record,
            Cancellation);

        Assert.Equal("whole", text);
        Assert.Equal(["provider_rate_limited", "provider_cut"], _retries.Select(retry => retry.Fault.Code));
        Assert.Equal([1, 2], _retries.Select(retry => retry.Attempt));
        Assert.InRange(_retries[0].Delay, TimeSpan.FromMilliseconds(20), TimeSpan.FromMilliseconds(24));
        Assert.Equal(3, model.Server.Requests.Count);
    }

    [Fact]
    public async Task Wait_is_never_shorter_than_asked_for_and_never_longer_than_allowed()
    {
        using var client = Client(options => options.RetriesMax = 2);
        var asked = new Queue<int>([10, 3600]);
        var begin = _clock.GetUtcNow();

        await client.RunAsync(
            _ => asked.TryDequeue(out var seconds)
                ? throw new ModelFault(ModelFaultKind.RateLimited, "later", TimeSpan.FromSeconds(seconds))
                : Task.CompletedTask,
            Record,
            Cancellation);

        Assert.InRange(_retries[0].Delay, TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(12));
        Assert.Equal(TimeSpan.FromSeconds(30), _retries[1].Delay);
        // Timers count whole milliseconds.
        Assert.Equal(
            (_retries[0].Delay + _retries[1].Delay).TotalMilliseconds,
            (_clock.GetUtcNow() - begin).TotalMilliseconds,
            tolerance: 2);
    }

    [Fact]
    public async Task Run_gives_up_with_the_last_fault_when_its_retries_are_used_up()
    {
        using var client = Client(options => options.RetriesMax = 3);

        var fault = await Assert.ThrowsAsync<ModelFault>(() => client.RunAsync(
            _ => throw new ModelFault(ModelFaultKind.Cut, $"attempt {++_attempts}"), Record, Cancellation));

        Assert.Equal("attempt 4", fault.Message);
        Assert.Equal([1, 2, 3], _retries.Select(retry => retry.Attempt));
        Assert.All(_retries, retry => Assert.InRange(retry.Delay, TimeSpan.Zero, TimeSpan.FromSeconds(30)));
    }

    [Fact]
    public async Task Run_without_retries_tries_once()
    {
        using var client = Client(options => options.RetriesMax = 0);

        await AssertFailsAsync(client, ModelFaultKind.Unavailable);

        Assert.Equal(1, _attempts);
        Assert.Empty(_retries);
    }

    [Fact]
    public async Task Run_does_not_try_again_what_cannot_succeed()
    {
        using var client = Client();

        await AssertFailsAsync(client, ModelFaultKind.Refused);
        await Assert.ThrowsAsync<InvalidOperationException>(() => client.RunAsync(
            _ => throw new InvalidOperationException("a bug"), Record, Cancellation));

        Assert.Equal(1, _attempts);
        Assert.Empty(_retries);
    }

    [Fact]
    public async Task Cancellation_ends_the_wait_for_a_retry()
    {
        using var client = Client(clock: new ManualClock());
        using var caller = new CancellationTokenSource();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => client.RunAsync(
            _ => throw new ModelFault(ModelFaultKind.Cut, "cut"), async _ => await caller.CancelAsync(), caller.Token));
    }

    [Fact]
    public async Task Circuit_opens_for_a_provider_that_keeps_failing_and_closes_when_it_is_well_again()
    {
        var clock = new ManualClock();
        using var client = Client(
            options =>
            {
                options.RetriesMax = 0;
                options.BreakerRequestsMin = 4;
                options.BreakerPause = TimeSpan.FromSeconds(15);
            },
            clock);
        for (var request = 0; request < 4; request++) await AssertFailsAsync(client, ModelFaultKind.Unavailable);

        clock.Advance(TimeSpan.FromSeconds(5));
        var open = await Assert.ThrowsAsync<ModelFault>(() => client.RunAsync(Succeed, Record, Cancellation));

        Assert.Equal(("provider_circuit_open", "provider", true), (open.Code, open.Category, open.Recoverable));
        Assert.Equal(TimeSpan.FromSeconds(10), open.RetryAfter);
        Assert.Equal(4, _attempts);
        clock.Advance(TimeSpan.FromSeconds(10));
        await client.RunAsync(Succeed, Record, Cancellation);
        await client.RunAsync(Succeed, Record, Cancellation);
        Assert.Equal(6, _attempts);
    }

    [Fact]
    public async Task Run_waits_an_open_circuit_out()
    {
        using var client = Client(options => options.BreakerRequestsMin = 2);

        await client.RunAsync(
            _ => ++_attempts <= 2 ? throw new ModelFault(ModelFaultKind.Unavailable, "down") : Task.CompletedTask,
            Record,
            Cancellation);

        Assert.Equal(
            ["provider_unavailable", "provider_unavailable", "provider_circuit_open"],
            _retries.Select(retry => retry.Fault.Code));
        Assert.Equal(3, _attempts);
    }

    [Fact]
    public async Task Circuit_stays_closed_for_faults_that_are_not_the_providers_health()
    {
        using var client = Client(options => (options.BreakerRequestsMin, options.RetriesMax) = (2, 0));

        for (var request = 0; request < 5; request++)
        {
            await AssertFailsAsync(client, ModelFaultKind.Refused);
            await AssertFailsAsync(client, ModelFaultKind.Empty);
        }

        Assert.Equal(10, _attempts);
    }

    ModelClient Client(Action<ModelOptions>? configure = null, TimeProvider? clock = null)
    {
        var options = new ModelOptions();
        configure?.Invoke(options);
        var unused = new OpenAIModelOptions { Endpoint = new Uri("http://127.0.0.1:9/v1"), Model = "unused" };
        return new(new OpenAIChatClient(unused, TimeSpan.FromMinutes(1)), new("openai", "unused"), options, clock ?? _clock);
    }

    async Task AssertFailsAsync(ModelClient client, ModelFaultKind kind)
    {
        var fault = await Assert.ThrowsAsync<ModelFault>(() => client.RunAsync(
            _ =>
            {
                _attempts++;
                throw new ModelFault(kind, "as told");
            },
            Record,
            Cancellation));
        Assert.Equal(kind, fault.Kind);
    }

    Task Succeed(CancellationToken cancellation)
    {
        _attempts++;
        return Task.CompletedTask;
    }

    Task Record(ModelRetry retry)
    {
        _retries.Add(retry);
        return Task.CompletedTask;
    }
}
