namespace Streaming.Images;

/// <summary>
/// Mean structural similarity of two pictures of one size (Wang, Bovik, Sheikh, Simoncelli: Image quality assessment, 2004),
/// of their luma, over windows of 8 by 8 pixels, four apart. 1: the same; 0.96 and less is seen side by side.
/// </summary>
public static class Similarity
{
    const int Window = 8;
    const int Step = 4;

    // (0.01 * 255)² and (0.03 * 255)²: keep flat areas from dividing by nothing.
    const double C1 = 6.5025;
    const double C2 = 58.5225;

    /// <exception cref="ArgumentException">They are not of one size.</exception>
    public static double Of(Luma one, Luma other)
    {
        if ((one.Width, one.Height) != (other.Width, other.Height))
            throw new ArgumentException("The pictures have different sizes.", nameof(other));
        var (total, windows) = (0.0, 0);
        // A picture smaller than a window is one window.
        for (var y = 0; y == 0 || y + Window <= one.Height; y += Step)
            for (var x = 0; x == 0 || x + Window <= one.Width; x += Step)
            {
                total += Of(one, other, x, y, Math.Min(Window, one.Width), Math.Min(Window, one.Height));
                windows++;
            }

        return total / windows;
    }

    static double Of(Luma one, Luma other, int left, int top, int width, int height)
    {
        var (a, b, aa, bb, ab) = (0, 0, 0, 0, 0);
        for (var y = top; y < top + height; y++)
        {
            var start = y * one.Width + left;
            var rowA = one.Values.AsSpan(start, width);
            var rowB = other.Values.AsSpan(start, width);
            for (var x = 0; x < rowA.Length; x++)
            {
                int p = rowA[x], q = rowB[x];
                (a, b, aa, bb, ab) = (a + p, b + q, aa + p * p, bb + q * q, ab + p * q);
            }
        }

        double n = width * height;
        var (meanA, meanB) = (a / n, b / n);
        var (varianceA, varianceB, covariance) = (aa / n - meanA * meanA, bb / n - meanB * meanB, ab / n - meanA * meanB);
        return (2 * meanA * meanB + C1) * (2 * covariance + C2) / ((meanA * meanA + meanB * meanB + C1) * (varianceA + varianceB + C2));
    }
}
