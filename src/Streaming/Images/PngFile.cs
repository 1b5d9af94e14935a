using System.Buffers.Binary;

namespace Streaming.Images;

/// <summary>The chunks of a PNG (W3C, third edition, section 5), from its start to its end.</summary>
static class PngFile
{
    const int HeaderBytes = 13;

    public static ReadOnlySpan<byte> Signature => [0x89, (byte)'P', (byte)'N', (byte)'G', 0x0D, 0x0A, 0x1A, 0x0A];

    /// <exception cref="ImageRefusedException"/>
    public static InspectedImage Read(ReadOnlySpan<byte> file)
    {
        var (width, height, hasData) = (0, 0, false);
        for (var at = Signature.Length; ;)
        {
            if (at + 12 > file.Length)
                throw Truncated();
            var length = BinaryPrimitives.ReadUInt32BigEndian(file[at..]);
            if (length > int.MaxValue || at + 12L + length > file.Length)
                throw Truncated();
            var type = file.Slice(at + 4, 4);
            var data = file.Slice(at + 8, (int)length);
            if (width == 0)
            {
                if (!type.SequenceEqual("IHDR"u8) || length != HeaderBytes)
                    throw new ImageRefusedException(ImageRefusal.Damaged, "It does not begin with its header.");
                (width, height) = (BinaryPrimitives.ReadInt32BigEndian(data), BinaryPrimitives.ReadInt32BigEndian(data[4..]));
                if (width <= 0 || height <= 0)
                    throw new ImageRefusedException(ImageRefusal.Damaged, "Its header has no size.");
            }
            else if (type.SequenceEqual("IHDR"u8))
            {
                throw new ImageRefusedException(ImageRefusal.Damaged, "It has two headers.");
            }

            if (type.SequenceEqual("acTL"u8))
                throw new ImageRefusedException(ImageRefusal.Unsupported, "It is an animation.");
            hasData |= type.SequenceEqual("IDAT"u8);
            at += 12 + (int)length;
            if (type.SequenceEqual("IEND"u8))
                return hasData
                    ? new InspectedImage(ImageFormat.Png, width, height, at)
                    : throw new ImageRefusedException(ImageRefusal.Damaged, "It has no picture data.");
        }
    }

    static ImageRefusedException Truncated() => new(ImageRefusal.Truncated, "It ends before the end of the PNG.");
}
