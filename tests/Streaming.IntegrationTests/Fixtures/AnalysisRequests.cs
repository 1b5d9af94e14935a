using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;

namespace Streaming.IntegrationTests.Fixtures;

/// <summary>What the tests of analyses ask for.</summary>
public static class AnalysisRequests
{
    public const string Address = "/api/v1/stream/analyze";

    /// <summary>Asks for the analysis of a picture and returns the state of the answer.</summary>
    public static async Task<JsonElement> AnalyzeAsync(this HttpClient client, byte[] image, string query = "")
    {
        using var response = await client.SendAnalysisAsync(image, query);
        var text = await response.Content.ReadAsStringAsync();
        if (response.StatusCode != HttpStatusCode.Accepted)
            throw new InvalidOperationException($"The analysis was answered {(int)response.StatusCode}: {text}");
        return JsonSerializer.Deserialize<JsonElement>(text);
    }

    public static async Task<HttpResponseMessage> SendAnalysisAsync(this HttpClient client, byte[] image, string query = "", string contentType = "application/octet-stream")
    {
        using var content = new ByteArrayContent(image) { Headers = { ContentType = MediaTypeHeaderValue.Parse(contentType) } };
        return await client.PostAsync(Address + query, content);
    }

    /// <summary>The same, until it has ended.</summary>
    public static async Task<JsonElement> AnalyzedAsync(this HttpClient client, byte[] image, string query = "") =>
        await client.EndedAsync($"/api/analyses/{(await client.AnalyzeAsync(image, query)).Id()}");

    /// <summary>Texts of the suggestions of a state.</summary>
    public static string[] Suggestions(this JsonElement state) => [.. state.GetProperty("suggestions").EnumerateArray().Select(one => one.GetProperty("text").GetString()!)];
}
