using System.Diagnostics;

namespace Streaming.IntegrationTests.Fixtures;

/// <summary>Waits for an observable effect, with a deadline.</summary>
public static class Eventually
{
    static readonly TimeSpan Deadline = TimeSpan.FromSeconds(20);
    static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(10);

    /// <exception cref="TimeoutException">It did not come true in time.</exception>
    /// <param name="condition">Asked every 10 ms.</param>
    /// <param name="what">What is waited for.</param>
    /// <param name="deadline">Default 20 s.</param>
    public static async Task TrueAsync(Func<Task<bool>> condition, string what, TimeSpan? deadline = null)
    {
        var limit = deadline ?? Deadline;
        var watch = Stopwatch.StartNew();
        while (!await condition())
        {
            if (watch.Elapsed > limit)
                throw new TimeoutException($"Waited {limit.TotalSeconds} s in vain: {what}.");
            await Task.Delay(Interval, TimeProvider.System);
        }
    }
}
