using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;

namespace Streaming.IntegrationTests.Fixtures;

/// <summary>Uploads of images, as clients send them.</summary>
public static class UploadRequests
{
    public const string Address = "/api/v1/uploads";

    /// <summary>Sends an image as the body, and returns the state of the answer.</summary>
    public static async Task<JsonElement> UploadImageAsync(this HttpClient client, byte[] image, string query = "", string? contentType = null)
    {
        using var response = await client.SendUploadAsync(image, query, contentType);
        var text = await response.Content.ReadAsStringAsync();
        if (response.StatusCode != HttpStatusCode.Accepted)
            throw new InvalidOperationException($"The upload was answered {(int)response.StatusCode}: {text}");
        return JsonSerializer.Deserialize<JsonElement>(text);
    }

    public static async Task<HttpResponseMessage> SendUploadAsync(this HttpClient client, byte[] image, string query = "", string? contentType = null)
    {
        using var content = new ByteArrayContent(image);
        if (contentType is not null)
            content.Headers.ContentType = MediaTypeHeaderValue.Parse(contentType);
        return await client.PostAsync(Address + query, content);
    }
}
