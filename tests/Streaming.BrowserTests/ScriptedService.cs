using Microsoft.Extensions.DependencyInjection;
using Streaming.IntegrationTests.Fixtures;

namespace Streaming.BrowserTests;

/// <summary>A service whose model says what a test has written, when the test lets it.</summary>
public static class ScriptedService
{
    public static Task<ServiceHost> StartAsync(
        PostgresServer postgres, ScriptedOpenAIServer model, IEnumerable<KeyValuePair<string, string>>? settings = null,
        Action<IServiceCollection>? services = null) => ServiceHost.StartAsync(postgres,
    [
        .. PacedService.QuickRetry,
        .. settings ?? [],
        new("Models:Provider", "openai"),
        new("Models:OpenAI:Endpoint", model.Endpoint.ToString()),
        new("Models:OpenAI:Model", "scripted-1"),
        new("Models:OpenAI:ApiKey", "none"),
    ], services: services);
}
