using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;

namespace Streaming.Client;

/// <summary>Sends requests with a token, once more with a new one if that was refused, and makes exceptions of problems.</summary>
sealed class ServiceRequests(HttpClient http, StreamingClientOptions options)
{
    /// <summary>The answer as soon as its headers are there, whatever its status.</summary>
    public async Task<HttpResponseMessage> SendAsync(Func<HttpRequestMessage> make, CancellationToken cancellation)
    {
        for (var isRefused = false; ; isRefused = true)
        {
            using var request = make();
            if (options.Token is not null && await options.Token(isRefused, cancellation) is { } token)
                request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
            var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellation);
            if (response.StatusCode != HttpStatusCode.Unauthorized || options.Token is null || isRefused)
                return response;
            response.Dispose();
        }
    }

    /// <summary>Whether it may go better the next time.</summary>
    public static bool MayPass(HttpStatusCode status) =>
        status is HttpStatusCode.TooManyRequests or HttpStatusCode.RequestTimeout || (int)status is >= 500 and not 501 and not 505;

    /// <summary>What the answer asks to wait; null if nothing.</summary>
    public TimeSpan? RetryAfter(HttpResponseMessage response) => response.Headers.RetryAfter switch
    {
        { Delta: { } delta } => delta,
        { Date: { } date } => date - options.Clock.GetUtcNow(),
        _ => null,
    };

    /// <summary>The problem that an answer is.</summary>
    public static async Task<StreamingException> FaultAsync(HttpResponseMessage response, CancellationToken cancellation)
    {
        const int TextCharactersMax = 200;
        var text = await response.Content.ReadAsStringAsync(cancellation);
        try
        {
            var problem = JsonElement.Parse(text);
            var (title, detail, code) = (Field(problem, "title"), Field(problem, "detail"), Field(problem, "code"));
            return new StreamingException(response.StatusCode, code, string.Join(" ", new[] { title, detail }.Where(part => part is not null)));
        }
        catch (Exception fault) when (fault is JsonException or InvalidOperationException)
        {
            return new StreamingException(response.StatusCode, null, $"{(int)response.StatusCode}: {(text.Length > TextCharactersMax ? text[..TextCharactersMax] : text)}");
        }
    }

    static string? Field(JsonElement problem, string name) => problem.TryGetProperty(name, out var value) ? value.GetString() : null;
}
