using System.Buffers;
using System.Globalization;
using System.Text.Json;

namespace Streaming.Pipelines.Json;

/// <summary>
/// Finds the JSON in a model's answer while it streams, and reports each value as soon as it is complete: the
/// properties of the outermost object, the elements of an array that is the outermost value or one of those
/// properties, and the outermost value itself.
/// </summary>
/// <remarks>
/// <para>Everything outside an object or array is chatter and skipped: prose, code fences, and between several
/// outermost values (NDJSON) as well. Inside, trailing commas and raw control characters in strings are accepted.</para>
/// <code>
/// outside ── { or [ ──► inside ── last bracket closed ──► outside
///    ▲                    │
///    └── no JSON ─────────┘   read again from behind the opening bracket, or behind the last value reported
/// </code>
/// <para>What has been reported is never taken back, and no character is reported twice. A string or number is
/// reported at the comma or bracket behind it, because only that proves that it was one (<c>["so he said</c>).</para>
/// <para>Time is linear. A failed start is read again, but starts that overlap are nested brackets of at most
/// <see cref="NestingMax"/> levels, either all inside or all outside the others' strings.
/// Not for use by several threads.</para>
/// </remarks>
public sealed class PartialJsonReader
{
    /// <summary>
    /// Brackets open at once; a deeper value is given up. Half of what readers of JSON take by default: a value that is taken
    /// goes some levels down into messages and states, and must be readable there.
    /// </summary>
    public const int NestingMax = 32;

    /// <summary>The default bound on one outermost value, in UTF-16 characters; a longer one is given up.</summary>
    public const int CharactersMaxDefault = 1 << 20;

    private static readonly JsonDocumentOptions Strict = new() { AllowTrailingCommas = true, MaxDepth = NestingMax };

    private readonly int _charactersMax;
    private readonly JsonStringScanner _string;

    // The text from the opening bracket on, kept to be read again; and the same as strict JSON, without white space.
    private readonly List<char> _text = [];
    private readonly ArrayBufferWriter<char> _clean = new();
    private readonly (char Close, int Start)[] _open = new (char, int)[NestingMax];
    private List<CompletedValue> _found = [];

    private Expect _expect = Expect.Outside;
    private int _next;
    private int _opening;
    private int _resumeAt;
    private int _depth;
    private int _scalarStart = -1;
    private int _keyStart;
    private string _property = "";
    private bool _anyCompleted;

    private enum Expect { Outside, KeyOrClose, Colon, Value, ValueOrClose, String, Scalar, CommaOrClose }

