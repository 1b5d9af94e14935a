using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using Streaming.Messages;
using Streaming.Protocol;
using Streaming.Subscriptions;

namespace Streaming.Sessions;

/// <summary>
/// The stream of an ended transform whose messages were removed: <c>result</c>, which stands for all messages before the end,
/// and <c>end</c>; made from the state.
/// </summary>
public sealed class ShortStreamReader(SessionReader reader)
{
    static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>What is left after the cursor, and of which transform; null if meanwhile the session was deleted, or runs again.</summary>
    /// <param name="kind">The session's kind.</param>
    /// <param name="sessionId">The session.</param>
    /// <param name="userId">Whose it must be.</param>
    /// <param name="next">Index after the cursor: 0, or one of the last two.</param>
    /// <param name="cancellation">Ends the read.</param>
    /// <exception cref="Database.DatabaseUnavailableException"/>
    public async Task<(StreamTarget Target, IReadOnlyList<Frame> Frames)?> ReadAsync(
        ISessionKind kind, Guid sessionId, string userId, int next, CancellationToken cancellation)
    {
        if (await reader.ReadStateAsync(kind.Name, sessionId, userId, null, cancellation) is not { Version: { HasEnded: true, LastEventId: { } last } } state)
            return null;
        var target = state.Version.Target(sessionId);
        var frames = new List<Frame>();
        // As a merged frame from 0 on it keeps the promise that no index is left out.
        if (next < last.Index)
            frames.Add(Frame.Of(target, new MessageRow(last.Index - 1, MessageTypes.Result, Result(kind, state), state.UpdatedAt), first: 0));
        frames.Add(Frame.Of(target, new MessageRow(last.Index, MessageTypes.End, ProtocolJson.Utf8(new EndMessage(state.Status)), state.UpdatedAt)));
        return (target, frames);
    }

    static byte[] Result(ISessionKind kind, StoredState state)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer, Options))
        {
            writer.WriteStartObject();
            kind.WriteResult(writer, state.Artifacts);
            writer.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }
}
