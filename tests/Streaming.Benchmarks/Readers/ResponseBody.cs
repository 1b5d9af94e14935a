using System.Text;

namespace Streaming.Benchmarks.Readers;

/// <summary>Takes an HTTP/1.1 response apart: its head, which must be a 200 in chunks, then the chunks' bytes for the scanner.</summary>
sealed class ResponseBody(FrameScanner scanner)
{
    readonly StringBuilder _line = new();
    bool _isHead = true;
    int _rest;

    /// <exception cref="InvalidDataException">Not what was asked for, or the end of the body.</exception>
    public void Push(ReadOnlySpan<byte> bytes, long receivedAt)
    {
        while (bytes.Length > 0)
        {
            if (_rest > 0)
            {
                var length = Math.Min(_rest, bytes.Length);
                scanner.Push(bytes[..length], receivedAt);
                _rest -= length;
                bytes = bytes[length..];
                continue;
            }

            var next = (char)bytes[0];
            bytes = bytes[1..];
            if (next == '\n')
                Accept();
            else if (next != '\r')
                _line.Append(next);
        }
    }

    void Accept()
    {
        var line = _line.ToString();
        _line.Clear();
        if (_isHead)
        {
            if (line.StartsWith("HTTP/", StringComparison.Ordinal) && !line.StartsWith("HTTP/1.1 200", StringComparison.Ordinal))
                throw new InvalidDataException($"the stream was answered {line}");
            _isHead = line.Length > 0;
        }
        // Each chunk is followed by an empty line.
        else if (line.Length > 0)
        {
            _rest = Convert.ToInt32(line, 16);
            if (_rest == 0)
                throw new InvalidDataException("the stream was ended");
        }
    }
}
