using System.Buffers.Binary;
using System.IO.Compression;

namespace Streaming.Images;

/// <summary>A PNG of eight bits without filters or palette: the form in which libvips hands pixels over. Read row by row.</summary>
static class PlainPng
{
    const int HeaderEnd = 33;

    /// <summary>Takes row <paramref name="y"/>, its bands interleaved.</summary>
    public delegate void RowReader(int y, ReadOnlySpan<byte> row);

    /// <summary>Size and bands (1 grey, 2 grey and alpha, 3 red, green and blue, 4 with alpha).</summary>
    /// <exception cref="InvalidDataException">The program wrote something else than it was asked to.</exception>
    public static (int Width, int Height, int Bands) ReadHeader(byte[] png)
    {
        if (png.Length < HeaderEnd || !png.AsSpan().StartsWith(PngFile.Signature) || png[24] != 8 || png[28] != 0)
            throw new InvalidDataException("The program wrote no plain PNG.");
        var bands = png[25] switch { 0 => 1, 2 => 3, 4 => 2, 6 => 4, _ => throw new InvalidDataException("The program wrote a PNG with a palette.") };
        return (BinaryPrimitives.ReadInt32BigEndian(png.AsSpan(16)), BinaryPrimitives.ReadInt32BigEndian(png.AsSpan(20)), bands);
    }

    /// <exception cref="InvalidDataException">The program wrote something else than it was asked to.</exception>
    public static void ReadRows(byte[] png, RowReader read)
    {
        var (width, height, bands) = ReadHeader(png);
        var row = new byte[1 + width * bands];
        using var rows = new ZLibStream(new MemoryStream(Data(png)), CompressionMode.Decompress);
        for (var y = 0; y < height; y++)
        {
            rows.ReadExactly(row);
            if (row[0] != 0)
                throw new InvalidDataException("The program wrote a PNG with filters.");
            read(y, row.AsSpan(1));
        }
    }

    static byte[] Data(byte[] png)
    {
        var data = new MemoryStream(png.Length);
        for (var at = PngFile.Signature.Length; at + 12 <= png.Length;)
        {
            var length = BinaryPrimitives.ReadInt32BigEndian(png.AsSpan(at));
            if (length < 0 || at + 12L + length > png.Length)
                throw new InvalidDataException("The program wrote half of a PNG.");
            if (png.AsSpan(at + 4, 4).SequenceEqual("IDAT"u8))
                data.Write(png, at + 8, length);
            at += 12 + length;
        }

        return data.ToArray();
    }
}
