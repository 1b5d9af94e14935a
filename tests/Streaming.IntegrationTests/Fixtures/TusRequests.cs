using System.Net;
using System.Text;

namespace Streaming.IntegrationTests.Fixtures;

/// <summary>What the tests ask of tus 1.0.0, in one line each.</summary>
public static class TusRequests
{
    /// <summary>Announces a file; with bytes it brings them along.</summary>
    public static Task<HttpResponseMessage> CreateFileAsync(
        this HttpClient client, long? size, string name = "a.bin", byte[]? bytes = null, params (string Name, string Value)[] headers)
    {
        var request = Request(HttpMethod.Post, "/api/files", bytes is null ? null : new ByteArrayContent(bytes), headers);
        if (size is not null)
            request.Headers.Add("Upload-Length", $"{size}");
        request.Headers.Add("Upload-Metadata", $"filename {Convert.ToBase64String(Encoding.UTF8.GetBytes(name))}");
        return client.SendAsync(request);
    }

    public static Task<HttpResponseMessage> PatchFileAsync(this HttpClient client, string path, long offset, HttpContent body, params (string Name, string Value)[] headers)
    {
        var request = Request(HttpMethod.Patch, path, body, headers);
        request.Headers.Add("Upload-Offset", $"{offset}");
        return client.SendAsync(request);
    }

    public static Task<HttpResponseMessage> PatchFileAsync(this HttpClient client, string path, long offset, byte[] bytes, params (string Name, string Value)[] headers) =>
        client.PatchFileAsync(path, offset, new ByteArrayContent(bytes), headers);

    /// <summary>How many bytes the service has.</summary>
    public static async Task<long> OffsetAsync(this HttpClient client, string path)
    {
        using var response = await client.SendAsync(Request(HttpMethod.Head, path, null, []));
        response.EnsureSuccessStatusCode();
        return long.Parse(response.Header("Upload-Offset"), null);
    }

    /// <summary>A whole file in one request; returns its path.</summary>
    public static async Task<string> UploadAsync(this HttpClient client, byte[] bytes, string name = "a.bin")
    {
        using var response = await client.CreateFileAsync(bytes.Length, name, bytes);
        if (response.StatusCode != HttpStatusCode.Created)
            throw new InvalidOperationException($"POST /api/files answered {(int)response.StatusCode}: {await response.Content.ReadAsStringAsync()}");
        return response.Headers.Location!.ToString();
    }

    public static string Header(this HttpResponseMessage response, string name) =>
        response.Headers.TryGetValues(name, out var values) || response.Content.Headers.TryGetValues(name, out values) ? string.Join(",", values) : "";

    public static byte[] Bytes(int length, int seed = 7)
    {
        var bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    public static HttpRequestMessage Request(HttpMethod method, string path, HttpContent? body, (string Name, string Value)[] headers)
    {
        var request = new HttpRequestMessage(method, path) { Content = body };
        if (body is not null)
            body.Headers.ContentType ??= new("application/offset+octet-stream");
        request.Headers.Add("Tus-Resumable", "1.0.0");
        foreach (var (name, value) in headers)
        {
            request.Headers.Remove(name);
            if (value.Length > 0)
                request.Headers.TryAddWithoutValidation(name, value);
        }

        return request;
    }
}
