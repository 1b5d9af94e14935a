using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace Streaming.Sse;

/// <summary>
/// Where a reader of several sessions stands: of each, in the order it asked for them, the <see cref="EventId"/> of the last
/// message that it has. As an event id: the parts joined by <c>.</c>, <c>-</c> for a session of which it has nothing,
/// <c>x</c> for one of which it knows that it was deleted.
/// </summary>
public sealed class MultiCursor(int count)
{
    const string Nothing = "-";
    const string Deleted = "x";

    readonly string[] _parts = [.. Enumerable.Repeat(Nothing, count)];
    readonly EventId?[] _last = new EventId?[count];

    /// <summary>The last message that the reader has of the session at a place, from 0; null if it has none.</summary>
    public EventId? Last(int place) => _last[place];

    public bool IsDeleted(int place) => _parts[place] == Deleted;

    /// <summary>Whether the reader has seen anything of the session.</summary>
    public bool IsBegun(int place) => _parts[place] != Nothing;

    public void Advance(int place, EventId last) => (_last[place], _parts[place]) = (last, last.ToString());

    /// <summary>The reader begins anew with this session.</summary>
    public void Forget(int place) => (_last[place], _parts[place]) = (null, Nothing);

    public void Delete(int place) => (_last[place], _parts[place]) = (null, Deleted);

    /// <summary>Reads a cursor of <paramref name="count"/> sessions; false for anything that <see cref="ToString"/> would not write.</summary>
    public static bool TryParse(string text, int count, [NotNullWhen(true)] out MultiCursor? cursor)
    {
        cursor = null;
        if (text.Length > count * (EventId.LengthMax + 1))
            return false;
        var parts = text.Split('.');
        if (parts.Length != count)
            return false;
        var read = new MultiCursor(count);
        for (var place = 0; place < count; place++)
            if (EventId.TryParse(parts[place], out var id))
                read.Advance(place, id);
            else if (parts[place] == Deleted)
                read.Delete(place);
            else if (parts[place] != Nothing)
                return false;
        cursor = read;
        return true;
    }

    public void WriteTo(IBufferWriter<byte> output)
    {
        for (var place = 0; place < count; place++)
        {
            if (place > 0)
                output.Write("."u8);
            Encoding.ASCII.GetBytes(_parts[place], output);
        }
    }

    public override string ToString() => string.Join('.', _parts);
}
