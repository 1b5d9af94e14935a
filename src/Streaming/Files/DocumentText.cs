using System.Buffers.Binary;
using System.Text;
using System.Text.Unicode;

namespace Streaming.Files;

/// <summary>A part of a text.</summary>
/// <param name="From">Its first byte in the file.</param>
/// <param name="To">The byte after its last: where the next one begins.</param>
/// <param name="Text">Its characters, without control characters but those of lines, pages and tabs.</param>
/// <param name="Damage">Characters of it that stand for bytes which are no text: <c>�</c> or a space in their place.</param>
public sealed record Passage(long From, long To, string Text, int Damage);

/// <summary>
/// A file as text, read passage by passage: UTF-8, with or without a mark, or UTF-16 with one. Holds one buffer, however large
/// the file is, and a place among the streams of files only while it reads. For one caller at a time.
/// </summary>
/// <remarks>Where a passage ends depends on the bytes behind its beginning alone, not on how they were read: two readers find the same passages.</remarks>
public sealed class DocumentText : IDisposable
{
    // A character of UTF-16 is three bytes of UTF-8 at most, and two of its own.
    const int BytesPerCharacterMax = 3;
    const int BufferBytesMin = 128 * 1024;
    const char Replacement = '\uFFFD';

    static readonly TimeSpan BusyDelay = TimeSpan.FromSeconds(1);

    readonly FileSource _source;
    readonly FileStreams _streams;
    readonly string _path;
    readonly byte[] _buffer;
    readonly char[] _text;
    Encoding? _encoding;
    long _start;
    int _count;

    /// <param name="source">The file; the text owns it.</param>
    /// <param name="streams">Where it has a place while it reads.</param>
    /// <param name="path">Where the file is, as long as it is there.</param>
    /// <param name="passageCharacters">Characters of a passage at most.</param>
    public DocumentText(FileSource source, FileStreams streams, string path, int passageCharacters)
    {
        (_source, _streams, _path) = (source, streams, path);
        _buffer = new byte[Math.Max(BufferBytesMin, BytesPerCharacterMax * passageCharacters)];
        _text = new char[passageCharacters];
    }

    /// <summary>Bytes of the file.</summary>
    public long Size => _source.Stamp.Size;

    /// <summary>The passage that begins at a byte, 0 or the end of another one; null: there is nothing more.</summary>
    /// <exception cref="FileFaultException">The file was changed or deleted meanwhile, or cannot be read.</exception>
    public async Task<Passage?> ReadAsync(long from, CancellationToken cancellation)
    {
        // A handle would keep the bytes of a file that its owner has deleted.
        if (!File.Exists(_path))
            throw new FileFaultException(FileFault.Gone, "The file was deleted.");
        if (_encoding is null)
            await FindEncodingAsync(cancellation);
        MoveTo(from == 0 ? _encoding!.Preamble.Length : from);
        if (_start >= Size)
            return null;
        var (characters, bytes) = Decode(_text);
        if (characters < _text.Length && _start + _count < Size)
        {
            await FillAsync(cancellation);
            (characters, bytes) = Decode(_text);
        }

        if (_start + bytes < Size)
        {
            characters = PassageCut.At(_text.AsSpan(0, characters));
            (characters, bytes) = Decode(_text.AsSpan(0, characters));
        }

        var damage = IsValid(bytes) ? 0 : _text.AsSpan(0, characters).Count(Replacement);
        damage += Clean(_text.AsSpan(0, characters));
        return new Passage(_start, _start + bytes, new string(_text, 0, characters), damage);
    }

    /// <summary>A place among the streams of files, however long that takes: nobody waits at the other end.</summary>
    internal static async Task<FileOperation> AdmitAsync(FileStreams streams, long size, CancellationToken cancellation)
    {
        while (true)
        {
            if (await streams.AdmitAsync(FileDirection.Document, size, cancellation) is { } operation)
                return operation;
            await Task.Delay(BusyDelay, streams.Clock, cancellation);
        }
    }

    async Task FindEncodingAsync(CancellationToken cancellation)
    {
        MoveTo(0);
        await FillAsync(cancellation);
        _encoding = _buffer.AsSpan(0, _count) switch
        {
            [0xFF, 0xFE, ..] => Encoding.Unicode,
            [0xFE, 0xFF, ..] => Encoding.BigEndianUnicode,
            [0xEF, 0xBB, 0xBF, ..] => Encoding.UTF8,
            _ => new UTF8Encoding(encoderShouldEmitUTF8Identifier: false),
        };
    }

    /// <summary>The buffer begins at this byte of the file; what it holds from there on is kept.</summary>
    void MoveTo(long position)
    {
        var kept = position >= _start && position <= _start + _count ? (int)(_start + _count - position) : 0;
        _buffer.AsSpan(_count - kept, kept).CopyTo(_buffer);
        (_start, _count) = (position, kept);
    }

    async Task FillAsync(CancellationToken cancellation)
    {
        using var operation = await AdmitAsync(_streams, Size, cancellation);
        await foreach (var chunk in FileReader.ReadAsync(_source, operation, _start + _count, Math.Min(Size, _start + _buffer.Length), cancellation))
            using (chunk)
            {
                chunk.Bytes.Span.CopyTo(_buffer.AsSpan(_count));
                _count += chunk.Length;
            }

        operation.Complete();
    }

    /// <summary>As many whole characters as have room, from the beginning of the buffer, and the bytes that they are.</summary>
    (int Characters, int Bytes) Decode(Span<char> text)
    {
        var isEnd = _start + _count >= Size;
        var bytes = _buffer.AsSpan(0, _count);
        if (_encoding is UTF8Encoding)
        {
            Utf8.ToUtf16(bytes, text, out var read, out var written, replaceInvalidSequences: true, isFinalBlock: isEnd);
            return (written, read);
        }

        var count = Math.Min(text.Length, bytes.Length / 2);
        for (var i = 0; i < count; i++)
            text[i] = (char)(_encoding == Encoding.Unicode ? BinaryPrimitives.ReadUInt16LittleEndian(bytes[(2 * i)..]) : BinaryPrimitives.ReadUInt16BigEndian(bytes[(2 * i)..]));
        // The other half may be among the bytes that follow.
        if (count > 0 && char.IsHighSurrogate(text[count - 1]) && !(isEnd && bytes.Length - 2 * count < 2))
            count--;
        for (var i = 0; i < count; i++)
            if (char.IsSurrogate(text[i]) && !(i + 1 < count && char.IsSurrogatePair(text[i], text[i + 1])))
                text[i] = Replacement;
            else if (char.IsSurrogate(text[i]))
                i++;
        // Half a character at the very end belongs to none.
        return (count, isEnd && bytes.Length - 2 * count < 2 ? bytes.Length : 2 * count);
    }

    bool IsValid(int bytes) => _encoding is UTF8Encoding && Utf8.IsValid(_buffer.AsSpan(0, bytes));

    /// <summary>Puts spaces in the place of control characters, and returns how many.</summary>
    static int Clean(Span<char> text)
    {
        var found = 0;
        foreach (ref var one in text)
            if (char.IsControl(one) && one is not ('\t' or '\n' or '\v' or '\f' or '\r' or '\u0085'))
            {
                one = ' ';
                found++;
            }

        return found;
    }

    public void Dispose() => _source.Dispose();
}
