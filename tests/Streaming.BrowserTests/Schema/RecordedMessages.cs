using System.Text.Json;
using Streaming.IntegrationTests.Fixtures;

namespace Streaming.BrowserTests.Schema;

/// <summary>Every message that was sent on the streams of a test, as it came.</summary>
public sealed class RecordedMessages
{
    readonly Lock _gate = new();
    readonly List<JsonElement> _messages = [];

    public IReadOnlyList<JsonElement> All
    {
        get
        {
            lock (_gate)
                return [.. _messages];
        }
    }

    public bool Has(Func<JsonElement, bool> isMeant) => All.Any(isMeant);

    /// <summary>Codes of all messages that have one.</summary>
    public IEnumerable<string> Codes => All.Where(message => message.TryGetProperty("code", out _)).Select(message => message.GetProperty("code").GetString()!).Distinct();

    /// <summary>Reads a stream until it is closed or cut.</summary>
    public async Task ReadAsync(HttpClient client, string path, string? lastEventId = null)
    {
        try
        {
            await foreach (var item in client.StreamAsync(path, lastEventId))
                lock (_gate)
                    _messages.Add(item.Data);
        }
        catch (Exception fault) when (fault is IOException or HttpRequestException)
        {
            // Cut, as after a word about a reconnect.
        }
    }

    /// <summary>Reads the stream of a session that was just made to its end.</summary>
    public async Task<JsonElement> ReadToEndAsync(HttpClient client, JsonElement made)
    {
        await ReadAsync(client, made.GetProperty("streamUrl").GetString()!);
        return await client.EndedAsync($"/api/{made.GetProperty("kind").GetString()}s/{made.Id()}");
    }
}
