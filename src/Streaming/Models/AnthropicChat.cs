using Anthropic;
using Anthropic.Core;
using Microsoft.Extensions.AI;

namespace Streaming.Models;

/// <summary>Anthropic's SDK as <see cref="IChatClient"/>, one request a call: retries and timeouts are
/// <see cref="ModelClient"/>'s.</summary>
public static class AnthropicChat
{
    const int OutputTokensDefault = 8192;

    /// <param name="options">As <see cref="ModelOptionsValidation"/> lets through.</param>
    /// <param name="outputTokensMax">Null for 8192: the API needs a number.</param>
    /// <param name="networkTimeout">Longest time of a call, as a last guard.</param>
    /// <param name="clock">Reads a <c>Retry-After</c> that is a date.</param>
    public static IChatClient Create(
        AnthropicModelOptions options, int? outputTokensMax, TimeSpan networkTimeout, TimeProvider clock)
    {
        var settings = new ClientOptions
        {
            ApiKey = options.ApiKey,
            MaxRetries = 0,
            Timeout = networkTimeout,
            HttpClient = ProviderHttp.Create(new AnswerCheckHandler(clock)),
        };
        if (options.Endpoint is { } endpoint) settings.BaseUrl = endpoint.AbsoluteUri.TrimEnd('/');
        return new AnthropicClient(settings).AsIChatClient(options.Model, outputTokensMax ?? OutputTokensDefault);
    }
}

/// <summary>Throws <see cref="ModelFault"/> for an answer that is no stream. The SDK's exceptions leave out the
/// headers, and <c>Retry-After</c> with them; a page with status 200 it reads as an empty stream.</summary>
sealed class AnswerCheckHandler(TimeProvider clock) : DelegatingHandler
{
    // Enough for every error body; a page of a gateway is of no use to anybody.
    const int WordsBytesMax = 4096;

    protected override async Task<HttpResponseMessage> SendAsync(
        HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var response = await base.SendAsync(request, cancellationToken);
        var format = ModelFaults.FromContentType(response.Content.Headers.ContentType?.MediaType);
        if (response.IsSuccessStatusCode && format is null) return response;

        using (response)
        {
            if (response.IsSuccessStatusCode) throw format!;
            var retryAfter = ModelFaults.RetryAfter(
                Header(response, "retry-after-ms"), Header(response, "retry-after"), clock.GetUtcNow());
            var words = await WordsAsync(response, cancellationToken);
            throw ModelFaults.FromStatus((int)response.StatusCode, retryAfter, new HttpRequestException(
                words, null, response.StatusCode));
        }
    }

    static string? Header(HttpResponseMessage response, string name) =>
        response.Headers.TryGetValues(name, out var values) ? values.First() : null;

    static async Task<string> WordsAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        await using var body = await response.Content.ReadAsStreamAsync(cancellationToken);
        var words = new byte[WordsBytesMax];
        var length = await body.ReadAtLeastAsync(
            words, words.Length, throwOnEndOfStream: false, cancellationToken);
        return System.Text.Encoding.UTF8.GetString(words, 0, length);
    }
}
