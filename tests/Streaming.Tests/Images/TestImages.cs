using System.Buffers.Binary;
using System.Diagnostics;
using System.Globalization;
using System.IO.Compression;
using System.Text;

namespace Streaming.Tests.Images;

/// <summary>Images to test with: real ones, made by vips, and hostile ones, made byte by byte.</summary>
public static class TestImages
{
    /// <summary>Whether real ones can be made here.</summary>
    public static bool CanMake { get; } = File.Exists("/usr/bin/vips");

    /// <summary>
    /// Something that an encoder treats like a photograph: noise of three scales for shapes and texture, a gradient of light, and the noise of a
    /// sensor.
    /// </summary>
    /// <param name="width">In pixels.</param>
    /// <param name="height">In pixels.</param>
    /// <param name="suffix">File name suffix, with options of the encoder: <c>.jpg[Q=90]</c>.</param>
    /// <param name="sensorNoise">Standard deviation of the sensor's noise, of 255.</param>
    /// <param name="detail">Share of the finest shapes.</param>
    public static async Task<byte[]> PhotoAsync(int width, int height, string suffix, double sensorNoise = 0.5, double detail = 0.15)
    {
        var folder = Directory.CreateTempSubdirectory("streaming-photo-").FullName;
        try
        {
            string[] size = [Text(width), Text(height)];
            await VipsAsync("perlin", "shapes.v", size[0], size[1], "--cell-size", Text(Math.Max(2, width / 8)), "--seed", "1", "--uchar");
            await VipsAsync("perlin", "texture.v", size[0], size[1], "--cell-size", Text(Math.Max(2, width / 48)), "--seed", "2", "--uchar");
            await VipsAsync("perlin", "detail.v", size[0], size[1], "--cell-size", Text(Math.Max(2, width / 200)), "--seed", "3", "--uchar");
            await VipsAsync("gaussnoise", "noise.v", size[0], size[1], "--mean", "0", "--sigma", sensorNoise.ToString(CultureInfo.InvariantCulture), "--seed", "4");
            await VipsAsync("grey", "light.v", size[0], size[1]);
            await VipsAsync("linear", "shapes.v", "a.v", "0.5", "10");
            await VipsAsync("linear", "texture.v", "b.v", "0.3", "0");
            await VipsAsync("linear", "detail.v", "c.v", detail.ToString(CultureInfo.InvariantCulture), "0");
            await VipsAsync("linear", "light.v", "d.v", "40", "0");
            await VipsAsync("add", "a.v", "b.v", "ab.v");
            await VipsAsync("add", "c.v", "d.v", "cd.v");
            await VipsAsync("add", "ab.v", "cd.v", "abcd.v");
            await VipsAsync("add", "abcd.v", "noise.v", "green.v");
            await VipsAsync("linear", "green.v", "red.v", "0.9", "20");
            await VipsAsync("rot", "b.v", "turned.v", "d180");
            await VipsAsync("add", "green.v", "turned.v", "mixed.v");
            await VipsAsync("linear", "mixed.v", "blue.v", "0.7", "0");
            await VipsAsync("bandjoin", "red.v green.v blue.v", "rgb.v");
            await VipsAsync("cast", "rgb.v", "bytes.v", "uchar");
            await VipsAsync("copy", "bytes.v", "photo.v", "--interpretation", "srgb");
            await VipsAsync("copy", "photo.v", $"photo{suffix}");
            return await File.ReadAllBytesAsync(Path.Combine(folder, $"photo{suffix.Split('[')[0]}"));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }

        Task VipsAsync(params string[] arguments) => RunAsync(folder, "vips", arguments);
    }

