using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using Streaming.Protocol;

namespace Streaming.Client;

/// <summary>
/// Messages over as many connections as it takes, each once and in order: resumed after a cut, a silence, a restart of the service; by
/// polling, where there is such a way, if a proxy in between keeps the stream to itself.
/// </summary>
/// <remarks>
/// <code>
///   connecting ──200──> reading ──end──> over            polling ──ended──> over
///     ▲   │ │              └──cut, silent, a frame missing──> waiting ──> connecting
///     │   │ └──204──> over                                        └──connections stay empty──> polling
///     └───┴──refused for now──> waiting        refused for good ──> StreamingException
/// </code>
/// </remarks>
abstract class ResumingStream(ServiceRequests requests, StreamingClientOptions options, string path, string? after)
{
    long _heardAt = options.Clock.GetTimestamp();
    int _emptyConnections;

    protected ServiceRequests Requests { get; } = requests;

    protected StreamingClientOptions Options { get; } = options;

    protected Backoff Backoff { get; } = new(options.RetryDelayMax, options.Random);

    /// <summary>Event id to go on from; null: from the beginning.</summary>
    protected string? Cursor { get; set; } = after;

    /// <summary>Takes the message's place in the books; false when one before it is missing: read again from the cursor.</summary>
    protected abstract bool Accepts(StreamMessage message);

    /// <summary>Whether nothing can follow a message that was accepted.</summary>
    protected abstract bool IsLast(StreamMessage message);

    /// <summary>The rest, without a stream; null if there is no such way.</summary>
    protected abstract IAsyncEnumerable<StreamMessage>? PollAsync(CancellationToken cancellation);

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
                    if (message.Type == MessageTypes.Heartbeat || message is { Type: MessageTypes.Status, Index: null, IsReset: false, IsDeleted: false })
                        continue;
                    isEmpty = false;
                    yield return message;
                    if (IsLast(message))
                        yield break;
                }

                Backoff.Retry = open.Retry ?? Backoff.Retry;
                _emptyConnections = isEmpty && !open.HasSpoken ? _emptyConnections + 1 : 0;
            }

            if (_emptyConnections >= Options.EmptyConnectionsMax)
            {
                if (PollAsync(cancellation) is { } polled)
                {
                    await foreach (var message in polled)
                        yield return message;
                    yield break;
                }

                GiveUpWhenItIsTime(new StreamingException(null, null, "Something on the way to the service holds its stream back."));
            }

            await Task.Delay(Backoff.Next(retryAfter), Options.Clock, cancellation);
        }
    }

    /// <summary>A connection; or that the stream is over; or neither: come again.</summary>
    async Task<(StreamConnection? Connection, bool IsOver, TimeSpan? RetryAfter)> ConnectAsync(CancellationToken cancellation)
    {
        HttpResponseMessage? response = null;
        using var opening = new CancellationTokenSource(Options.OpenTimeMax, Options.Clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(opening.Token, cancellation);
        try
        {
            response = await Requests.SendAsync(Request, either.Token);
            switch (response.StatusCode)
            {
                case HttpStatusCode.OK:
                    var connection = await StreamConnection.OpenAsync(response, Options, cancellation);
                    response = null;
                    return (connection, false, null);
                case HttpStatusCode.NoContent:
                    return (null, true, null);
                case var status when ServiceRequests.MayPass(status):
                    GiveUpWhenItIsTime(await ServiceRequests.FaultAsync(response, either.Token));
                    return (null, false, Requests.RetryAfter(response));
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
        var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.Accept.ParseAdd("text/event-stream");
        if (Cursor is not null)
            request.Headers.TryAddWithoutValidation("Last-Event-ID", Cursor);
        return request;
    }

    protected void Heard()
    {
        _heardAt = Options.Clock.GetTimestamp();
        Backoff.Succeed();
    }

    protected void GiveUpWhenItIsTime(StreamingException fault)
    {
        if (Options.Clock.GetElapsedTime(_heardAt) > Options.Patience)
            throw fault;
    }
}
