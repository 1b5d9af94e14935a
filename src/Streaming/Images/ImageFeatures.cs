namespace Streaming.Images;

/// <summary>A colour that a picture has much of.</summary>
/// <param name="Hex"><c>#rrggbb</c>, the mean of its pixels.</param>
/// <param name="Name">The nearest of sixteen names.</param>
/// <param name="Share">Of the picture, 0-1.</param>
public sealed record DominantColor(string Hex, string Name, double Share);

/// <summary>What can be measured of a picture without understanding it.</summary>
/// <param name="Width">In pixels, of the file.</param>
/// <param name="Height">In pixels, of the file.</param>
/// <param name="Source"><c>pixels</c>, or <c>header</c>: nothing but the size is known, because there is no decoder.</param>
/// <param name="Brightness">Mean of the luma, 0-1.</param>
/// <param name="Contrast">Standard deviation of the luma, as a share of the most that can be, 0-1.</param>
/// <param name="Saturation">Mean distance between the largest and the smallest of red, green and blue, 0-1.</param>
/// <param name="EdgeDensity">Share of pixels at which the luma changes steeply, 0-1.</param>
/// <param name="TextShare">Share of the picture that looks like lines of writing, 0-1.</param>
/// <param name="Colors">Those that make up a twentieth of it or more, most first, five at most.</param>
public sealed record ImageFeatures(
    int Width, int Height, string Source, double? Brightness = null, double? Contrast = null, double? Saturation = null, double? EdgeDensity = null,
    double? TextShare = null, IReadOnlyList<DominantColor>? Colors = null)
{
    public const string FromPixels = "pixels";
    public const string FromHeader = "header";

    const int ColorsMax = 5;
    const double ColorShareMin = 0.05;

    // Steps of the luma, of 255, over two pixels: the first of shapes, the second of ink on paper.
    const int EdgeStep = 32;
    const int InkStep = 40;

    // A cell is as high as a line of writing on a phone's screen, in a picture of 512 pixels. In it, writing crosses from paper to ink and back
    // every few pixels, and most of it is paper, of nearly one luma. Of 512 pixels of a screenshot a third is like that, of photographs of
    // printed circuits 4 %, of others less than 1 %.
    const int CellPixels = 16;
    const double CrossingsPerRowMin = 2;
    const double CrossingsPerRowMax = 10;
    const double PaperShareMin = 0.65;
    const int PaperLevels = 5;
    const int LevelStep = 8;

    static readonly (string Name, int Red, int Green, int Blue)[] Names =
    [
        ("black", 20, 20, 22), ("dark grey", 75, 77, 82), ("grey", 135, 137, 142), ("light grey", 205, 207, 210), ("white", 248, 248, 246), ("red", 200, 45, 45),
        ("orange", 232, 125, 45), ("yellow", 238, 205, 65), ("green", 60, 150, 75), ("dark green", 30, 75, 45), ("turquoise", 45, 165, 165), ("blue", 50, 105, 205),
        ("dark blue", 25, 40, 90), ("purple", 115, 65, 165), ("pink", 230, 135, 175), ("brown", 115, 78, 48),
    ];

    /// <summary>Measures decoded pixels.</summary>
    /// <param name="png">As <see cref="Vips"/> decodes, some hundred pixels wide: what is measured goes by that scale.</param>
    /// <param name="width">Of the file.</param>
    /// <param name="height">Of the file.</param>
    /// <exception cref="InvalidDataException">It is no PNG of that form.</exception>
    public static ImageFeatures Measure(byte[] png, int width, int height)
    {
        var luma = Luma.Read(png);
        var (saturation, colors) = ColorsOf(png, luma);
        double sum = 0, squares = 0;
        foreach (var value in luma.Values)
        {
            sum += value;
            squares += value * value;
        }

        var mean = sum / luma.Values.Length;
        return new ImageFeatures(width, height, FromPixels,
            Rounded(mean / 255), Rounded(Math.Sqrt(Math.Max(0, squares / luma.Values.Length - mean * mean)) / 127.5), Rounded(saturation),
            Rounded(EdgesOf(luma)), Rounded(TextOf(luma)), colors);
    }

    static (double Saturation, List<DominantColor> Colors) ColorsOf(byte[] png, Luma luma)
    {
        var bands = PlainPng.ReadHeader(png).Bands;
        // Eight steps of each: a colour and its shades are one, two neighbours are not.
        var buckets = new Dictionary<int, (int Count, long Red, long Green, long Blue)>();
        double saturation = 0;
        PlainPng.ReadRows(png, (_, row) =>
        {
            for (var x = 0; x < luma.Width; x++)
            {
                var pixel = row.Slice(x * bands, bands);
                var (red, green, blue) = bands < 3 ? (pixel[0], pixel[0], pixel[0]) : (pixel[0], pixel[1], pixel[2]);
                saturation += Math.Max(red, Math.Max(green, blue)) - Math.Min(red, Math.Min(green, blue));
                var key = (red >> 5 << 6) | (green >> 5 << 3) | (blue >> 5);
                var bucket = buckets.GetValueOrDefault(key);
                buckets[key] = (bucket.Count + 1, bucket.Red + red, bucket.Green + green, bucket.Blue + blue);
            }
        });
        var pixels = (double)luma.Values.Length;
        // Shades that have the same name are told as one.
        var colors = buckets.Values.Select(bucket => (bucket.Count, Red: (int)(bucket.Red / bucket.Count), Green: (int)(bucket.Green / bucket.Count), Blue: (int)(bucket.Blue / bucket.Count)))
            .GroupBy(color => NameOf(color.Red, color.Green, color.Blue))
            .Select(shades => (Name: shades.Key, Count: shades.Sum(shade => shade.Count), Most: shades.MaxBy(shade => shade.Count)))
            .Where(color => color.Count >= ColorShareMin * pixels).OrderByDescending(color => color.Count).Take(ColorsMax)
            .Select(color => new DominantColor($"#{color.Most.Red:x2}{color.Most.Green:x2}{color.Most.Blue:x2}", color.Name, Rounded(color.Count / pixels)));
        return (saturation / pixels / 255, [.. colors]);
    }

    static string NameOf(int red, int green, int blue) => Names.MinBy(name =>
        2 * (name.Red - red) * (name.Red - red) + 4 * (name.Green - green) * (name.Green - green) + 3 * (name.Blue - blue) * (name.Blue - blue)).Name;

    static double EdgesOf(Luma luma)
    {
        var edges = 0;
        for (var y = 1; y < luma.Height - 1; y++)
            for (var x = 1; x < luma.Width - 1; x++)
            {
                var at = y * luma.Width + x;
                if (Math.Abs(luma.Values[at + 1] - luma.Values[at - 1]) + Math.Abs(luma.Values[at + luma.Width] - luma.Values[at - luma.Width]) >= EdgeStep)
                    edges++;
            }

        return (double)edges / luma.Values.Length;
    }

    static double TextOf(Luma luma)
    {
        var (cells, written) = (0, 0);
        for (var top = 0; top + CellPixels <= luma.Height; top += CellPixels)
            for (var left = 0; left + CellPixels <= luma.Width; left += CellPixels)
            {
                cells++;
                if (IsWritten(luma, left, top))
                    written++;
            }

        return cells == 0 ? 0 : (double)written / cells;
    }

    /// <summary>Whether many rows of a cell go between two levels again and again: noise has more of that, shapes have less.</summary>
    static bool IsWritten(Luma luma, int left, int top)
    {
        var (crossings, rows) = (0, 0);
        Span<int> levels = stackalloc int[256 / LevelStep];
        for (var y = top; y < top + CellPixels; y++)
        {
            var (inRow, direction) = (0, 0);
            for (var x = left; x < left + CellPixels; x++)
                levels[luma.Values[y * luma.Width + x] / LevelStep]++;
            for (var x = left + 1; x < left + CellPixels; x++)
            {
                var step = luma.Values[y * luma.Width + x] - luma.Values[y * luma.Width + x - 1];
                if (Math.Abs(step) < InkStep || Math.Sign(step) == direction)
                    continue;
                direction = Math.Sign(step);
                inRow++;
            }

            if (inRow > 0)
                rows++;
            crossings += inRow;
        }

        // Between two lines of writing there is paper.
        return rows is >= CellPixels / 4 and < CellPixels && (double)crossings / rows is >= CrossingsPerRowMin and <= CrossingsPerRowMax && HasPaper(levels);
    }

    static bool HasPaper(ReadOnlySpan<int> levels)
    {
        var most = 0;
        for (var level = 1; level < levels.Length; level++)
            if (levels[level] > levels[most])
                most = level;
        var paper = 0;
        for (var level = Math.Max(0, most - PaperLevels / 2); level <= Math.Min(levels.Length - 1, most + PaperLevels / 2); level++)
            paper += levels[level];
        return paper >= PaperShareMin * CellPixels * CellPixels;
    }

    static double Rounded(double share) => Math.Round(share, 3);
}
