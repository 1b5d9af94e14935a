
namespace Streaming.Models;

/// <summary>A model provider failed, or answered with what cannot be used. Thrown by <see cref="ModelClient"/>; by
/// pipelines too, for an answer that they cannot read.</summary>
/// <remarks><see cref="Exception.Message"/> may be shown to users. The provider's own words can hold account names and
/// parts of keys, so they are only in the inner exception, for the log.</remarks>

public sealed class ModelFault(
    ModelFaultKind kind, string message, TimeSpan? retryAfter = null, Exception? inner = null)
    : Exception(message, inner)
{
    public ModelFaultKind Kind => kind;

    /// <summary>Stable name for programs, such as <c>provider_timeout</c>.</summary>
    public string Code => kind.Code;

    /// <summary><c>provider</c>, <c>rate_limit</c>, <c>timeout</c>, <c>invalid_input</c> or
    /// <c>invalid_output</c>.</summary>
    public string Category => kind.Category;

    /// <summary>Whether the same request may succeed when sent again.</summary>
    public bool Recoverable => kind.Recoverable;

    /// <summary>The wait that the provider asked for, or that an open circuit has left; null when nobody
    /// said.</summary>
    public TimeSpan? RetryAfter => retryAfter;
}

/// <summary>Every way in which a provider fails: the one table of codes.</summary>
public sealed record ModelFaultKind
{
    /// <summary>Could not be reached, answered 5xx, or said that it is overloaded.</summary>
    public static readonly ModelFaultKind Unavailable = new("provider_unavailable", "provider", true);

    /// <summary>Answered 429.</summary>
    public static readonly ModelFaultKind RateLimited = new("provider_rate_limited", "rate_limit", true);

    /// <summary>Was silent for longer than <see cref="ModelOptions.TokenTimeout"/>, or took longer than
    /// <see cref="ModelOptions.RunTimeout"/>.</summary>
    public static readonly ModelFaultKind Timeout = new("provider_timeout", "timeout", true);

    /// <summary>Ended its answer in good order without having finished it: no finish reason, or an error in the
    /// middle.</summary>
    public static readonly ModelFaultKind Incomplete = new("provider_incomplete", "provider", true);

    /// <summary>The connection broke within the answer.</summary>
    public static readonly ModelFaultKind Cut = new("provider_cut", "provider", true);

    /// <summary>Will not do this: a wrong request, key, model or account, or text that its filter stopped.</summary>
    public static readonly ModelFaultKind Refused = new("provider_refused", "invalid_input", false);

    /// <summary>Answered with what is not its protocol, such as the HTML page of a gateway.</summary>
    public static readonly ModelFaultKind InvalidResponse = new("provider_invalid_response", "invalid_output", true);

    /// <summary>Finished without a character of text.</summary>
    public static readonly ModelFaultKind Empty = new("provider_empty", "invalid_output", true);

    /// <summary>Sent more than <see cref="ModelOptions.TextBytesMax"/>. Final: the next try would cost as
    /// much.</summary>
    public static readonly ModelFaultKind OutputTooLong = new("provider_output_too_long", "invalid_output", false);

    /// <summary>Was not asked, because it has been failing: see
    /// <see cref="ModelOptions.BreakerFailureRatio"/>.</summary>
    public static readonly ModelFaultKind CircuitOpen = new("provider_circuit_open", "provider", true);

    /// <summary>All kinds, for documents and tests.</summary>
    public static IReadOnlyList<ModelFaultKind> All { get; } =
    [
        Unavailable, RateLimited, Timeout, Incomplete, Cut, Refused, InvalidResponse, Empty, OutputTooLong, CircuitOpen,
    ];

    ModelFaultKind(string code, string category, bool recoverable)
    {
        Code = code;
        Category = category;
        Recoverable = recoverable;
    }

    /// <inheritdoc cref="ModelFault.Code"/>
    public string Code { get; }

    /// <inheritdoc cref="ModelFault.Category"/>
    public string Category { get; }

    /// <inheritdoc cref="ModelFault.Recoverable"/>
    public bool Recoverable { get; }

    /// <summary>Whether the fault says that the provider is unwell, so that the circuit breaker counts it.</summary>
    public bool Unwell => Recoverable && Category is "provider" or "rate_limit" or "timeout";
}
