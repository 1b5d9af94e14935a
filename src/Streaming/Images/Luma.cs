using System.Buffers.Binary;
using System.IO.Compression;

namespace Streaming.Images;

/// <summary>
/// The luma of a picture, 0-255, row by row; where it is translucent, on white. Read from a PNG of eight bits without filters,
/// the form in which libvips hands pixels over.
/// </summary>
public sealed record Luma(int Width, int Height, byte[] Values, bool HasAlpha)
{
    const int HeaderEnd = 33;

    /// <exception cref="InvalidDataException">The program wrote something else than it was asked to.</exception>
    public static Luma Read(byte[] png)
    {
        if (png.Length < HeaderEnd || !png.AsSpan().StartsWith(PngFile.Signature) || png[24] != 8 || png[28] != 0)
            throw new InvalidDataException("The program wrote no plain PNG.");
        var (width, height) = (BinaryPrimitives.ReadInt32BigEndian(png.AsSpan(16)), BinaryPrimitives.ReadInt32BigEndian(png.AsSpan(20)));
        var bands = png[25] switch { 0 => 1, 2 => 3, 4 => 2, 6 => 4, _ => throw new InvalidDataException("The program wrote a PNG with a palette.") };
        var values = new byte[checked(width * height)];
        var row = new byte[1 + width * bands];
        using var rows = new ZLibStream(new MemoryStream(Data(png)), CompressionMode.Decompress);
        for (var y = 0; y < height; y++)
        {
            rows.ReadExactly(row);
            if (row[0] != 0)
                throw new InvalidDataException("The program wrote a PNG with filters.");
            Convert(row.AsSpan(1), bands, values.AsSpan(y * width, width));
        }

        return new Luma(width, height, values, bands is 2 or 4);
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

    /// <summary>By the weights of ITU-R BT.601, as in a JPEG.</summary>
    static void Convert(ReadOnlySpan<byte> row, int bands, Span<byte> luma)
    {
        if (bands == 1)
        {
            row.CopyTo(luma);
            return;
        }

        for (var x = 0; x < luma.Length; x++)
        {
            var pixel = row.Slice(x * bands, bands);
            var value = bands == 2 ? pixel[0] : (77 * pixel[0] + 150 * pixel[1] + 29 * pixel[2] + 128) >> 8;
            if (bands is 2 or 4)
                value = (value * pixel[bands - 1] + 255 * (255 - pixel[bands - 1]) + 127) / 255;
            luma[x] = (byte)value;
        }
    }
}
