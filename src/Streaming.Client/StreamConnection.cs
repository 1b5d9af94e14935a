using System.Net.ServerSentEvents;

namespace Streaming.Client;

/// <summary>One answer of <c>GET /api/stream/…</c>, from its headers to its end, cut, or silence.</summary>
sealed class StreamConnection : IAsyncDisposable
{
    readonly HttpResponseMessage _response;
    readonly TimeSpan _silenceMax;
    readonly CancellationTokenSource _silence;
    readonly CancellationTokenSource _either;
    readonly SseParser<string> _parser;
    readonly IAsyncEnumerator<SseItem<string>> _events;

    StreamConnection(HttpResponseMessage response, Stream body, StreamingClientOptions options, CancellationToken cancellation)
    {
        (_response, _silenceMax) = (response, options.SilenceMax);
        _silence = new CancellationTokenSource(_silenceMax, options.Clock);
        _either = CancellationTokenSource.CreateLinkedTokenSource(_silence.Token, cancellation);
        _parser = SseParser.Create(body);
        _events = _parser.EnumerateAsync(_either.Token).GetAsyncEnumerator(_either.Token);
    }

    /// <summary>Whether anything has come, heartbeats included.</summary>
    public bool HasSpoken { get; private set; }

    /// <summary>The service's <c>retry:</c>; null until it has said one.</summary>
    public TimeSpan? Retry => _parser.ReconnectionInterval is { Ticks: > 0 } interval ? interval : null;

    public static async Task<StreamConnection> OpenAsync(HttpResponseMessage response, StreamingClientOptions options, CancellationToken cancellation) =>
        new(response, await response.Content.ReadAsStreamAsync(cancellation), options, cancellation);

    /// <summary>The next message with something to tell; null when the connection is over, for whatever reason.</summary>
    /// <exception cref="OperationCanceledException">The caller has cancelled.</exception>
    public async Task<StreamMessage?> NextAsync(CancellationToken cancellation)
    {
        try
        {
            while (true)
            {
                _silence.CancelAfter(_silenceMax);
                if (!await _events.MoveNextAsync())
                    return null;
                HasSpoken = true;
                // The id that stands in the event itself: an earlier one's would make a heartbeat a message.
                if (StreamMessage.Parse(_events.Current.Data, _events.Current.EventId) is { } message)
                    return message;
            }
        }
        catch (Exception fault) when (!cancellation.IsCancellationRequested && SessionStream.IsCut(fault))
        {
            // Cut, or silent for too long.
            return null;
        }
    }

    public async ValueTask DisposeAsync()
    {
        try
        {
            await _either.CancelAsync();
            await _events.DisposeAsync();
        }
        catch (Exception fault) when (fault is IOException or OperationCanceledException or NotSupportedException)
        {
            // A read was under way; it ends with the response.
        }

        _response.Dispose();
        _either.Dispose();
        _silence.Dispose();
    }
}
