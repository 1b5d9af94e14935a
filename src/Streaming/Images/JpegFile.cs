using System.Buffers.Binary;

namespace Streaming.Images;

/// <summary>The markers of a JPEG (ITU-T T.81, annex B), from its start to its end.</summary>
static class JpegFile
{
    // Some 10 are usual in a progressive picture. Each costs a pass over all of it: libjpeg's own fuzzers stop at 500.
    const int ScansMax = 100;

    public static ReadOnlySpan<byte> Signature => [0xFF, 0xD8, 0xFF];

    /// <exception cref="ImageRefusedException"/>
    public static InspectedImage Read(ReadOnlySpan<byte> file)
    {
        var (width, height, scans) = (0, 0, 0);
        for (var at = 2; ;)
        {
            var marker = Marker(file, ref at);
            switch (marker)
            {
                case 0xD9:
                    return scans > 0 ? new InspectedImage(ImageFormat.Jpeg, width, height, at) : throw Damaged("It has no picture data.");
                case 0x01 or (>= 0xD0 and <= 0xD7):
                    continue;
                case 0xD8 or < 0xC0:
                    throw Damaged($"Marker {marker:X2} has no place there.");
            }

            var segment = Segment(file, at);
            if (marker is >= 0xC0 and <= 0xCF and not (0xC4 or 0xC8 or 0xCC))
            {
                if (width != 0 || segment.Length < 8)
                    throw Damaged("It has two frames, or half of one.");
                if (segment[2] != 8)
                    throw new ImageRefusedException(ImageRefusal.Unsupported, $"It has {segment[2]} bits a sample.");
                (height, width) = (BinaryPrimitives.ReadUInt16BigEndian(segment[3..]), BinaryPrimitives.ReadUInt16BigEndian(segment[5..]));
                if (width == 0 || height == 0)
                    throw Damaged("Its frame has no size.");
            }

            at += segment.Length;
            if (marker != 0xDA)
                continue;
            if (width == 0 || ++scans > ScansMax)
                throw Damaged($"It has a scan before its frame, or more than {ScansMax}.");
            at = AfterScan(file, at);
        }
    }

    /// <summary>Whether it is what cameras write after a JPEG: pictures of other sizes, a short film, notes of their own.</summary>
    public static bool IsTrailer(ReadOnlySpan<byte> rest)
    {
        while (true)
        {
            if (rest.EndsWith("SEFT"u8) || (rest.Length >= 12 && rest[4..8].SequenceEqual("ftyp"u8)))
                return true;
            // Padding: all but the 0xFF that a picture begins with.
            var next = rest.IndexOfAnyExcept((byte)0, (byte)0xFF);
            if (next < 0)
                return true;
            rest = rest[(rest[next] == 0xD8 && next > 0 ? next - 1 : next)..];
            if (!rest.StartsWith(Signature))
                return false;
            try
            {
                rest = rest[Read(rest).Length..];
            }
            catch (ImageRefusedException)
            {
                return false;
            }
        }
    }

    /// <summary>The marker at a place, after fill bytes; the place is then behind it.</summary>
    static int Marker(ReadOnlySpan<byte> file, ref int at)
    {
        if (at >= file.Length)
            throw Truncated();
        if (file[at] != 0xFF)
            throw Damaged($"There is no marker at byte {at}.");
        while (at < file.Length && file[at] == 0xFF)
            at++;
        return at < file.Length ? file[at++] : throw Truncated();
    }

    /// <summary>A segment with its length in front.</summary>
    static ReadOnlySpan<byte> Segment(ReadOnlySpan<byte> file, int at)
    {
        if (at + 2 > file.Length)
            throw Truncated();
        var length = BinaryPrimitives.ReadUInt16BigEndian(file[at..]);
        if (length < 2)
            throw Damaged("A segment is shorter than its own length.");
        return at + length <= file.Length ? file.Slice(at, length) : throw Truncated();
    }

    /// <summary>The marker that ends the coded data of a scan.</summary>
    static int AfterScan(ReadOnlySpan<byte> file, int at)
    {
        while (file[at..].IndexOf((byte)0xFF) is >= 0 and var offset)
        {
            at += offset;
            if (at + 1 >= file.Length)
                break;
            // A stuffed byte, or a restart marker, is within the data.
            if (file[at + 1] is not (0 or (>= 0xD0 and <= 0xD7)))
                return at;
            at += 2;
        }

        throw Truncated();
    }

    static ImageRefusedException Truncated() => new(ImageRefusal.Truncated, "It ends before the end of the JPEG.");

    static ImageRefusedException Damaged(string message) => new(ImageRefusal.Damaged, message);
}
