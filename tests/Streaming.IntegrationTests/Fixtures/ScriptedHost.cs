using Xunit;

namespace Streaming.IntegrationTests.Fixtures;

/// <summary>The service with the scripted OpenAI-compatible server as its model provider.</summary>
public sealed class ScriptedHost : IAsyncDisposable
{
    ScriptedHost(ScriptedOpenAIServer model, ServiceHost host) => (Model, Host) = (model, host);

    public ScriptedOpenAIServer Model { get; }

    public ServiceHost Host { get; }

    public HttpClient Client => Host.Client;

    public static async Task<ScriptedHost> StartAsync(PostgresServer postgres, IEnumerable<KeyValuePair<string, string>>? settings = null)
    {
        var model = await ScriptedOpenAIServer.StartAsync(TestContext.Current.CancellationToken);
        var host = await ServiceHost.StartAsync(postgres, [
            new("Models:Provider", "openai"),
            new("Models:OpenAI:Endpoint", model.Endpoint.ToString()),
            new("Models:OpenAI:ApiKey", "key"),
            new("Models:OpenAI:Model", "scripted"),
            new("Models:RetryBaseDelay", "00:00:00.01"),
            .. settings ?? []]);
        return new ScriptedHost(model, host);
    }

    public async ValueTask DisposeAsync()
    {
        await Host.DisposeAsync();
        await Model.DisposeAsync();
    }
}
