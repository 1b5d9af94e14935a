using Streaming.Subscriptions;

namespace Streaming.Sessions;

/// <summary>What tells whether a session's state has changed.</summary>
/// <param name="TransformId">Its newest transform.</param>
/// <param name="Ordinal">That transform's ordinal.</param>
/// <param name="Status">Its status, as in the table.</param>
/// <param name="Head">Index of its last message, -1 if there is none.</param>
/// <param name="Artifacts">Number of the session's artifacts.</param>
/// <param name="IsShortened">Its messages were removed, or some of them: the stream is <c>result</c>, <c>end</c>.</param>
/// <param name="Attempt">How often the right to run it has changed hands: most changes of status raise it.</param>
/// <param name="Traceparent">Request that asked for the transform, for traces; not part of what is compared.</param>
public sealed record SessionVersion(Guid TransformId, int Ordinal, string Status, int Head, int Artifacts, bool IsShortened, int Attempt, string? Traceparent = null)
{
    public bool HasEnded => Status is "completed" or "failed" or "cancelled";

    /// <summary>
    /// Strong entity tag: two states with the same one are the same, byte for byte. (But for the <c>text</c> of a failed or
    /// cancelled transform, which goes with its messages: whoever holds it need not be told.)
    /// </summary>
    public string ETag => $"\"{Ordinal}-{Head}-{Status}-{Artifacts}\"";

    /// <summary>Cursor of a reader that has everything; null if there is no message.</summary>
    public EventId? LastEventId => Head < 0 ? null : new EventId(Ordinal, Head);

    /// <summary>
    /// Whether a stream can go on after this cursor. One that is shortened has only its last two messages: whoever is
    /// within what was removed begins anew.
    /// </summary>
    public bool CanGoOnAfter(EventId cursor) =>
        cursor.Ordinal == Ordinal && cursor.Index <= Head && (!IsShortened || cursor.Index >= Head - 1);

    /// <summary>
    /// Whether a state of this version holds everything that a state of <paramref name="other"/> does, of the same session.
    /// Ordinal, attempt and head only grow, so one that is ahead in them, and behind in nothing, is later. Everything else
    /// (a run handed back to the queue, an artifact put in or taken out by hand, messages removed) may change while those
    /// three stay: then only the same is safe.
    /// </summary>
    public bool IsAtLeast(SessionVersion other)
    {
        if (this == other with { Traceparent = Traceparent })
            return true;
        if (Artifacts < other.Artifacts)
            return false;
        if (Ordinal != other.Ordinal)
            return Ordinal > other.Ordinal;
        return Attempt >= other.Attempt && Head >= other.Head && (Attempt, Head) != (other.Attempt, other.Head)
            && (IsShortened || !other.IsShortened);
    }

    public StreamTarget Target(Guid sessionId) => new(sessionId, TransformId, Ordinal, Head);

    /// <summary>The status as clients know it: a running transform is <c>streaming</c>.</summary>
    public static string Public(string status) => status == "running" ? "streaming" : status;
}
