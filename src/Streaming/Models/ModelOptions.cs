namespace Streaming.Models;

/// <summary>Which model answers, and how patient and how persistent <see cref="ModelClient"/> is with it: section
/// <c>Models</c>.</summary>
public sealed class ModelOptions
{
    public const string Section = "Models";

    /// <summary><c>offline</c> (default: needs no key and no network), <c>openai</c> (every server that speaks its chat
    /// completions) or <c>anthropic</c>.</summary>
    public string Provider { get; set; } = "offline";

    /// <summary>Read when <see cref="Provider"/> is <c>openai</c>.</summary>
    public OpenAIModelOptions OpenAI { get; set; } = new();

    /// <summary>Read when <see cref="Provider"/> is <c>anthropic</c>.</summary>
    public AnthropicModelOptions Anthropic { get; set; } = new();

    /// <summary>Read when <see cref="Provider"/> is <c>offline</c>.</summary>
    public OfflineModelOptions Offline { get; set; } = new();

    /// <summary>Longest silence of the provider, before the first token and between two; default 30 s. After it the
    /// request is cancelled and the fault is <c>provider_timeout</c>. A reader that is slow to ask for the next token
    /// does not use it up.</summary>
    public TimeSpan TokenTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Longest time of one whole answer, however steadily it comes; default 10 min. Counts each try of
    /// <see cref="RetriesMax"/> anew.</summary>
    public TimeSpan RunTimeout { get; set; } = TimeSpan.FromMinutes(10);

    /// <summary>How often a recoverable fault is tried again; default 3, so 4 requests at most; 0 switches retries
    /// off.</summary>
    public int RetriesMax { get; set; } = 3;

    /// <summary>Wait before the first retry; default 1 s. It doubles with each and is jittered; a <c>Retry-After</c> of
    /// the provider is used in its place.</summary>
    public TimeSpan RetryBaseDelay { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>Longest wait before a retry, a provider's <c>Retry-After</c> included; default 30 s.</summary>
    public TimeSpan RetryDelayMax { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Most text of one answer in bytes of UTF-8; default 1 MiB. More is the fault
    /// <c>provider_output_too_long</c>.</summary>
    public int TextBytesMax { get; set; } = 1024 * 1024;

    /// <summary>Most tokens asked for in one answer; default none, which leaves it to the provider (Anthropic must be
    /// told: 8192). An answer that reaches it ends normally, cut short.</summary>
    public int? OutputTokensMax { get; set; }

    /// <summary>Share of requests within <see cref="BreakerSampling"/> that must fail for the circuit to open; default
    /// 0.5. While it is open no request is sent and the fault is <c>provider_circuit_open</c>.</summary>
    public double BreakerFailureRatio { get; set; } = 0.5;

    /// <summary>Fewest requests within <see cref="BreakerSampling"/> that can open the circuit; default 10, at least 2:
    /// one unlucky user must not stop the others.</summary>
    public int BreakerRequestsMin { get; set; } = 10;

    /// <summary>The time over which <see cref="BreakerFailureRatio"/> is taken; default 30 s, at least 0.5 s.</summary>
    public TimeSpan BreakerSampling { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>How long an open circuit stays open before one request tries the provider again; default 15 s, at least
    /// 0.5 s. Longer than <see cref="RetryDelayMax"/> means that retries run out against a closed door.</summary>
    public TimeSpan BreakerPause { get; set; } = TimeSpan.FromSeconds(15);
}

/// <summary>An OpenAI-compatible server: section <c>Models:OpenAI</c>.</summary>
public sealed class OpenAIModelOptions
{
    /// <summary>Base address with its version, such as <c>http://127.0.0.1:8080/v1</c>; default OpenAI's own.</summary>
    public Uri? Endpoint { get; set; }

    /// <summary>Sent as bearer token. Required without <see cref="Endpoint"/>; a local server may need none.</summary>
    public string? ApiKey { get; set; }

    /// <summary>Name of the model; required.</summary>
    public string? Model { get; set; }

    /// <summary>More headers for every request, as gateways ask for (routing, attribution, a second key); default
    /// none.</summary>
    public Dictionary<string, string> Headers { get; set; } = [];
}

/// <summary>Anthropic's messages API: section <c>Models:Anthropic</c>.</summary>
public sealed class AnthropicModelOptions
{
    /// <summary>Required.</summary>
    public string? ApiKey { get; set; }

    /// <summary>Name of the model; required.</summary>
    public string? Model { get; set; }

    /// <summary>Base address without a version; default Anthropic's own.</summary>
    public Uri? Endpoint { get; set; }
}

/// <summary>The generator that needs no provider: section <c>Models:Offline</c>.</summary>
public sealed class OfflineModelOptions
{
    /// <summary>Pace in tokens per second; default 40; 0 is as fast as it goes.</summary>
    public double TokensPerSecond { get; set; } = 40;

    /// <summary>A simulation, for tests and for trying budgets: how long it does as if it were thinking before its first token; default 0.
    /// No generator of this kind needs any.</summary>
    public TimeSpan SimulatedLatency { get; set; }

    /// <summary>Seed of its choices; default 0. The same seed and the same request give the same text.</summary>
    public int Seed { get; set; }
}
