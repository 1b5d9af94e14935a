using System.Buffers.Binary;
using System.IO.Compression;

namespace Streaming.Images;

/// <summary>A small picture to test with, drawn and packed here: a band of colour above lines that look like writing.</summary>
public static class SampleImage
{
    const int Width = 256;
    const int Height = 192;
    const int LineHeight = 16;

    /// <summary>As a PNG.</summary>
    public static byte[] Png()
    {
        var packed = new MemoryStream();
        using (var zlib = new ZLibStream(packed, CompressionLevel.Fastest, leaveOpen: true))
        {
            var row = new byte[1 + 3 * Width];
            for (var y = 0; y < Height; y++)
            {
                for (var x = 0; x < Width; x++)
                    Color(x, y).CopyTo(row.AsSpan(1 + 3 * x));
                zlib.Write(row);
            }
        }

        var file = new MemoryStream();
        file.Write(PngFile.Signature);
        Span<byte> header = stackalloc byte[13];
        BinaryPrimitives.WriteInt32BigEndian(header, Width);
        BinaryPrimitives.WriteInt32BigEndian(header[4..], Height);
        (header[8], header[9]) = (8, 2);
        Chunk(file, "IHDR"u8, header);
        Chunk(file, "IDAT"u8, packed.ToArray());
        Chunk(file, "IEND"u8, []);
        return file.ToArray();
    }

    static byte[] Color(int x, int y)
    {
        if (y < Height / 3)
            return [(byte)(40 + x / 8), (byte)(110 + y / 2), 190];
        var isLine = y % LineHeight is >= 4 and < 12 && x is >= 16 and < Width - 16;
        // As wide as strokes, and not all alike.
        return isLine && (x * 7 + y / LineHeight * 5) % 11 < 5 ? [35, 35, 40] : [245, 244, 240];
    }

    static void Chunk(MemoryStream file, ReadOnlySpan<byte> type, ReadOnlySpan<byte> data)
    {
        byte[] named = [.. type, .. data];
        Span<byte> number = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(number, data.Length);
        file.Write(number);
        file.Write(named);
        BinaryPrimitives.WriteUInt32BigEndian(number, Crc32(named));
        file.Write(number);
    }

    static uint Crc32(byte[] data)
    {
        var crc = uint.MaxValue;
        foreach (var value in data)
        {
            crc ^= value;
            for (var bit = 0; bit < 8; bit++)
                crc = (crc & 1) == 0 ? crc >> 1 : (crc >> 1) ^ 0xEDB88320;
        }

        return ~crc;
    }
}
