using System.Buffers;
using Streaming.Messages;
using Streaming.Protocol;
using Streaming.Sse;

namespace Streaming.Subscriptions;

/// <summary>One event, framed once and sent to every subscriber of its transform.</summary>
/// <param name="Index">Index of its (last) message.</param>
/// <param name="Bytes">The whole event, UTF-8.</param>
/// <param name="IsEnd">Whether it is the stream's last.</param>
/// <param name="Time">Of its message, Unix ms.</param>
public sealed record Frame(int Index, byte[] Bytes, bool IsEnd, long Time)
{
    const int BufferBytesMax = 256 * 1024;

    // A frame is written here and copied out: half of what a delivery allocated was writers of one frame each.
    [ThreadStatic]
    static ArrayBufferWriter<byte>? _buffer;

    /// <param name="target">The stream it belongs to.</param>
    /// <param name="row">The message; its data fit for a frame, see <see cref="MessageData"/>.</param>
    /// <param name="first">First message that it stands for, if catch-up has merged several.</param>
    public static Frame Of(StreamTarget target, in MessageRow row, int? first = null) => Of(target, row, row.Data, first);

    /// <summary>The same with <paramref name="data"/> in place of the row's own.</summary>
    public static Frame Of(StreamTarget target, in MessageRow row, ReadOnlySpan<byte> data, int? first)
    {
        var buffer = _buffer ??= new ArrayBufferWriter<byte>();
        buffer.ResetWrittenCount();
        var time = row.Time.ToUnixTimeMilliseconds();
        FrameWriter.WriteMessage(buffer, new EventId(target.Ordinal, row.Index), first ?? row.Index, target.SessionId, row.Type, time, data);
        var frame = new Frame(row.Index, buffer.WrittenSpan.ToArray(), row.Type == MessageTypes.End, time);
        if (buffer.Capacity > BufferBytesMax)
            _buffer = null;
        return frame;
    }
}
