using System.Buffers.Binary;

namespace Streaming.Images;

/// <summary>The chunks of a WebP (RFC 9649): lossy, lossless, or extended.</summary>
static class WebPFile
{
    const int RiffHeaderBytes = 12;
    const byte AnimationFlag = 0x02;

    /// <exception cref="ImageRefusedException"/>
    public static InspectedImage Read(ReadOnlySpan<byte> file)
    {
        var length = 8L + BinaryPrimitives.ReadUInt32LittleEndian(file[4..]);
        if (length > file.Length)
            throw Truncated();
        var chunks = file[RiffHeaderBytes..(int)Math.Max(length, RiffHeaderBytes)];
        ((int Width, int Height)? canvas, (int Width, int Height)? picture) = (null, null);
        while (!chunks.IsEmpty)
        {
            if (chunks.Length < 8)
                throw Truncated();
            var size = BinaryPrimitives.ReadUInt32LittleEndian(chunks[4..]);
            // An odd one is padded.
            var padded = 8 + size + (size & 1L);
            if (padded > chunks.Length)
                throw Truncated();
            var data = chunks.Slice(8, (int)size);
            if (chunks.StartsWith("VP8X"u8))
                canvas = Canvas(data);
            else if (chunks.StartsWith("VP8 "u8))
                picture = Only(picture, Lossy(data));
            else if (chunks.StartsWith("VP8L"u8))
                picture = Only(picture, Lossless(data));
            else if (chunks.StartsWith("ANIM"u8) || chunks.StartsWith("ANMF"u8))
                throw Animation();
            chunks = chunks[(int)padded..];
        }

        if (picture is not { } found)
            throw Damaged("It has no picture data.");
        return canvas is null || canvas == found
            ? new InspectedImage(ImageFormat.WebP, found.Width, found.Height, (int)length)
            : throw Damaged("Its canvas and its picture have different sizes.");
    }

    static (int Width, int Height) Canvas(ReadOnlySpan<byte> data)
    {
        if (data.Length < 10)
            throw Damaged("Its canvas has no size.");
        return (data[0] & AnimationFlag) == 0 ? (1 + UInt24(data[4..]), 1 + UInt24(data[7..])) : throw Animation();
    }

    /// <summary>RFC 6386, section 9.1: 14 bits each, below two bits of scaling.</summary>
    static (int Width, int Height) Lossy(ReadOnlySpan<byte> data) => data.Length >= 10 && data[3..6].SequenceEqual((ReadOnlySpan<byte>)[0x9D, 0x01, 0x2A])
        ? (BinaryPrimitives.ReadUInt16LittleEndian(data[6..]) & 0x3FFF, BinaryPrimitives.ReadUInt16LittleEndian(data[8..]) & 0x3FFF)
        : throw Damaged("It does not begin with a key frame.");

    /// <summary>RFC 9649, section 3.4: 14 bits each, less one.</summary>
    static (int Width, int Height) Lossless(ReadOnlySpan<byte> data)
    {
        if (data.Length < 5 || data[0] != 0x2F)
            throw Damaged("It does not begin with a lossless picture.");
        var bits = BinaryPrimitives.ReadUInt32LittleEndian(data[1..]);
        return (1 + (int)(bits & 0x3FFF), 1 + (int)((bits >> 14) & 0x3FFF));
    }

    static (int Width, int Height)? Only((int, int)? earlier, (int, int) found) => earlier is null ? found : throw Damaged("It has two pictures.");

    static int UInt24(ReadOnlySpan<byte> data) => data[0] | (data[1] << 8) | (data[2] << 16);

    static ImageRefusedException Truncated() => new(ImageRefusal.Truncated, "It ends before the end of the WebP.");

    static ImageRefusedException Damaged(string message) => new(ImageRefusal.Damaged, message);

    static ImageRefusedException Animation() => new(ImageRefusal.Unsupported, "It is an animation.");
}
