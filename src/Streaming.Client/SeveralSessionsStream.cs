using Streaming.Protocol;

namespace Streaming.Client;

/// <summary>The messages of several sessions on one connection (<c>GET /api/stream?ids=</c>): of each in order, of different ones in no order.</summary>
sealed class SeveralSessionsStream : ResumingStream
{
    readonly HashSet<Guid> _open;
    // Index of the message of a session that must come next; null until one has come.
    readonly Dictionary<Guid, int?> _next = [];

    public SeveralSessionsStream(ServiceRequests requests, StreamingClientOptions options, IReadOnlyList<Guid> sessionIds, string? after)
        : base(requests, options, $"api/stream?ids={string.Join(',', sessionIds)}", after)
    {
        _open = [.. sessionIds];
        // The cursor has a part for each of them, in their order; see docs/protocol.md.
        var parts = after?.Split('.');
        for (var place = 0; place < sessionIds.Count; place++)
            _next[sessionIds[place]] = after is null ? 0
                : parts!.Length != sessionIds.Count ? null
                : parts[place] == "-" ? 0 : SessionStream.IndexAfter(parts[place]);
    }

    protected override bool Accepts(StreamMessage message)
    {
        if (message.SessionId is not { } session)
            return true;
        if (message.IsReset)
        {
            _next[session] = 0;
            _open.Add(session);
        }
        else if (message.Index is { } index)
        {
            if (_next.GetValueOrDefault(session) is { } next && message.First != next)
                return false;
            _next[session] = index + 1;
        }

        Cursor = message.EventId ?? Cursor;
        if (message.Type == MessageTypes.End || message.IsDeleted)
            _open.Remove(session);
        return true;
    }

    protected override bool IsLast(StreamMessage message) => _open.Count == 0;

    protected override IAsyncEnumerable<StreamMessage>? PollAsync(CancellationToken cancellation) => null;
}