    /// <summary>The screen of a phone that shows a conversation, as a PNG, by rsvg-convert.</summary>
    public static async Task<byte[]> ScreenshotAsync()
    {
        string[] lines = ["Hey! Are we still on for tonight?", "I was thinking of that little place by", "the river, the one with the lanterns.", "Let me know, otherwise I will book", "for tomorrow."];
        var svg = new StringBuilder("<svg xmlns='http://www.w3.org/2000/svg' width='1080' height='2340'><rect width='1080' height='2340' fill='#f2f2f7'/>");
        for (var bubble = 0; bubble < 5; bubble++)
        {
            var top = 100 + 440 * bubble;
            svg.Append(CultureInfo.InvariantCulture, $"<rect x='40' y='{top}' width='880' height='380' rx='40' fill='{(bubble % 2 == 0 ? "#ffffff" : "#0b84ff")}'/>");
            for (var line = 0; line < lines.Length; line++)
                svg.Append(CultureInfo.InvariantCulture, $"<text x='80' y='{top + 80 + 60 * line}' font-size='40' font-family='DejaVu Sans, sans-serif' fill='{(bubble % 2 == 0 ? "#111111" : "#ffffff")}'>{lines[line]}</text>");
        }

        var folder = Directory.CreateTempSubdirectory("streaming-screen-").FullName;
        try
        {
            await File.WriteAllTextAsync(Path.Combine(folder, "screen.svg"), svg.Append("</svg>").ToString());
            await RunAsync(folder, "rsvg-convert", ["screen.svg", "-o", "screen.png"]);
            return await File.ReadAllBytesAsync(Path.Combine(folder, "screen.png"));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>An image in another form, by vips itself; <paramref name="suffix"/> as of <see cref="PhotoAsync"/>.</summary>
    public static async Task<byte[]> ConvertAsync(byte[] image, string suffix, params string[] operation)
    {
        var folder = Directory.CreateTempSubdirectory("streaming-photo-").FullName;
        try
        {
            await File.WriteAllBytesAsync(Path.Combine(folder, "in"), image);
            await RunAsync(folder, "vips", operation.Length == 0 ? ["copy", "in", $"out{suffix}"] : [operation[0], "in", $"out{suffix}", .. operation[1..]]);
            return await File.ReadAllBytesAsync(Path.Combine(folder, $"out{suffix.Split('[')[0]}"));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>A field of an image as vips reads it, such as <c>width</c>, <c>vips-loader</c> or <c>exif-data</c>; null if it has none.</summary>
    public static async Task<string?> FieldAsync(byte[] image, string field)
    {
        var file = Path.GetTempFileName();
        try
        {
            await File.WriteAllBytesAsync(file, image);
            using var process = Process.Start(new ProcessStartInfo("vipsheader", ["-f", field, file]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
            var output = await process.StandardOutput.ReadToEndAsync();
            await process.WaitForExitAsync();
            return process.ExitCode == 0 ? output.Trim() : null;
        }
        finally
        {
            File.Delete(file);
        }
    }

    static async Task RunAsync(string folder, string program, string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { WorkingDirectory = folder, RedirectStandardError = true })!;
        var error = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        if (process.ExitCode != 0)
            throw new InvalidOperationException($"{program} {string.Join(' ', arguments)}: {error}");
    }

    /// <summary>The parts of a JPEG that are read without a decoder; its data are nonsense.</summary>
    public static byte[] Jpeg(int width, int height, int scans = 1, byte[]? comment = null, byte bits = 8)
    {
        List<byte> file = [0xFF, 0xD8];
        Segment(0xE0, [.. "JFIF\0"u8, 1, 1, 0, 0, 1, 0, 1, 0, 0]);
        if (comment is not null)
            Segment(0xFE, comment);
        Segment(0xC0, [bits, (byte)(height >> 8), (byte)height, (byte)(width >> 8), (byte)width, 1, 1, 0x11, 0]);
        for (var scan = 0; scan < scans; scan++)
        {
            Segment(0xDA, [1, 1, 0, 0, 63, 0]);
            // A stuffed byte and a restart marker are part of the data.
            file.AddRange([0x12, 0xFF, 0x00, 0x34, 0xFF, 0xD0, 0x56]);
        }

        return [.. file, 0xFF, 0xD9];

        void Segment(byte marker, byte[] data) => file.AddRange([0xFF, marker, (byte)((data.Length + 2) >> 8), (byte)(data.Length + 2), .. data]);
    }

    /// <summary>A real PNG of one colour, of 8 bits and one band: its data are as small as can be.</summary>
    public static byte[] Png(int width, int height, params (string Type, byte[] Data)[] more)
    {
        var packed = new MemoryStream();
        using (var zlib = new ZLibStream(packed, CompressionLevel.Optimal, leaveOpen: true))
            for (var y = 0; y < height; y++)
                zlib.Write(new byte[1 + width]);
        List<byte> file = [0x89, (byte)'P', (byte)'N', (byte)'G', 0x0D, 0x0A, 0x1A, 0x0A];
        Chunk("IHDR", [.. BigEndian(width), .. BigEndian(height), 8, 0, 0, 0, 0]);
        foreach (var (type, data) in more)
            Chunk(type, data);
        Chunk("IDAT", packed.ToArray());
        Chunk("IEND", []);
        return [.. file];

        void Chunk(string type, byte[] data)
        {
            byte[] named = [.. Encoding.ASCII.GetBytes(type), .. data];
            file.AddRange([.. BigEndian(data.Length), .. named, .. BigEndian((int)Crc32(named))]);
        }
    }

    /// <summary>A WebP of the chunks that are given.</summary>
    public static byte[] WebP(params (string Type, byte[] Data)[] chunks)
    {
        byte[] body = [.. "WEBP"u8, .. chunks.SelectMany(chunk => (byte[])[
            .. Encoding.ASCII.GetBytes(chunk.Type), .. LittleEndian(chunk.Data.Length), .. chunk.Data, .. new byte[chunk.Data.Length % 2]])];
        return [.. "RIFF"u8, .. LittleEndian(body.Length), .. body];
    }

    /// <summary>Data of a chunk <c>VP8 </c>.</summary>
    public static byte[] Vp8(int width, int height) => [0, 0, 0, 0x9D, 0x01, 0x2A, (byte)width, (byte)(width >> 8), (byte)height, (byte)(height >> 8), 0, 0];

    /// <summary>Data of a chunk <c>VP8L</c>.</summary>
    public static byte[] Vp8L(int width, int height) => [0x2F, .. LittleEndian((width - 1) | ((height - 1) << 14)), 0];

    /// <summary>Data of a chunk <c>VP8X</c>.</summary>
    public static byte[] Vp8X(int width, int height, byte flags = 0) =>
        [flags, 0, 0, 0, .. LittleEndian(width - 1)[..3], .. LittleEndian(height - 1)[..3]];

    /// <summary>A HEIC or AVIF that says its sizes, and has no pictures.</summary>
    public static byte[] IsoMedia(string brand, params (int Width, int Height)[] sizes) =>
    [
        .. Box("ftyp", [.. Encoding.ASCII.GetBytes(brand), 0, 0, 0, 0, .. "mif1"u8, .. Encoding.ASCII.GetBytes(brand)]),
        .. Box("meta", [0, 0, 0, 0, .. Box("iprp", Box("ipco", [.. sizes.SelectMany(size => Box("ispe", [0, 0, 0, 0, .. BigEndian(size.Width), .. BigEndian(size.Height)]))]))]),
        .. Box("mdat", new byte[100]),
    ];

    public static byte[] Box(string type, byte[] data) => [.. BigEndian(8 + data.Length), .. Encoding.ASCII.GetBytes(type), .. data];

    /// <summary>A zip with one file in it.</summary>
    public static byte[] Zip()
    {
        var stream = new MemoryStream();
        using (var zip = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true))
        using (var file = zip.CreateEntry("evil.class").Open())
            file.Write("evil"u8);
        return stream.ToArray();
    }

    static byte[] BigEndian(int value)
    {
        var bytes = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(bytes, value);
        return bytes;
    }

    static byte[] LittleEndian(int value)
    {
        var bytes = new byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, value);
        return bytes;
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

    static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
