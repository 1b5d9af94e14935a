using Microsoft.Extensions.AI;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Streaming.IntegrationTests.Fixtures;
using Streaming.Models;
using Xunit;

namespace Streaming.IntegrationTests.Models;

public class ModelServicesTests
{
    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Provider_is_offline_unless_configured()
    {
        ModelOptions? seen = null;
        await using var services = Services(
            [new("Models:Offline:TokensPerSecond", "0"), new("Models:Offline:Seed", "7")],
            options =>
            {
                seen = options;
                return new OpenAIChatClient(new OpenAIModelOptions { Model = "stand-in", ApiKey = "none" }, TimeSpan.FromSeconds(1));
            });

        var client = services.GetRequiredService<ModelClient>();

        Assert.Equal(new ModelInfo("offline", "offline-composer"), client.Info);
        Assert.Equal((0, 7), (seen!.Offline.TokensPerSecond, seen.Offline.Seed));
        Assert.Same(client, services.GetRequiredService<ModelClient>());
    }

    [Fact]
    public async Task OpenAI_is_made_from_its_options()
    {
        await using var server = await ScriptedOpenAIServer.StartAsync(Cancellation);
        await using var services = Services(
        [
            new("Models:Provider", "openai"),
            new("Models:OpenAI:Endpoint", server.Endpoint.AbsoluteUri),
            new("Models:OpenAI:Model", "scripted-1"),
            new("Models:OpenAI:Headers:x-gateway-route", "fast"),
        ]);

        var client = services.GetRequiredService<ModelClient>();
        await foreach (var _ in client.StreamAsync(ScriptedModel.Question, Cancellation)) { }

        Assert.Equal(new ModelInfo("openai", "scripted-1"), client.Info);
        Assert.Equal("fast", Assert.Single(server.Requests).Headers["x-gateway-route"]);
    }

    [Fact]
    public async Task Anthropic_is_made_from_its_options()
    {
        await using var services = Services(
        [
            new("Models:Provider", "anthropic"),
            new("Models:Anthropic:Model", "scripted-1"),
            new("Models:Anthropic:ApiKey", "key-1"),
        ]);

        Assert.Equal(new ModelInfo("anthropic", "scripted-1"), services.GetRequiredService<ModelClient>().Info);
    }

    [Fact]
    public async Task Options_that_cannot_work_are_refused_with_every_reason()
    {
        await using var services = Services([new("Models:Provider", "openai"), new("Models:RetriesMax", "-1")]);

        var fault = Assert.Throws<OptionsValidationException>(services.GetRequiredService<ModelClient>);

        Assert.Equal(3, fault.Failures.Count());
    }

    static ServiceProvider Services(
        IEnumerable<KeyValuePair<string, string?>> settings, Func<ModelOptions, IChatClient>? offline = null)
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(settings).Build();
        return new ServiceCollection()
            .AddModels(configuration, (_, options) => offline is null
                ? throw new InvalidOperationException("Another provider is configured.")
                : offline(options))
            .BuildServiceProvider();
    }
}
