using System.Buffers.Text;
using System.Diagnostics;
using System.Text;

namespace Streaming.Benchmarks.Readers;

/// <summary>
/// Follows one stream by its bytes: proves by <c>first</c> and <c>index</c> that no message is missing or repeated, by the
/// marks that every chunk is there in order, and takes the time that each chunk was on its way.
/// </summary>
/// <param name="part">When it counts.</param>
/// <param name="next">Index of the first message that is to come.</param>
/// <param name="bufferBytes">Of its buffer at first.</param>
sealed class FrameScanner(MeasuredPart part, int next = 0, int bufferBytes = 16 * 1024)
{
    byte[] _pending = new byte[bufferBytes];
    int _length;
    int _next = next;
    long _markedAt;
    long _chunks;
    long _messages;

    /// <summary>Chunks of the measured part. Any thread may read it, as the next two.</summary>
    public long Chunks => Volatile.Read(ref _chunks);

    /// <summary>Messages of every type, of the measured part.</summary>
    public long Messages => Volatile.Read(ref _messages);

    /// <summary>Index of the message that is to come next. Any thread may read it.</summary>
    public int Next => Volatile.Read(ref _next);

    /// <summary>Called after each frame that brought messages, by the thread that reads.</summary>
    public Action? Grown { get; init; }

    /// <summary>The first thing that was wrong.</summary>
    public string? Fault { get; private set; }

    /// <summary>Milliseconds from the generator's hand to this reader, of each chunk of the measured part.</summary>
    public LatencyHistogram Latencies { get; } = new();

    public void Fail(string fault) => Fault ??= fault;

    public void Push(ReadOnlySpan<byte> bytes, long receivedAt)
    {
        if (_length + bytes.Length > _pending.Length)
            Array.Resize(ref _pending, Math.Max(2 * _pending.Length, _length + bytes.Length));
        bytes.CopyTo(_pending.AsSpan(_length));
        _length += bytes.Length;

        var rest = _pending.AsSpan(0, _length);
        for (int end; Fault is null && (end = rest.IndexOf("\n\n"u8)) >= 0; rest = rest[(end + 2)..])
            Accept(rest[..end], receivedAt);
        rest.CopyTo(_pending);
        _length = rest.Length;
    }

    void Accept(ReadOnlySpan<byte> frame, long receivedAt)
    {
        if (frame.StartsWith("retry:"u8))
            return;
        if (!TrySkip(ref frame, "data: {\"type\":\""u8) || frame.IndexOf((byte)'"') is not (> 0 and var quote))
        {
            Fail("a frame is not of the protocol");
            return;
        }

        var type = frame[..quote];
        frame = frame[(quote + 1)..];
        if (type.SequenceEqual("heartbeat"u8))
            return;
        if (!TryRead(ref frame, ",\"index\":"u8, out var index))
        {
            Fail("a frame has no index: a reset, or a reconnect");
            return;
        }

        if (!TryRead(ref frame, ",\"first\":"u8, out var first))
            first = index;
        if (first != _next)
            Fail($"message {first} came where {_next} was due");
        Volatile.Write(ref _next, index + 1);
        if (part.IsOn)
            Volatile.Write(ref _messages, _messages + index - first + 1);
        if (type.SequenceEqual("chunk"u8))
            AcceptChunks(frame, index - first + 1, receivedAt);
        else if (type.SequenceEqual("error"u8) || type.SequenceEqual("end"u8))
            Fail($"a generation has ended: {Encoding.UTF8.GetString(frame)}");
        Grown?.Invoke();
    }

    void AcceptChunks(ReadOnlySpan<byte> frame, int count, long receivedAt)
    {
        var found = 0;
        for (int at; (at = frame.IndexOf(Mark.Sign)) >= 0; frame = frame[(at + Mark.Length)..])
        {
            if (!Mark.TryRead(frame[at..], out var markedAt) || markedAt < _markedAt)
            {
                Fail("a mark cannot be read, or is older than the one before it");
                return;
            }

            found++;
            _markedAt = markedAt;
            if (part.IsOn)
                Latencies.Add(Stopwatch.GetElapsedTime(markedAt, receivedAt).TotalMilliseconds);
        }

        if (found != count)
            Fail($"{count} chunks hold {found} marks");
        if (part.IsOn)
            Volatile.Write(ref _chunks, _chunks + found);
    }

    static bool TrySkip(ref ReadOnlySpan<byte> text, ReadOnlySpan<byte> prefix)
    {
        if (!text.StartsWith(prefix))
            return false;
        text = text[prefix.Length..];
        return true;
    }

    static bool TryRead(ref ReadOnlySpan<byte> text, ReadOnlySpan<byte> name, out int number)
    {
        number = 0;
        if (!text.StartsWith(name) || !Utf8Parser.TryParse(text[name.Length..], out number, out var read))
            return false;
        text = text[(name.Length + read)..];
        return true;
    }
}
