using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using Streaming.Telemetry;

namespace Streaming.Models;

/// <summary>Registers the <see cref="ModelClient"/> of the configured provider.</summary>
public static class ModelServices
{
    /// <summary>Adds <see cref="ModelOptions"/> (checked when the host starts) and one
    /// <see cref="ModelClient"/>.</summary>
    /// <param name="services">May hold a <see cref="TimeProvider"/> already.</param>
    /// <param name="configuration">The root; section <c>Models</c> is read.</param>
    /// <param name="offline">Makes the generator that needs no provider; called only when it is the one
    /// configured.</param>
    public static IServiceCollection AddModels(
        this IServiceCollection services,
        IConfiguration configuration,
        Func<IServiceProvider, ModelOptions, IChatClient> offline)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton<IValidateOptions<ModelOptions>, ModelOptionsValidation>();
        services.AddOptions<ModelOptions>().Bind(configuration.GetSection(ModelOptions.Section)).ValidateOnStart();
        services.AddSingleton(provider =>
        {
            var options = provider.GetRequiredService<IOptions<ModelOptions>>().Value;
            var clock = provider.GetRequiredService<TimeProvider>();
            var (chat, model) = options.Provider switch
            {
                "openai" => (new OpenAIChatClient(options.OpenAI, options.RunTimeout), options.OpenAI.Model!),
                "anthropic" => (
                    AnthropicChat.Create(options.Anthropic, options.OutputTokensMax, options.RunTimeout, clock),
                    options.Anthropic.Model!),
                _ => (offline(provider, options), "offline-composer"),
            };
            return new ModelClient(chat, new ModelInfo(options.Provider, model), options, clock, provider.GetService<ServiceMetrics>());
        });
        return services;
    }
}
