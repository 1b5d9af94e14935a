using Microsoft.Extensions.Options;
using Streaming.Configuration;

namespace Streaming.Images;

/// <summary>What an image is to become.</summary>
/// <param name="Format"><c>webp</c> or <c>jpeg</c>.</param>
/// <param name="EdgePixels">Its longest side at most.</param>
/// <param name="BytesMax">Its size at most; null: a share of the original's, <c>Images:SizeRatio</c>, if that can be had.</param>
public sealed record ImageGoal(string Format, int EdgePixels, int? BytesMax);

/// <summary>An image that was made smaller, or the original.</summary>
/// <param name="Content">The file.</param>
/// <param name="MediaType">Of the file.</param>
/// <param name="Width">In pixels.</param>
/// <param name="Height">In pixels.</param>
/// <param name="Strategy">One of <see cref="ImageStrategies"/>.</param>
/// <param name="Quality">What it was encoded with; null for an original.</param>
/// <param name="Similarity">To its pixels before it was encoded, see <see cref="Images.Similarity"/>; null for an original.</param>
/// <param name="Encodes">How often it was encoded until it was right.</param>
public sealed record OptimizedImage(
    ReadOnlyMemory<byte> Content, string MediaType, int Width, int Height, string Strategy, int? Quality, double? Similarity, int Encodes);

/// <summary>What was done to an image.</summary>
public static class ImageStrategies
{
    /// <summary>At the size asked for, with the best quality that the bytes allow.</summary>
    public const string Quality = "quality";

    /// <summary>It was made smaller than asked for, because its quality would have fallen too low.</summary>
    public const string FewerPixels = "fewer_pixels";

    /// <summary>It is the file that came: encoding it anew would not have made it smaller, or there is nothing to do so with.</summary>
    public const string Original = "original";
}

/// <summary>
/// Makes an image smaller: decoded once, then encoded with the best quality that fits, never below <c>Images:QualityMin</c> and
/// <c>Images:SimilarityMin</c>; where nothing fits, with fewer pixels.
/// </summary>
public sealed class ImageOptimizer(Vips vips, IOptions<ImageOptions> options)
{
    // Where similarity asks for more than Images:QualityMax.
    const int QualityCeiling = 95;

    // A file that fills so much of what it may have is not searched for further.
    const double FilledEnough = 0.97;
    const int EncodesPerSizeMax = 6;

    // How much the logarithm of the size grows with a step of quality, until two files have shown it: 60 to 85 doubles the size.
    const double SlopeGuess = 0.03;

    const double EdgeStep = 0.75;

    // A share of the original is a wish: a picture loses no more than two steps for it, and a small one none. A number of bytes is kept.
    const int EdgeMinWish = 640;
    const int EdgeMinAsked = 64;
    const int StepsMaxWish = 2;

    sealed record Candidate(byte[] Content, int Quality);

    sealed record Attempt(Candidate File, double Similarity, bool Fits);

    public bool IsInstalled => vips.IsInstalled;

