using System.Net;
using System.Net.Http.Json;
using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Streaming.IntegrationTests.Fixtures;

/// <summary>One event as it came over the wire.</summary>
public sealed record StreamEvent(string? Id, JsonElement Data)
{
    public string Type => Data.GetProperty("type").GetString()!;

    public int? Index => Data.TryGetProperty("index", out var index) ? index.GetInt32() : null;

    public int? First => Data.TryGetProperty("first", out var first) ? first.GetInt32() : Index;

    public string? Text => Data.TryGetProperty("text", out var text) ? text.GetString() : null;
}

/// <summary>What the tests ask the service for, in one line each.</summary>
public static class StreamingClient
{
    public static async Task<JsonElement> PostJsonAsync(this HttpClient client, string path, object? body, HttpStatusCode expected = HttpStatusCode.Accepted)
    {
        using var content = body is null ? null : JsonContent.Create(body);
        using var response = await client.PostAsync(path, content);
        var text = await response.Content.ReadAsStringAsync();
        if (response.StatusCode != expected)
            throw new InvalidOperationException($"POST {path} answered {(int)response.StatusCode}: {text}");
        return JsonSerializer.Deserialize<JsonElement>(text);
    }

    public static async Task<JsonElement> StateAsync(this HttpClient client, string path) =>
        JsonSerializer.Deserialize<JsonElement>(await client.GetStringAsync(path));

    public static string Id(this JsonElement state) => state.GetProperty("id").GetString()!;

    public static string Status(this JsonElement state) => state.GetProperty("status").GetString()!;

    /// <summary>Asks for ideas and returns the state of the answer.</summary>
    public static Task<JsonElement> IdeateAsync(this HttpClient client, string userInput = "A lighthouse keeper who collects storms", int ideaCount = 2) =>
        client.PostJsonAsync("/api/ideations", new { userInput, genrePaths = new[] { "Drama" }, genreProportions = new[] { 100 }, ideaCount });

    public static Task<JsonElement> RelayAsync(this HttpClient client) =>
        client.PostJsonAsync("/api/relays", new { title = "test" }, HttpStatusCode.Created);

    /// <summary>Waits until a session has ended and returns its state.</summary>
    public static async Task<JsonElement> EndedAsync(this HttpClient client, string path)
    {
        JsonElement state = default;
        await Eventually.TrueAsync(async () =>
        {
            state = await client.StateAsync(path);
            return state.Status() is "completed" or "failed" or "cancelled";
        }, $"{path} has ended");
        return state;
    }

    /// <summary>Events of a stream until it closes.</summary>
    public static async IAsyncEnumerable<StreamEvent> StreamAsync(
        this HttpClient client, string path, string? lastEventId = null, [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        using var response = await client.OpenStreamAsync(path, lastEventId, cancellation);
        response.EnsureSuccessStatusCode();
        await using var body = await response.Content.ReadAsStreamAsync(cancellation);
        await foreach (var item in body.EventsAsync(cancellation))
            yield return item;
    }

    public static async IAsyncEnumerable<StreamEvent> EventsAsync(this Stream body, [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        var parser = SseParser.Create(body, (_, bytes) => Encoding.UTF8.GetString(bytes));
        await foreach (var item in parser.EnumerateAsync(cancellation))
            if (item.Data.Length > 0)
                yield return new StreamEvent(item.EventId, JsonSerializer.Deserialize<JsonElement>(item.Data));
    }

    public static async Task<List<StreamEvent>> ReadStreamAsync(
        this HttpClient client, string path, string? lastEventId = null, CancellationToken cancellation = default)
    {
        var events = new List<StreamEvent>();
        await foreach (var item in client.StreamAsync(path, lastEventId, cancellation))
            events.Add(item);
        return events;
    }

    /// <summary>The response as soon as its headers are there.</summary>
    public static Task<HttpResponseMessage> OpenStreamAsync(
        this HttpClient client, string path, string? lastEventId = null, CancellationToken cancellation = default)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, path);
        if (lastEventId is not null)
            request.Headers.TryAddWithoutValidation("Last-Event-ID", lastEventId);
        return client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellation);
    }

    /// <summary>All text of the chunks of a stream, as a client puts it together.</summary>
    public static string TextOf(this IEnumerable<StreamEvent> events) => string.Concat(events.Where(e => e.Type == "chunk").Select(e => e.Text));

    public static JsonNode Node(this JsonElement element) => JsonNode.Parse(element.GetRawText())!;
}
