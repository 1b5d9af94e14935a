using Microsoft.Extensions.AI;
using Streaming.IntegrationTests.Fixtures;
using Streaming.Models;
using Xunit;

namespace Streaming.IntegrationTests.Models;

/// <summary>The same faults from a server that was not written for these tests, and text that a model has
/// written.</summary>
public sealed class TinyModelTests : IAsyncLifetime
{
    static readonly ChatMessage[] Story = [new(ChatRole.User, "Once upon a time")];

    TinyModelServer _server = null!;

    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        var (server, missing) = await TinyModelServer.TryStartAsync(Cancellation);
        if (server is null) Assert.Skip(missing!);
        _server = server;
    }

    public async ValueTask DisposeAsync()
    {
        // Null when the tests were skipped.
        if (_server is not null) await _server.DisposeAsync();
    }

    [Fact]
    public async Task Story_streams_in_many_deltas_and_is_the_same_each_time()
    {
        using var client = Client();

        var first = await client.StreamAsync(Story, Cancellation).ToListAsync(Cancellation);
        var second = await client.StreamAsync(Story, Cancellation).ToListAsync(Cancellation);

        Assert.InRange(first.Count, 50, 200);
        Assert.DoesNotContain("", first);
        Assert.Equal(string.Concat(first), string.Concat(second));
    }

    [Theory]
    [InlineData("429", "provider_rate_limited")]
    [InlineData("500", "provider_unavailable")]
    [InlineData("503", "provider_unavailable")]
    public async Task Status_becomes_a_fault_with_its_wait(string status, string code)
    {
        using var client = Client("x-status", status);

        var (_, fault) = await FailAsync(client);

        Assert.Equal((code, TimeSpan.FromSeconds(1)), (fault.Code, fault.RetryAfter));
    }

    [Fact]
    public async Task Broken_connection_becomes_a_fault_after_the_text_that_came()
    {
        using var client = Client("x-fail-after", "10");

        var (deltas, fault) = await FailAsync(client);

        Assert.InRange(deltas, 1, 10);
        Assert.Equal("provider_cut", fault.Code);
    }

    [Fact]
    public async Task Silence_becomes_a_fault_after_the_text_that_came()
    {
        using var client = Client("x-stall-after", "10", options => options.TokenTimeout = TimeSpan.FromSeconds(2));

        var (deltas, fault) = await FailAsync(client);

        Assert.InRange(deltas, 1, 10);
        Assert.Equal("provider_timeout", fault.Code);
    }

    static async Task<(int Deltas, ModelFault Fault)> FailAsync(ModelClient client)
    {
        var deltas = 0;
        var fault = await Assert.ThrowsAsync<ModelFault>(async () =>
        {
            await foreach (var _ in client.StreamAsync(Story, Cancellation)) deltas++;
        });
        return (deltas, fault);
    }

    ModelClient Client(string? header = null, string value = "", Action<ModelOptions>? configure = null)
    {
        var options = new ModelOptions { OpenAI = { Endpoint = _server.Endpoint, Model = "stories260k" } };
        if (header is not null) options.OpenAI.Headers[header] = value;
        configure?.Invoke(options);
        var chat = new OpenAIChatClient(options.OpenAI, options.RunTimeout);
        return new ModelClient(chat, new("openai", "stories260k"), options, TimeProvider.System);
    }
}
