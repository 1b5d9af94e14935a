using System.ClientModel;
using System.Globalization;
using System.Net.Http.Headers;
using System.Text.Json;
using Anthropic.Exceptions;

namespace Streaming.Models;

/// <summary>The one place that turns what the providers' SDKs throw into <see cref="ModelFault"/>.</summary>
public static class ModelFaults
{
    /// <summary>The fault behind an exception; null when no provider caused it, so that a bug of ours stays visible as
    /// what it is.</summary>
    /// <remarks>Only for calls that the caller has not cancelled: a cancellation that reaches this is a
    /// timeout.</remarks>
    public static ModelFault? From(Exception exception, TimeProvider clock) => exception switch
    {
        ModelFault fault => fault,
        ClientResultException { Status: 0 } e => e.InnerException is { } inner ? From(inner, clock) : Unreachable(e),
        ClientResultException e => FromStatus(e.Status, RetryAfter(e, clock), e),
        AnthropicApiException e => FromStatus((int)e.StatusCode, null, e),
        AnthropicServiceException e => FromErrorType(e.Type?.Raw(), e),
        AnthropicIOException e => e.InnerException is { } inner ? From(inner, clock) : Unreachable(e),
        AnthropicInvalidDataException e => Unreadable(e),
        // The connection stood, and broke before the headers of the answer.
        HttpRequestException
        {
            HttpRequestError: HttpRequestError.Unknown or HttpRequestError.ResponseEnded, InnerException: IOException,
        } e => Cut(e),
        HttpRequestException { HttpRequestError: HttpRequestError.InvalidResponse } e => Unreadable(e),
        HttpRequestException e => Unreachable(e),
        IOException e => Cut(e),
        JsonException e => Unreadable(e),
        OperationCanceledException or TimeoutException =>
            new(ModelFaultKind.Timeout, "The model provider did not answer in time.", inner: exception),
        _ => null,
    };

    /// <summary>The fault of an HTTP status that is not a success.</summary>
    public static ModelFault FromStatus(int status, TimeSpan? retryAfter, Exception? inner) => status switch
    {
        429 => new(ModelFaultKind.RateLimited, "The model provider limits the rate of requests.", retryAfter, inner),
        408 or 504 => new(ModelFaultKind.Timeout, $"The model provider timed out ({status}).", retryAfter, inner),
        // A conflict of concurrent requests: the providers' own SDKs send it again too.
        409 or >= 500 => new(
            ModelFaultKind.Unavailable, $"The model provider is unavailable ({status}).", retryAfter, inner),
        _ => new(ModelFaultKind.Refused, $"The model provider refused the request ({status}).", retryAfter, inner),
    };

    /// <summary>The fault of a success that is no stream of events, such as the page of a gateway, which would read as
    /// an empty one; null for every other type, for local servers are careless about theirs.</summary>
    public static ModelFault? FromContentType(string? type) =>
        type?.StartsWith("text/html", StringComparison.OrdinalIgnoreCase) is true
        || type?.StartsWith("application/json", StringComparison.OrdinalIgnoreCase) is true
            ? new(ModelFaultKind.InvalidResponse, $"The model provider answered with {type} in place of a stream.")
            : null;

    /// <summary>The fault of an error that a provider reports within an answer, by the type it gives (null when it
    /// gives none).</summary>
    public static ModelFault FromErrorType(string? type, Exception? inner) => type switch
    {
        "rate_limit_error" or "rate_limit_exceeded" => FromStatus(429, null, inner),
        "overloaded_error" => FromStatus(529, null, inner),
        "timeout_error" => FromStatus(408, null, inner),
        "invalid_request_error" or "authentication_error" or "permission_error" or "not_found_error"
            or "billing_error" => new(ModelFaultKind.Refused, "The model provider refused the request.", inner: inner),
        _ => new(
            ModelFaultKind.Incomplete, "The model provider broke its answer off with an error.", inner: inner),
    };

    /// <summary>The wait a provider asks for: <c>retry-after-ms</c>, else <c>Retry-After</c> in seconds or as a date
    /// (RFC 9110, 10.2.3); null when there is none that can be read.</summary>
    public static TimeSpan? RetryAfter(string? milliseconds, string? retryAfter, DateTimeOffset now)
    {
        if (double.TryParse(milliseconds, NumberStyles.Float, CultureInfo.InvariantCulture, out var ms)
            && ms is >= 0 and <= int.MaxValue) return TimeSpan.FromMilliseconds(ms);
        if (!RetryConditionHeaderValue.TryParse(retryAfter, out var header)) return null;
        var wait = header.Delta ?? header.Date - now;
        return wait < TimeSpan.Zero ? TimeSpan.Zero : wait;
    }

    static TimeSpan? RetryAfter(ClientResultException exception, TimeProvider clock)
    {
        if (exception.GetRawResponse()?.Headers is not { } headers) return null;
        headers.TryGetValue("retry-after-ms", out var milliseconds);
        headers.TryGetValue("retry-after", out var retryAfter);
        return RetryAfter(milliseconds, retryAfter, clock.GetUtcNow());
    }

    static ModelFault Unreachable(Exception e) =>
        new(ModelFaultKind.Unavailable, "The model provider cannot be reached.", inner: e);

    static ModelFault Cut(Exception e) =>
        new(ModelFaultKind.Cut, "The connection to the model provider broke.", inner: e);

    static ModelFault Unreadable(Exception e) =>
        new(ModelFaultKind.InvalidResponse, "The model provider's answer cannot be read.", inner: e);
}
