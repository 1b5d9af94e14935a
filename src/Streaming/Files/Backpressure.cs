namespace Streaming.Files;

/// <summary>How much all streams of files are held back, by a score of 0 to 100.</summary>
public enum BackpressureLevel { None, Light, Moderate, Heavy, Critical }

/// <summary>The score, its levels, and what each of them means. Pure.</summary>
public static class Backpressure
{
    // Points by which the score must fall below a level before the level falls: at its edge it would flap.
    const int Hysteresis = 5;

    static readonly TimeSpan SlowChunk = TimeSpan.FromMilliseconds(200);

    /// <summary>Memory 0-40, streams at once 0-30, processing time 0-30.</summary>
    /// <param name="memoryLoad">40 points at the load of an emergency.</param>
    /// <param name="streams">Streams at once; 30 points for <paramref name="streamsMax"/>.</param>
    /// <param name="streamsMax">As many as there may be.</param>
    /// <param name="processing">What a chunk takes to be read or written, without the wait for a client; 30 points for 200 ms.</param>
    public static int Score(double memoryLoad, int streams, int streamsMax, TimeSpan processing) =>
        Part(40, memoryLoad / MemorySample.EmergencyLoad) + Part(30, (double)streams / streamsMax) + Part(30, processing / SlowChunk);

    public static BackpressureLevel LevelOf(int score) => score switch
    {
        >= 80 => BackpressureLevel.Critical,
        >= 60 => BackpressureLevel.Heavy,
        >= 40 => BackpressureLevel.Moderate,
        >= 20 => BackpressureLevel.Light,
        _ => BackpressureLevel.None,
    };

    /// <summary>The level after <paramref name="current"/>: rises at once, falls when the score is clearly below.</summary>
    public static BackpressureLevel Next(BackpressureLevel current, int score) =>
        (BackpressureLevel)Math.Max((int)LevelOf(score), Math.Min((int)current, (int)LevelOf(score + Hysteresis)));

    /// <summary>Share by which a stream is slowed; 1 is a pause.</summary>
    public static double Slowdown(BackpressureLevel level) => level switch
    {
        BackpressureLevel.None => 0,
        BackpressureLevel.Light => 0.20,
        BackpressureLevel.Moderate => 0.50,
        BackpressureLevel.Heavy => 0.75,
        _ => 1,
    };

    /// <summary>Streams that may be under way for another one to begin; those that are go on.</summary>
    public static int StreamsMax(BackpressureLevel level, int streamsMax) => level switch
    {
        BackpressureLevel.None => streamsMax,
        BackpressureLevel.Light => Math.Min(6, streamsMax),
        BackpressureLevel.Moderate => Math.Min(3, streamsMax),
        BackpressureLevel.Heavy => 1,
        _ => 0,
    };

    // The tolerance keeps 20 % of 30 from being 5.
    static int Part(int points, double share) => (int)(points * Math.Clamp(share, 0, 1) + 1e-9);
}
