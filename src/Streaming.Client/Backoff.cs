namespace Streaming.Client;

/// <summary>
/// How long to wait before the next connection. After one that brought something: what the service's <c>retry:</c> said, which is jittered
/// already. After each that did not: at random up to twice as long as before (full jitter), never less than <c>retry:</c>, never more than the bound.
/// </summary>
/// <param name="max">The bound.</param>
/// <param name="random">Chance.</param>
public sealed class Backoff(TimeSpan max, Random random)
{
    static readonly TimeSpan RetryDefault = TimeSpan.FromSeconds(2);

    int _failures;

    /// <summary>The service's <c>retry:</c>; 2 s until it has said something.</summary>
    public TimeSpan Retry { get; set; } = RetryDefault;

    /// <summary>A connection has brought something.</summary>
    public void Succeed() => _failures = 0;

    /// <param name="atLeast">A <c>Retry-After</c>, if there was one; it counts beyond the bound.</param>
    public TimeSpan Next(TimeSpan? atLeast = null)
    {
        var reach = Math.Min(max.TotalSeconds, Retry.TotalSeconds * Math.Pow(2, Math.Min(_failures, 16)));
        if (_failures < int.MaxValue)
            _failures++;
        var delay = TimeSpan.FromSeconds(Retry.TotalSeconds + Math.Max(0, reach - Retry.TotalSeconds) * random.NextDouble());
        return atLeast > delay ? atLeast.Value : delay;
    }
}
