using System.Diagnostics;

namespace Streaming.IntegrationTests.Fixtures;

/// <summary>Waits for an observable effect, with a deadline.</summary>
public static class Eventually
{
    static readonly TimeSpan Deadline = TimeSpan.FromSeconds(20);
    static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(10);

    /// <exception cref="TimeoutException">It did not come true in 20 s.</exception>
    public static async Task TrueAsync(Func<Task<bool>> condition, string what)
    {
        var watch = Stopwatch.StartNew();
        while (!await condition())
        {
            if (watch.Elapsed > Deadline)
                throw new TimeoutException($"Waited {Deadline.TotalSeconds} s in vain: {what}.");
            await Task.Delay(Interval, TimeProvider.System);
        }
    }
}