    /// <param name="charactersMax">The bound on one outermost value, in UTF-16 characters; at least 2.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="charactersMax"/> is less than 2.</exception>
    public PartialJsonReader(int charactersMax = CharactersMaxDefault)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(charactersMax, 2);
        _charactersMax = charactersMax;
        _string = new JsonStringScanner(_clean);
    }

    /// <summary>Whether any value has been reported. False at the end of the answer: there was no JSON in it.</summary>
    public bool AnythingFound { get; private set; }

    /// <summary>
    /// Whether an outermost value has been completed and none is open. False at the end of the answer although
    /// <see cref="AnythingFound"/>: it was cut off, or went wrong inside its only value.
    /// </summary>
    public bool Complete => _anyCompleted && _expect == Expect.Outside;

    /// <summary>Reads on; the text may be cut anywhere, even between the halves of a surrogate pair.</summary>
    /// <returns>The values that <paramref name="delta"/> completed, in the order of their last characters.</returns>
    public IReadOnlyList<CompletedValue> Push(ReadOnlySpan<char> delta)
    {
        _found = [];
        _text.AddRange(delta);
        while (_next < _text.Count)
        {
            var c = _text[_next++];
            if (!Read(c))
                ReadAgain();
            else if (_expect != Expect.Outside && _next - _opening >= _charactersMax)
                GiveUp();
        }

        var passed = _expect == Expect.Outside ? _next : _opening;
        _text.RemoveRange(0, passed);
        _next -= passed;
        _opening -= passed;
        _resumeAt -= passed;
        return _found;
    }

    // False: this is no JSON.
    private bool Read(char c)
    {
        switch (_expect)
        {
            case Expect.Outside:
                if (c is '{' or '[')
                    OpenOutermost(c);
                return true;
            case Expect.String:
                if (_string.Read(c))
                    _expect = _scalarStart < 0 ? Expect.Colon : Expect.CommaOrClose;
                return true;
            case Expect.Scalar when char.IsAsciiLetterOrDigit(c) || c is '-' or '+' or '.':
                _clean.Write([c]);
                return true;
            case Expect.Scalar when !IsScalar(_clean.WrittenSpan[_scalarStart..]):
                return false;
            case Expect.Scalar:
                _expect = Expect.CommaOrClose;
                break;
        }

        return c is ' ' or '\n' or '\r' or '\t' || ReadStructure(c);
    }

    private bool ReadStructure(char c)
    {
        switch (c)
        {
            case '"' when _expect is Expect.KeyOrClose or Expect.Value or Expect.ValueOrClose:
                var isKey = _expect == Expect.KeyOrClose;
                _scalarStart = isKey ? -1 : _clean.WrittenCount;
                _keyStart = isKey ? _clean.WrittenCount : _keyStart;
                _string.Open();
                _expect = Expect.String;
                return true;
            case ':' when _expect == Expect.Colon:
                if (_depth == 1)
                    _property = ToElement(_keyStart).GetString()!;
                _clean.Write(":");
                _expect = Expect.Value;
                return true;
            case '{' or '[' when _expect is Expect.Value or Expect.ValueOrClose:
                if (_depth == NestingMax)
                    GiveUp();
                else
                    Open(c);
                return true;
            case ',' when _expect == Expect.CommaOrClose:
                ReportScalar();
                _clean.Write(",");
                _expect = _open[_depth - 1].Close == '}' ? Expect.KeyOrClose : Expect.ValueOrClose;
                return true;
            case '}' or ']' when _expect is Expect.CommaOrClose or Expect.KeyOrClose or Expect.ValueOrClose:
                if (_open[_depth - 1].Close != c)
                    return false;
                ReportScalar();
                Close(c);
                return true;
            case '-' or 't' or 'f' or 'n' or (>= '0' and <= '9') when _expect is Expect.Value or Expect.ValueOrClose:
                _scalarStart = _clean.WrittenCount;
                _clean.Write([c]);
                _expect = Expect.Scalar;
                return true;
            default:
                return false;
        }
    }

    private void OpenOutermost(char c)
    {
        _opening = _next - 1;
        _resumeAt = _next;
        _depth = 0;
        _scalarStart = -1;
        _clean.ResetWrittenCount();
        Open(c);
    }

    private void Open(char c)
    {
        _open[_depth++] = (c == '{' ? '}' : ']', _clean.WrittenCount);
        _clean.Write([c]);
        _expect = c == '{' ? Expect.KeyOrClose : Expect.ValueOrClose;
        _scalarStart = -1;
    }

    private void Close(char c)
    {
        _clean.Write([c]);
        _depth--;
        Report(_open[_depth].Start);
        _expect = _depth == 0 ? Expect.Outside : Expect.CommaOrClose;
        _anyCompleted |= _depth == 0;
    }

    private void ReportScalar()
    {
        if (_scalarStart >= 0)
            Report(_scalarStart);
        _scalarStart = -1;
    }

    // The value is the end of the clean text: nothing has been written behind it yet.
    private void Report(int start)
    {
        var inObject = _open[0].Close == '}';
        var path = _depth switch
        {
            0 => "$",
            1 => inObject ? "$." + _property : "$[]",
            2 when inObject && _open[1].Close == ']' => $"$.{_property}[]",
            _ => null,
        };
        if (path is null)
            return;

        _found.Add(new CompletedValue(path, ToElement(start)));
        _resumeAt = _next;
        AnythingFound = true;
    }

    private JsonElement ToElement(int start) => JsonElement.Parse(_clean.WrittenSpan[start..], Strict);

    // Numbers outside the range of a double are refused: jsonb would refuse them later.
    private static bool IsScalar(ReadOnlySpan<char> text)
    {
        if (text is "true" or "false" or "null")
            return true;
        return double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number)
            && double.IsFinite(number)
            && HasJsonDigits(text);
    }

    // Of what double.TryParse takes, JSON has no leading zeros, and wants digits on both sides of the point.
    private static bool HasJsonDigits(ReadOnlySpan<char> number)
    {
        var digits = number.TrimStart('-');
        var point = digits.IndexOf('.');
        return number.Length - digits.Length <= 1
            && char.IsAsciiDigit(digits[0])
            && (digits[0] != '0' || digits.Length == 1 || !char.IsAsciiDigit(digits[1]))
            && (point < 0 || (point + 1 < digits.Length && char.IsAsciiDigit(digits[point + 1])));
    }

    private void ReadAgain()
    {
        _expect = Expect.Outside;
        _next = _resumeAt;
    }

    // Too deep or too long is no mistaken start: reading it again would only find its parts.
    private void GiveUp() => _expect = Expect.Outside;
}
