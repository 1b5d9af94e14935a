using Microsoft.Extensions.Options;

namespace Streaming.Models;

/// <summary>Refuses a start with <see cref="ModelOptions"/> that no generation could run with, naming every option at
/// fault.</summary>
public sealed class ModelOptionsValidation : IValidateOptions<ModelOptions>
{
    public ValidateOptionsResult Validate(string? name, ModelOptions options)
    {
        var faults = Faults(options).ToList();
        return faults.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(faults);
    }

    /// <summary>One sentence for each option at fault; empty when all is well. No sentence holds a key.</summary>
    public static IEnumerable<string> Faults(ModelOptions options)
    {
        var provider = options.Provider switch
        {
            "offline" => [],
            "openai" => OpenAIFaults(options.OpenAI),
            "anthropic" => AnthropicFaults(options.Anthropic),
            _ => [$"Models:Provider is '{options.Provider}'; it can be 'offline', 'openai' or 'anthropic'."],
        };
        return provider.Concat(LimitFaults(options));
    }

    static IEnumerable<string> OpenAIFaults(OpenAIModelOptions options)
    {
        if (string.IsNullOrWhiteSpace(options.Model))
            yield return "Models:OpenAI:Model is missing: name the model to use.";
        if (options.Endpoint is null && string.IsNullOrWhiteSpace(options.ApiKey))
            yield return "Models:OpenAI:ApiKey is missing: set it, "
                + "or set Models:OpenAI:Endpoint to a server that needs none.";
        if (!IsWebAddress(options.Endpoint))
            yield return "Models:OpenAI:Endpoint must be an absolute http or https address, with its version, "
                + "such as http://127.0.0.1:8080/v1.";
        using var probe = new HttpRequestMessage();
        foreach (var (header, value) in options.Headers)
        {
            if (value.AsSpan().ContainsAny('\r', '\n') || !probe.Headers.TryAddWithoutValidation(header, value))
                yield return $"Models:OpenAI:Headers:{header} is no valid request header.";
        }
    }

    static IEnumerable<string> AnthropicFaults(AnthropicModelOptions options)
    {
        if (string.IsNullOrWhiteSpace(options.Model))
            yield return "Models:Anthropic:Model is missing: name the model to use.";
        if (string.IsNullOrWhiteSpace(options.ApiKey))
            yield return "Models:Anthropic:ApiKey is missing.";
        if (!IsWebAddress(options.Endpoint))
            yield return "Models:Anthropic:Endpoint must be an absolute http or https address, without a version.";
    }

    static IEnumerable<string> LimitFaults(ModelOptions options)
    {
        if (options.Offline.TokensPerSecond is < 0 or double.NaN)
            yield return "Models:Offline:TokensPerSecond must be 0 (as fast as it goes) or more.";
        if (options.Offline.SimulatedLatency < TimeSpan.Zero || options.Offline.SimulatedLatency > TimeSpan.FromMinutes(10))
            yield return "Models:Offline:SimulatedLatency must be between 0 and 10 min.";
        if (!IsTimerSpan(options.TokenTimeout))
            yield return "Models:TokenTimeout must be more than 0 and at most 24 days.";
        if (!IsTimerSpan(options.RunTimeout))
            yield return "Models:RunTimeout must be more than 0 and at most 24 days.";
        if (options.RetriesMax < 0) yield return "Models:RetriesMax must be 0 (no retries) or more.";
        if (options.RetryBaseDelay < TimeSpan.Zero || options.RetryBaseDelay > options.RetryDelayMax)
            yield return "Models:RetryBaseDelay must be between 0 and Models:RetryDelayMax.";
        if (options.RetryDelayMax > TimeSpan.FromDays(1)) yield return "Models:RetryDelayMax must be at most 1 day.";
        if (options.TextBytesMax < 1) yield return "Models:TextBytesMax must be 1 or more.";
        if (options.OutputTokensMax < 1) yield return "Models:OutputTokensMax must be 1 or more, or left out.";
        if (options.BreakerFailureRatio is not (> 0 and <= 1))
            yield return "Models:BreakerFailureRatio must be more than 0 and at most 1.";
        if (options.BreakerRequestsMin < 2) yield return "Models:BreakerRequestsMin must be 2 or more.";
        if (!IsBreakerSpan(options.BreakerSampling))
            yield return "Models:BreakerSampling must be between 0.5 s and 1 day.";
        if (!IsBreakerSpan(options.BreakerPause))
            yield return "Models:BreakerPause must be between 0.5 s and 1 day.";
    }

    static bool IsWebAddress(Uri? address) =>
        address is null || (address.IsAbsoluteUri && address.Scheme is "http" or "https");

    // A timer of .NET holds no more than 2^32 - 2 ms, some 49 days; half of it is clear of every edge.
    static bool IsTimerSpan(TimeSpan span) => span > TimeSpan.Zero && span <= TimeSpan.FromDays(24);

    // The bounds of Polly's circuit breaker.
    static bool IsBreakerSpan(TimeSpan span) => span >= TimeSpan.FromMilliseconds(500) && span <= TimeSpan.FromDays(1);
}
