namespace Streaming.Images;

/// <summary>
/// The luma of a picture, 0-255, row by row; where it is translucent, on white. Read from a PNG of eight bits without filters,
/// the form in which libvips hands pixels over.
/// </summary>
public sealed record Luma(int Width, int Height, byte[] Values, bool HasAlpha)
{
    /// <exception cref="InvalidDataException">The program wrote something else than it was asked to.</exception>
    public static Luma Read(byte[] png)
    {
        var (width, height, bands) = PlainPng.ReadHeader(png);
        var values = new byte[checked(width * height)];
        PlainPng.ReadRows(png, (y, row) => Convert(row, bands, values.AsSpan(y * width, width)));
        return new Luma(width, height, values, bands is 2 or 4);
    }

    /// <summary>Of a colour, by the weights of ITU-R BT.601, as in a JPEG.</summary>
    public static int Of(int red, int green, int blue) => (77 * red + 150 * green + 29 * blue + 128) >> 8;

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
            var value = bands == 2 ? pixel[0] : Of(pixel[0], pixel[1], pixel[2]);
            if (bands is 2 or 4)
                value = (value * pixel[bands - 1] + 255 * (255 - pixel[bands - 1]) + 127) / 255;
            luma[x] = (byte)value;
        }
    }
}
