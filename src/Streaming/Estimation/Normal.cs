namespace Streaming.Estimation;

/// <summary>The standard normal distribution by its upper tail, exact to about nine digits even where the tail is tiny.</summary>
static class Normal
{
    // Below it exp(-z²/2) is no longer a normal number.
    const double TailMin = 1e-300;
    const double SqrtTwoPi = 2.5066282746310002;

    /// <summary>Probability of more than <paramref name="z"/>.</summary>
    public static double UpperTail(double z)
    {
        if (z < 0)
            return 1 - UpperTail(-z);
        if (z > 37)
            return TailMin;
        if (z > 3)
        {
            // Mills' ratio as a continued fraction (Laplace).
            var ratio = z;
            for (var k = 24; k > 0; k--)
                ratio = z + k / ratio;
            return Density(z) / ratio;
        }

        // Marsaglia 2004, "Evaluating the normal distribution": sum of z^(2k+1) / (1·3·5…(2k+1)).
        var (sum, term) = (z, z);
        for (var k = 3; term > 1e-12 * sum; k += 2)
            sum += term *= z * z / k;
        return 0.5 - sum * Density(z);
    }

    /// <summary>The value that is exceeded with probability <paramref name="tail"/>, 0-1.</summary>
    public static double FromUpperTail(double tail)
    {
        if (tail > 0.5)
            return -FromUpperTail(1 - tail);
        tail = Math.Max(tail, TailMin);
        // Abramowitz and Stegun 26.2.23 (error below 4.5e-4), then one step of Halley's method.
        var t = Math.Sqrt(-2 * Math.Log(tail));
        var z = t - (2.515517 + t * (0.802853 + t * 0.010328)) / (1 + t * (1.432788 + t * (0.189269 + t * 0.001308)));
        var step = (UpperTail(z) - tail) / Density(z);
        return z + step / (1 - step * z / 2);
    }

    public static double Density(double z) => Math.Exp(-z * z / 2) / SqrtTwoPi;
}
