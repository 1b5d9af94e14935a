using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Streaming.Protocol;

namespace Streaming.Client;

/// <summary>The messages of one session. Where the stream is held back, its state is read again and again.</summary>
sealed class SessionStream(ServiceRequests requests, StreamingClientOptions options, string kind, Guid sessionId, string? after)
    : ResumingStream(requests, options, $"api/stream/{kind}/{sessionId}", after)
{
    const int PollSeconds = 25;

    // Index of the message that must come next; null until one has come, or after a reset.
    int? _next = IndexAfter(after);

    protected override bool Accepts(StreamMessage message)
    {
        if (message.IsReset)
        {
            (Cursor, _next) = (null, 0);
            return true;
        }

        if (message.Index is not { } index)
            return true;
        if (_next is { } next && message.First != next)
            return false;
        (Cursor, _next) = (message.EventId ?? Cursor, index + 1);
        return true;
    }

    protected override bool IsLast(StreamMessage message) => message.Type == MessageTypes.End;

    /// <summary>Reads the state again and again from the cursor: chunks and restarts as they come, and the end.</summary>
    protected override async IAsyncEnumerable<StreamMessage> PollAsync([EnumeratorCancellation] CancellationToken cancellation)
    {
        while (true)
        {
            var (state, retryAfter) = await ReadStateAsync(cancellation);
            if (state is { } current)
            {
                Heard();
                foreach (var message in Messages(current))
                {
                    yield return message;
                    if (message.Type == MessageTypes.End)
                        yield break;
                }
            }
            else
            {
                await Task.Delay(Backoff.Next(retryAfter), Options.Clock, cancellation);
            }
        }
    }

    async Task<(JsonElement? State, TimeSpan? RetryAfter)> ReadStateAsync(CancellationToken cancellation)
    {
        try
        {
            using var response = await Requests.SendAsync(() =>
            {
                var request = new HttpRequestMessage(HttpMethod.Get,
                    $"api/{KindNames.Plural(kind)}/{sessionId}{(Cursor is null ? "" : $"?after={Uri.EscapeDataString(Cursor)}")}");
                if (Cursor is not null)
                    request.Headers.Add("Prefer", string.Create(CultureInfo.InvariantCulture, $"wait={PollSeconds}"));
                return request;
            }, cancellation);
            if (response.IsSuccessStatusCode)
                return (JsonElement.Parse(await response.Content.ReadAsStringAsync(cancellation)), null);
            var fault = await ServiceRequests.FaultAsync(response, cancellation);
            if (!ServiceRequests.MayPass(response.StatusCode))
                throw fault;
            GiveUpWhenItIsTime(fault);
            return (null, Requests.RetryAfter(response));
        }
        catch (Exception fault) when (!cancellation.IsCancellationRequested && (IsCut(fault) || fault is JsonException))
        {
            GiveUpWhenItIsTime(new StreamingException(null, null, $"The service cannot be reached: {fault.Message}", fault));
            return (null, null);
        }
    }

    /// <summary>What a state tells that the cursor has not, in order, as messages.</summary>
    List<StreamMessage> Messages(JsonElement state)
    {
        var messages = new List<StreamMessage>();
        var lastEventId = state.GetProperty("lastEventId").GetString();
        if (state.TryGetProperty("streamingData", out var data))
        {
            foreach (var chunk in data.GetProperty("chunks").EnumerateArray())
                if (StreamMessage.Parse(chunk.GetRawText(), null) is { } message)
                    messages.Add(message);
            foreach (var restart in data.GetProperty("restarts").EnumerateArray())
                if (restart.GetProperty("index").GetInt32() >= (_next ?? 0))
                    messages.Add(Made(restart.GetProperty("index").GetInt32(), new InfoMessage(InfoMessage.Restarted, "", restart.GetProperty("stage").GetString())));
            messages.Sort((a, b) => a.Index!.Value.CompareTo(b.Index!.Value));
        }
        else if (IndexAfter(lastEventId) is { } after)
        {
            messages.Add(Made(after - 1, new EndMessage(state.GetProperty("status").GetString()!)));
        }

        (Cursor, _next) = (lastEventId, IndexAfter(lastEventId));
        return messages;
    }

    static StreamMessage Made(int index, Message message)
    {
        var json = System.Text.Json.Nodes.JsonNode.Parse(ProtocolJson.Data(message))!.AsObject();
        json["type"] = message.Type;
        json["index"] = index;
        return StreamMessage.Parse(json.ToJsonString(), null)!;
    }

    /// <summary>Index of the message after an event id of this service; null for one that is no such: then nothing is checked.</summary>
    public static int? IndexAfter(string? eventId) =>
        eventId?.Split('-') is [_, var index] && int.TryParse(index, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number + 1
        : eventId is null ? 0 : null;
}
