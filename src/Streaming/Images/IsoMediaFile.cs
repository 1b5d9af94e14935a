using System.Buffers.Binary;
using System.Text;

namespace Streaming.Images;

/// <summary>The boxes of a HEIC or AVIF (ISO/IEC 14496-12 and 23008-12). Its size is in <c>ispe</c>, one for each picture in it.</summary>
static class IsoMediaFile
{
    static readonly string[] HeicBrands = ["heic", "heix", "heim", "heis"];
    static readonly string[] AvifBrands = ["avif"];

    // At the top of pictures of phones; `mpvd` and `sefd` are a short film and notes of Samsung's.
    static readonly string[] KnownBoxes = ["ftyp", "meta", "mdat", "idat", "free", "skip", "uuid", "mpvd", "sefd", "etyp"];

    readonly ref struct Box(string type, ReadOnlySpan<byte> data, int length)
    {
        public string Type { get; } = type;

        public ReadOnlySpan<byte> Data { get; } = data;

        /// <summary>With its header.</summary>
        public int Length { get; } = length;
    }

    /// <summary>By its brands; null if it is none of the two.</summary>
    public static ImageFormat? Recognize(ReadOnlySpan<byte> file)
    {
        if (file.Length < 16 || !file[4..8].SequenceEqual("ftyp"u8))
            return null;
        var brands = file[8..(int)Math.Clamp(BinaryPrimitives.ReadUInt32BigEndian(file), 16, (uint)Math.Min(file.Length, 256))];
        return Has(brands, AvifBrands) ? ImageFormat.Avif : Has(brands, HeicBrands) ? ImageFormat.Heic : null;

        static bool Has(ReadOnlySpan<byte> brands, string[] wanted)
        {
            // The major brand, its version, and those that it is compatible with.
            for (var at = 0; at + 4 <= brands.Length; at += 4)
                if (at != 4 && wanted.Contains(Encoding.Latin1.GetString(brands.Slice(at, 4))))
                    return true;
            return false;
        }
    }

    /// <exception cref="ImageRefusedException"/>
    public static InspectedImage Read(ReadOnlySpan<byte> file, ImageFormat format)
    {
        (int Width, int Height)? size = null;
        var hasData = false;
        var at = 0;
        while (at < file.Length && file[at..].IndexOfAnyExcept((byte)0) >= 0)
        {
            // Before its length: where a box is none, that is none either.
            var type = file.Length - at < 8 ? "" : Encoding.Latin1.GetString(file.Slice(at + 4, 4));
            if (type == "moov")
                throw new ImageRefusedException(ImageRefusal.Unsupported, "It is a film, or an animation.");
            if (type != "" && !KnownBoxes.Contains(type))
                throw new ImageRefusedException(ImageRefusal.Polyglot, $"From byte {at} on it is something else.");
            var box = Next(file[at..]);
            if (type == "meta")
                size = size is null ? Size(box.Data) : throw Damaged("It describes itself twice.");
            hasData |= type is "mdat" or "idat";
            at += box.Length;
        }

        if (size is not var (width, height))
            throw Damaged("It does not say what is in it.");
        return hasData ? new InspectedImage(format, width, height, at) : throw Truncated();
    }

    /// <summary>Of the largest picture in it: a small one in front must not hide a large one.</summary>
    static (int Width, int Height) Size(ReadOnlySpan<byte> meta)
    {
        (int Width, int Height) largest = (0, 0);
        // `meta` and `ispe` begin with a version and flags.
        for (var boxes = meta.Length < 4 ? [] : meta[4..]; !boxes.IsEmpty;)
        {
            var box = Next(boxes);
            if (box.Type == "iprp")
                largest = Largest(box.Data, largest);
            boxes = boxes[box.Length..];
        }

        return largest.Width > 0 ? largest : throw Damaged("It does not say its size.");
    }

    static (int Width, int Height) Largest(ReadOnlySpan<byte> boxes, (int Width, int Height) largest)
    {
        while (!boxes.IsEmpty)
        {
            var box = Next(boxes);
            if (box.Type == "ipco")
                largest = Largest(box.Data, largest);
            if (box.Type == "ispe" && box.Data.Length >= 12)
            {
                var (width, height) = (BinaryPrimitives.ReadInt32BigEndian(box.Data[4..]), BinaryPrimitives.ReadInt32BigEndian(box.Data[8..]));
                if (width <= 0 || height <= 0)
                    throw Damaged("A picture in it has no size.");
                if ((long)width * height > (long)largest.Width * largest.Height)
                    largest = (width, height);
            }

            boxes = boxes[box.Length..];
        }

        return largest;
    }

    static Box Next(ReadOnlySpan<byte> boxes)
    {
        if (boxes.Length < 8)
            throw Truncated();
        var (length, header) = ((ulong)BinaryPrimitives.ReadUInt32BigEndian(boxes), 8);
        if (length == 1)
        {
            if (boxes.Length < 16)
                throw Truncated();
            (length, header) = (BinaryPrimitives.ReadUInt64BigEndian(boxes[8..]), 16);
        }
        else if (length == 0)
        {
            // To the end of what it is in.
            length = (ulong)boxes.Length;
        }

        if (length < (ulong)header)
            throw Damaged("A box is shorter than its own header.");
        if (length > (ulong)boxes.Length)
            throw Truncated();
        return new Box(Encoding.Latin1.GetString(boxes.Slice(4, 4)), boxes[header..(int)length], (int)length);
    }

    static ImageRefusedException Truncated() => new(ImageRefusal.Truncated, "It ends within one of its boxes.");

    static ImageRefusedException Damaged(string message) => new(ImageRefusal.Damaged, message);
}