    /// <param name="original">The file, inspected.</param>
    /// <param name="inspected">What it is.</param>
    /// <param name="goal">What it is to become.</param>
    /// <param name="reportAsync">Told how far it is, 0-1, and what is being done.</param>
    /// <param name="cancellation">Kills the program.</param>
    /// <exception cref="VipsException">The original cannot be decoded within the bounds, or the program fails.</exception>
    public async Task<OptimizedImage> OptimizeAsync(
        ReadOnlyMemory<byte> original, InspectedImage inspected, ImageGoal goal, Func<double, string, Task> reportAsync, CancellationToken cancellation)
    {
        var bytesMax = goal.BytesMax ?? (int)(original.Length * options.Value.SizeRatio);
        await reportAsync(0.05, "Reading the picture");
        var pixels = await vips.DecodeAsync(original, goal.EdgePixels, cancellation);
        OptimizedImage? smallest = null;
        var encodes = 0;
        for (var step = 0; ; step++)
        {
            var luma = Luma.Read(pixels);
            var share = (double)step / (step + 1);
            var attempt = await AttemptAsync(pixels, luma, goal.Format, bytesMax,
                async label =>
                {
                    encodes++;
                    await reportAsync(0.3 + 0.65 * (share + (1 - share) * (1 - 1.0 / (1 + encodes)) / 2), label);
                }, cancellation);
            var similar = attempt.Similarity >= options.Value.SimilarityMin;
            if (similar && (smallest is null || attempt.File.Content.Length < smallest.Content.Length))
                smallest = new OptimizedImage(attempt.File.Content, $"image/{goal.Format}", luma.Width, luma.Height,
                    step == 0 ? ImageStrategies.Quality : ImageStrategies.FewerPixels, attempt.File.Quality, attempt.Similarity, encodes);
            var edge = (int)(Math.Max(luma.Width, luma.Height) * EdgeStep);
            if ((similar && attempt.Fits) || edge < (goal.BytesMax is null ? EdgeMinWish : EdgeMinAsked) || (goal.BytesMax is null && step == StepsMaxWish))
                break;
            pixels = await vips.DecodeAsync(pixels, edge, cancellation);
        }

        return smallest is not null && smallest.Content.Length < original.Length
            ? smallest with { Encodes = encodes }
            : new OptimizedImage(original, inspected.MediaType, inspected.Width, inspected.Height, ImageStrategies.Original, null, null, encodes);
    }

    /// <summary>The best quality that fits at this size; the lowest where none does.</summary>
    async Task<Attempt> AttemptAsync(
        byte[] pixels, Luma luma, string format, int bytesMax, Func<string, Task> reportAsync, CancellationToken cancellation)
    {
        var best = await SearchAsync(
            async quality =>
            {
                await reportAsync($"Trying quality {quality}");
                return await vips.EncodeAsync(pixels, format, quality, cancellation);
            }, options.Value.QualityMin, options.Value.QualityMax, bytesMax);
        var similarity = await SimilarityAsync(best);
        if (similarity >= options.Value.SimilarityMin || best.Quality < options.Value.QualityMax)
            return new Attempt(best, similarity, best.Content.Length <= bytesMax);
        await reportAsync($"Trying quality {QualityCeiling}");
        best = new Candidate(await vips.EncodeAsync(pixels, format, QualityCeiling, cancellation), QualityCeiling);
        return new Attempt(best, await SimilarityAsync(best), best.Content.Length <= bytesMax);

        async Task<double> SimilarityAsync(Candidate candidate) => Similarity.Of(luma, Luma.Read(await vips.DecodeAsync(candidate.Content, cancellation)));
    }

    /// <summary>
    /// Highest quality whose file fits, by secants over the logarithm of the size, which is nearly a line; from the top, because
    /// most fit there at once.
    /// </summary>
    static async Task<Candidate> SearchAsync(Func<int, Task<byte[]>> encodeAsync, int qualityMin, int qualityMax, int bytesMax)
    {
        Candidate? fits = null;
        var tooLarge = new Candidate(await encodeAsync(qualityMax), qualityMax);
        if (tooLarge.Content.Length <= bytesMax)
            return tooLarge;
        var slope = SlopeGuess;
        for (var encodes = 1; encodes < EncodesPerSizeMax && tooLarge.Quality - (fits?.Quality ?? qualityMin - 1) > 1; encodes++)
        {
            var wanted = tooLarge.Quality - Math.Log(tooLarge.Content.Length / (bytesMax * (1 + FilledEnough) / 2)) / slope;
            var quality = (int)Math.Clamp(Math.Floor(wanted), (fits?.Quality ?? qualityMin - 1) + 1, tooLarge.Quality - 1);
            var next = new Candidate(await encodeAsync(quality), quality);
            var measured = Math.Log((double)tooLarge.Content.Length / next.Content.Length) / (tooLarge.Quality - quality);
            if (next.Content.Length > bytesMax)
            {
                tooLarge = next;
            }
            else
            {
                fits = next;
                if (next.Content.Length >= FilledEnough * bytesMax)
                    break;
            }

            slope = measured > 0 ? measured : SlopeGuess;
        }

        return fits ?? tooLarge;
    }
}
