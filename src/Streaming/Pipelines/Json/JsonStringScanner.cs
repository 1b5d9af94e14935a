using System.Buffers;
using System.Globalization;

namespace Streaming.Pipelines.Json;

/// <summary>
/// Reads one JSON string a character at a time for <see cref="PartialJsonReader"/> and writes it out as strict JSON
/// that PostgreSQL takes: no NUL, no lone surrogate, no raw control character.
/// </summary>
internal sealed class JsonStringScanner(ArrayBufferWriter<char> output)
{
    private const int HexDigits = 4;

    private readonly char[] _hex = new char[HexDigits];
    private int _hexLength;
    private Place _place;
    private char _highSurrogate;

    private enum Place { Plain, Escape, Unicode }

    /// <summary>Starts a string; the opening quote has been read.</summary>
    public void Open()
    {
        _place = Place.Plain;
        _highSurrogate = '\0';
        output.Write("\"");
    }

    /// <returns>True when <paramref name="c"/> was the closing quote.</returns>
    public bool Read(char c)
    {
        switch (_place)
        {
            case Place.Escape:
                ReadEscape(c);
                return false;
            case Place.Unicode when char.IsAsciiHexDigit(c):
                _hex[_hexLength++] = c;
                if (_hexLength == HexDigits)
                {
                    _place = Place.Plain;
                    Append((char)int.Parse(_hex, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture));
                }
                return false;
            case Place.Unicode:
                // Not an escape after all (`\usepackage`): what was read stands for itself.
                _place = Place.Plain;
                AppendLiterally("\\u");
                AppendLiterally(_hex.AsSpan(0, _hexLength));
                break;
        }

        if (c == '\\')
        {
            _place = Place.Escape;
            return false;
        }

        if (c != '"')
        {
            Append(c);
            return false;
        }

        ReleaseHighSurrogate();
        output.Write("\"");
        return true;
    }

    private void ReadEscape(char c)
    {
        _place = Place.Plain;
        switch (c)
        {
            case 'u':
                _place = Place.Unicode;
                _hexLength = 0;
                break;
            case 'b': Append('\b'); break;
            case 'f': Append('\f'); break;
            case 'n': Append('\n'); break;
            case 'r': Append('\r'); break;
            case 't': Append('\t'); break;
            case '"' or '\\' or '/' or '\'': Append(c); break;
            default:
                // No escape of JSON, but models write them (`\d`, `\$`): the backslash is text.
                Append('\\');
                Append(c);
                break;
        }
    }

    private void AppendLiterally(ReadOnlySpan<char> text)
    {
        foreach (var c in text)
            Append(c);
    }

    // One code unit of the string's content. Halves of a pair meet here, however each of them was written.
    private void Append(char c)
    {
        if (c == '\0')
            return;

        if (char.IsLowSurrogate(c))
        {
            output.Write(_highSurrogate == '\0' ? "\ufffd" : [_highSurrogate, c]);
            _highSurrogate = '\0';
            return;
        }

        ReleaseHighSurrogate();
        if (char.IsHighSurrogate(c))
            _highSurrogate = c;
        else if (c is '"' or '\\')
            output.Write(['\\', c]);
        else if (c < ' ')
            output.Write(string.Create(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}"));
        else
            output.Write([c]);
    }

    private void ReleaseHighSurrogate()
    {
        if (_highSurrogate == '\0')
            return;
        output.Write("\ufffd");
        _highSurrogate = '\0';
    }
}
