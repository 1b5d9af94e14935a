using System.Globalization;
using Xunit;

namespace Streaming.FaultTests;

/// <summary>
/// How much is tried. Short, with a fixed seed: what every <c>dotnet test</c> runs. Long, with a random seed:
/// <c>STREAMING_FAULTS=long dotnet test tests/Streaming.FaultTests</c>. <c>STREAMING_FAULT_SEED</c> repeats a run.
/// <c>STREAMING_FAULTS=soak</c> makes <see cref="SoakTests"/> as long as they are meant to be.
/// </summary>
public static class Faults
{
    const int ShortSeed = 20_240_611;

    public static bool IsLong { get; } = Environment.GetEnvironmentVariable("STREAMING_FAULTS") == "long";

    public static bool IsSoak { get; } = Environment.GetEnvironmentVariable("STREAMING_FAULTS") == "soak";

    /// <summary>The same for every test of a run, so that one number repeats it.</summary>
    public static int Seed { get; } = Environment.GetEnvironmentVariable("STREAMING_FAULT_SEED") is { Length: > 0 } seed
        ? int.Parse(seed, CultureInfo.InvariantCulture)
        : IsLong || IsSoak ? Environment.TickCount : ShortSeed;

    /// <summary>The number for the form that runs.</summary>
    public static T Pick<T>(T shortForm, T longForm) => IsLong ? longForm : shortForm;

    /// <summary>Random numbers of one user of them within a test; prints the seed.</summary>
    public static Random Random(int stream = 0)
    {
        if (stream == 0)
            Say($"seed {Seed}, {(IsLong ? "long" : "short")} form");
        return new Random(unchecked(Seed + stream * 7919));
    }

    public static TimeSpan NextTimeSpan(this Random random, TimeSpan min, TimeSpan max) => min + (max - min) * random.NextDouble();

    /// <summary>A line in the output of the test.</summary>
    public static void Say(string line) => TestContext.Current.TestOutputHelper?.WriteLine(line);
}
