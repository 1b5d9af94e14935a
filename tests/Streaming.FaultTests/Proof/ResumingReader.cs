using System.Net;
using System.Net.ServerSentEvents;
using System.Net.Sockets;
using System.Text.Json;
using Streaming.IntegrationTests.Fixtures;

namespace Streaming.FaultTests.Proof;

/// <summary>
/// A reader that behaves as an <c>EventSource</c> does, and keeps the books: it resumes from its last id after every cut,
/// gives up for good on any status but 200 and 204, and proves of each frame that nothing is missing before it.
/// </summary>
/// <remarks>
/// <code>
///   connecting ──200──> reading ──end──> done
///     ▲   │ │              └──cut, silence, or reconnect──> waiting ──> connecting
///     │   │ └──204──> done
///     └───┴──refused or cut──> waiting           any other status ──> done, with FinalError
/// </code>
/// </remarks>
public sealed class ResumingReader(HttpClient client, string kind, string sessionId, Random random)
{
    /// <summary>As docs/protocol.md tells clients: no heartbeat for so long, and the connection is dead.</summary>
    static readonly TimeSpan SilenceMaxDefault = TimeSpan.FromSeconds(25);

    readonly List<ReceivedFrame> _frames = [];
    string? _cursor;
    int _next;

    public Guid SessionId { get; } = Guid.Parse(sessionId);

    public TimeSpan SilenceMax { get; init; } = SilenceMaxDefault;

    /// <summary>How long it waits before it connects again, at random between the two; a browser takes 1 to 3 s.</summary>
    public (TimeSpan Min, TimeSpan Max) RetryDelay { get; init; } = (TimeSpan.FromMilliseconds(20), TimeSpan.FromMilliseconds(150));

    /// <summary>Called after each frame with an index; nothing more is read until it has returned.</summary>
    public Func<ReceivedFrame, ValueTask>? Received { get; init; }

    public IReadOnlyList<ReceivedFrame> Frames => _frames;

    /// <summary>Index of the last message that it has; -1 before the first.</summary>
    public int Head => _next - 1;

    public bool HasEnd { get; private set; }

    /// <summary>Frames whose first message is not the one after the last it had, because some are missing.</summary>
    public int Gaps { get; private set; }

    /// <summary>Frames that begin with a message it had already.</summary>
    public int Repeats { get; private set; }

    public int Resets { get; private set; }

    public int Reconnects { get; private set; }

    /// <summary>Answers that were closed in good order and had no <c>end</c>, which the protocol forbids.</summary>
    public int ClosedWithoutEnd { get; private set; }

    /// <summary>The status, and what was said, that an <c>EventSource</c> would have given up on; null if none.</summary>
    public string? FinalError { get; private set; }

    bool IsDone => HasEnd || _isGone || FinalError is not null;

    bool _isGone;

    /// <summary>Reads until the end of the stream, or a final error.</summary>
    /// <exception cref="OperationCanceledException">Cancelled before that.</exception>
    public async Task RunAsync(CancellationToken cancellation)
    {
        while (true)
        {
            try
            {
                await ConnectAndReadAsync(cancellation);
            }
            catch (Exception fault) when (!cancellation.IsCancellationRequested && IsCut(fault))
            {
                // What every tunnel and lift does. It goes on from its cursor.
            }

            if (IsDone)
                return;
            Reconnects++;
            await Task.Delay(random.NextTimeSpan(RetryDelay.Min, RetryDelay.Max), TimeProvider.System, cancellation);
        }
    }

    static bool IsCut(Exception fault) => fault is HttpRequestException or IOException or SocketException or OperationCanceledException;

    async Task ConnectAndReadAsync(CancellationToken cancellation)
    {
        using var silence = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        silence.CancelAfter(SilenceMax);
        using var response = await client.OpenStreamAsync($"/api/stream/{kind}/{SessionId}", _cursor, silence.Token);
        if (response.StatusCode == HttpStatusCode.NoContent)
        {
            _isGone = true;
            return;
        }

        if (response.StatusCode != HttpStatusCode.OK || response.Content.Headers.ContentType?.MediaType != "text/event-stream")
        {
            FinalError = $"{(int)response.StatusCode} {await response.Content.ReadAsStringAsync(silence.Token)}";
            return;
        }

        await using var body = await response.Content.ReadAsStreamAsync(silence.Token);
        var events = SseParser.Create(body, (_, bytes) =>
        {
            var json = new Utf8JsonReader(bytes);
            return bytes.IsEmpty ? (JsonElement?)null : JsonElement.ParseValue(ref json);
        });
        await foreach (var item in events.EnumerateAsync(silence.Token))
        {
            silence.CancelAfter(SilenceMax);
            if (item.Data is not { } data)
                continue;
            if (item.EventId is { Length: > 0 } id)
                _cursor = id;
            await TakeAsync(data);
            if (HasEnd)
                return;
        }

        ClosedWithoutEnd++;
    }

    async ValueTask TakeAsync(JsonElement data)
    {
        if (ReceivedFrame.Of(data, TimeProvider.System.GetUtcNow()) is not { } frame)
        {
            if (data.TryGetProperty("reset", out _))
            {
                Resets++;
                _frames.Clear();
                _next = 0;
            }

            return;
        }

        if (frame.First > _next)
            Gaps++;
        else if (frame.First < _next)
            Repeats++;
        _next = frame.Last + 1;
        _frames.Add(frame);
        HasEnd = frame.Type == "end";
        if (Received is not null)
            await Received(frame);
    }
}
