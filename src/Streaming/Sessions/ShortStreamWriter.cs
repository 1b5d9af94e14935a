using System.Buffers;
using System.IO.Pipelines;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Streaming.Protocol;
using Streaming.Sse;

namespace Streaming.Sessions;

/// <summary>
/// The stream of an ended transform whose messages were removed: <c>result</c>, which stands for all messages before the end,
/// and <c>end</c>; made from the state.
/// </summary>
public sealed class ShortStreamWriter(SessionReader reader)
{
    static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Writes what is left after the cursor; false if meanwhile the session was deleted, or runs again.</summary>
    /// <param name="kind">The session's kind.</param>
    /// <param name="sessionId">The session.</param>
    /// <param name="userId">Whose it must be.</param>
    /// <param name="next">Index after the cursor: 0, or one of the last two.</param>
    /// <param name="output">The response body; headers and <c>retry:</c> are already out.</param>
    /// <param name="cancellation">Ends the write.</param>
    /// <exception cref="Database.DatabaseUnavailableException"/>
    public async Task<bool> WriteAsync(
        ISessionKind kind, Guid sessionId, string userId, int next, PipeWriter output, CancellationToken cancellation)
    {
        if (await reader.ReadStateAsync(kind.Name, sessionId, userId, null, cancellation) is not { Version: { HasEnded: true, LastEventId: { } last } } state)
            return false;
        var time = state.UpdatedAt.ToUnixTimeMilliseconds();
        // As a merged frame from 0 on it keeps the promise that no index is left out.
        if (next < last.Index)
            FrameWriter.WriteMessage(output, last with { Index = last.Index - 1 }, 0, sessionId, MessageTypes.Result, time, Result(kind, state));
        FrameWriter.WriteMessage(output, last, last.Index, sessionId, MessageTypes.End, time, ProtocolJson.Data(new EndMessage(state.Status)));
        await output.FlushAsync(cancellation);
        return true;
    }

    static string Result(ISessionKind kind, StoredState state)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer, Options))
        {
            writer.WriteStartObject();
            kind.WriteResult(writer, state.Artifacts);
            writer.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }
}
