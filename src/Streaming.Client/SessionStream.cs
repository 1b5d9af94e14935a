using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Streaming.Protocol;

namespace Streaming.Client;

/// <summary>
/// The messages of one session, each once and in order, over as many connections as it takes: resumed after a cut, a silence, a restart of
/// the service; by polling where a proxy in between keeps the stream to itself.
/// </summary>
/// <remarks>
/// <code>
///   connecting ──200──> reading ──end──> over            polling ──ended──> over
///     ▲   │ │              └──cut, silent, a frame missing──> waiting ──> connecting
///     │   │ └──204──> over                                        └──connections stay empty──> polling
///     └───┴──refused for now──> waiting        refused for good ──> StreamingException
/// </code>
/// </remarks>
sealed class SessionStream(ServiceRequests requests, StreamingClientOptions options, string kind, Guid sessionId, string? after)
{
    const int PollSeconds = 25;

    readonly Backoff _backoff = new(options.RetryDelayMax, options.Random);
    long _heardAt = options.Clock.GetTimestamp();
    string? _cursor = after;
    // Index of the message that must come next; null until one has come, or after a reset.
    int? _next = IndexAfter(after);
    int _emptyConnections;

    /// <exception cref="StreamingException">Refused for good, or nothing came through for <see cref="StreamingClientOptions.Patience"/>.</exception>
    public async IAsyncEnumerable<StreamMessage> ReadAsync([EnumeratorCancellation] CancellationToken cancellation)
    {
        while (true)
        {
            var (connection, isOver, retryAfter) = await ConnectAsync(cancellation);
            if (isOver)
                yield break;
            if (connection is not null)
            {
                await using var open = connection;
                var isEmpty = true;
                while (await open.NextAsync(cancellation) is { } message)
                {
                    Heard();
                    if (!Accepts(message))
                        break;
                    if (message.Type == MessageTypes.Heartbeat || message is { Type: MessageTypes.Status, Index: null, IsReset: false })
                        continue;
                    isEmpty = false;
                    yield return message;
                    if (message.Type == MessageTypes.End)
                        yield break;
                }

                _backoff.Retry = open.Retry ?? _backoff.Retry;
                _emptyConnections = isEmpty && !open.HasSpoken ? _emptyConnections + 1 : 0;
            }

            if (_emptyConnections >= options.EmptyConnectionsMax)
            {
                await foreach (var message in PollAsync(cancellation))
                    yield return message;
                yield break;
            }

            await Task.Delay(_backoff.Next(retryAfter), options.Clock, cancellation);
        }
    }

    /// <summary>A connection; or that the stream is over; or neither: come again.</summary>
    async Task<(StreamConnection? Connection, bool IsOver, TimeSpan? RetryAfter)> ConnectAsync(CancellationToken cancellation)
    {
        HttpResponseMessage? response = null;
        using var opening = new CancellationTokenSource(options.OpenTimeMax, options.Clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(opening.Token, cancellation);
        try
        {
            response = await requests.SendAsync(Request, either.Token);
            switch (response.StatusCode)
            {
                case HttpStatusCode.OK:
                    var connection = await StreamConnection.OpenAsync(response, options, cancellation);
                    response = null;
                    return (connection, false, null);
                case HttpStatusCode.NoContent:
                    return (null, true, null);
                case var status when ServiceRequests.MayPass(status):
                    GiveUpWhenItIsTime(await ServiceRequests.FaultAsync(response, either.Token));
                    return (null, false, requests.RetryAfter(response));
                default:
                    throw await ServiceRequests.FaultAsync(response, either.Token);
            }
        }
        catch (Exception fault) when (!cancellation.IsCancellationRequested && IsCut(fault))
        {
            // Headers that do not come are held back by something in between.
            if (opening.IsCancellationRequested)
                _emptyConnections++;
            GiveUpWhenItIsTime(new StreamingException(null, null, $"The service cannot be reached: {fault.Message}", fault));
            return (null, false, null);
        }
        finally
        {
            response?.Dispose();
        }
    }

    /// <summary>HttpClient hands on a SocketException as it is when a connection is reset in the moment it is made.</summary>
    public static bool IsCut(Exception fault) => fault is HttpRequestException or IOException or SocketException or OperationCanceledException;

    HttpRequestMessage Request()
    {
        var request = new HttpRequestMessage(HttpMethod.Get, $"api/stream/{kind}/{sessionId}");
        request.Headers.Accept.ParseAdd("text/event-stream");
        if (_cursor is not null)
            request.Headers.TryAddWithoutValidation("Last-Event-ID", _cursor);
        return request;
    }

    /// <summary>Takes the message's place in the books; false when one before it is missing: read again from the cursor.</summary>
    bool Accepts(StreamMessage message)
    {
        if (message.IsReset)
        {
            (_cursor, _next) = (null, 0);
            return true;
        }

        if (message.Index is not { } index)
            return true;
        if (_next is { } next && message.First != next)
            return false;
        (_cursor, _next) = (message.EventId ?? _cursor, index + 1);
        return true;
    }

    void Heard()
    {
        _heardAt = options.Clock.GetTimestamp();
        _backoff.Succeed();
    }

    void GiveUpWhenItIsTime(StreamingException fault)
    {
        if (options.Clock.GetElapsedTime(_heardAt) > options.Patience)
            throw fault;
    }

    /// <summary>Reads the state again and again from the cursor: chunks and restarts as they come, and the end.</summary>
    async IAsyncEnumerable<StreamMessage> PollAsync([EnumeratorCancellation] CancellationToken cancellation)
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
                await Task.Delay(_backoff.Next(retryAfter), options.Clock, cancellation);
            }
        }
    }

    async Task<(JsonElement? State, TimeSpan? RetryAfter)> ReadStateAsync(CancellationToken cancellation)
    {
        try
        {
            using var response = await requests.SendAsync(() =>
            {
                var request = new HttpRequestMessage(HttpMethod.Get,
                    $"api/{kind}s/{sessionId}{(_cursor is null ? "" : $"?after={Uri.EscapeDataString(_cursor)}")}");
                if (_cursor is not null)
                    request.Headers.Add("Prefer", string.Create(CultureInfo.InvariantCulture, $"wait={PollSeconds}"));
                return request;
            }, cancellation);
            if (response.IsSuccessStatusCode)
                return (JsonElement.Parse(await response.Content.ReadAsStringAsync(cancellation)), null);
            var fault = await ServiceRequests.FaultAsync(response, cancellation);
            if (!ServiceRequests.MayPass(response.StatusCode))
                throw fault;
            GiveUpWhenItIsTime(fault);
            return (null, requests.RetryAfter(response));
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

        (_cursor, _next) = (lastEventId, IndexAfter(lastEventId));
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
    static int? IndexAfter(string? eventId) =>
        eventId?.Split('-') is [_, var index] && int.TryParse(index, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number + 1
        : eventId is null ? 0 : null;
}
