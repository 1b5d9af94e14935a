using Microsoft.Extensions.AI;
using Streaming.Images;
using Streaming.IntegrationTests.Fixtures;
using Streaming.Models;
using Xunit;

namespace Streaming.IntegrationTests.Models;

/// <summary>A scripted server and the <see cref="ModelClient"/> that talks to it.</summary>
public sealed class ScriptedModel(ScriptedOpenAIServer server, ModelClient client) : IAsyncDisposable
{
    public static readonly ChatMessage[] Question = [new(ChatRole.System, "Be brief."), new(ChatRole.User, "Hello?")];

    /// <summary>As a pipeline sends one.</summary>
    public static readonly byte[] Picture = SampleImage.Png();

    public ScriptedOpenAIServer Server => server;

    public ModelClient Client => client;

    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static async Task<ScriptedModel> OpenAIAsync(Action<ModelOptions>? configure = null, TimeProvider? clock = null)
    {
        var server = await ScriptedOpenAIServer.StartAsync(Cancellation);
        var options = Options(configure);
        options.OpenAI.Endpoint ??= server.Endpoint;
        options.OpenAI.Model = "scripted-1";
        var chat = new OpenAIChatClient(options.OpenAI, TimeSpan.FromMinutes(5));
        return new(server, new ModelClient(chat, new("openai", "scripted-1"), options, clock ?? TimeProvider.System));
    }

    public static async Task<ScriptedModel> AnthropicAsync(
        Action<ModelOptions>? configure = null, TimeProvider? clock = null)
    {
        var server = await ScriptedOpenAIServer.StartAsync(Cancellation);
        var options = Options(configure);
        var anthropic = new AnthropicModelOptions { Endpoint = server.Address, Model = "scripted-1", ApiKey = "key-1" };
        clock ??= TimeProvider.System;
        var chat = AnthropicChat.Create(anthropic, options.OutputTokensMax, TimeSpan.FromMinutes(5), clock);
        return new(server, new ModelClient(chat, new("anthropic", "scripted-1"), options, clock));
    }

    public async Task<string> AskAsync() => string.Concat(await DeltasAsync());

    /// <summary>Asks about a picture, in one message with the question.</summary>
    public async Task<string> AskAboutAsync(byte[] png, int? outputTokensMax)
    {
        ChatMessage[] question = [new(ChatRole.User, [new DataContent(png, "image/png"), new TextContent("What is this?")])];
        var answer = "";
        await foreach (var delta in client.StreamAsync(question, Cancellation, outputTokensMax)) answer += delta;
        return answer;
    }

    public async Task<List<string>> DeltasAsync()
    {
        var deltas = new List<string>();
        await foreach (var delta in client.StreamAsync(Question, Cancellation)) deltas.Add(delta);
        return deltas;
    }

    public Task<ModelFault> FaultAsync() => Assert.ThrowsAsync<ModelFault>(AskAsync);

    public async ValueTask DisposeAsync()
    {
        client.Dispose();
        await server.DisposeAsync();
    }

    static ModelOptions Options(Action<ModelOptions>? configure)
    {
        var options = new ModelOptions();
        configure?.Invoke(options);
        return options;
    }
}
