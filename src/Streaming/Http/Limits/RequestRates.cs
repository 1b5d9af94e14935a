using System.Globalization;
using System.Threading.RateLimiting;
using Microsoft.AspNetCore.RateLimiting;
using Microsoft.Extensions.Options;
using Streaming.Configuration;

namespace Streaming.Http.Limits;

/// <summary>
/// How often each user may ask: a token bucket of <c>Limits:RequestBurst</c>, filled with <c>Limits:RequestsPerSecond</c>. The
/// framework's limiter refuses requests with it. Streams and WebSockets, whose answer is not a 429, are not seen by that
/// (DisableRateLimiting) and ask here. A bucket that is full again is dropped.
/// </summary>
public sealed class RequestRates(UserLimits users, IOptions<LimitOptions> limits) : IConfigureOptions<RateLimiterOptions>, IDisposable
{
    // Who is not signed in (yet).
    const string Unlimited = "";

    readonly PartitionedRateLimiter<string> _byUser = PartitionedRateLimiter.Create<string, string>(user =>
        user == Unlimited || users.RequestsPerSecond is not { } rate
            ? RateLimitPartition.GetNoLimiter(Unlimited)
            : RateLimitPartition.GetTokenBucketLimiter(user, _ => Bucket(rate, limits.Value.RequestBurst)));

    /// <summary>Whether the user may go on with a request that the framework's limiter lets through.</summary>
    public bool TryAcquire(string user)
    {
        using var lease = _byUser.AttemptAcquire(user);
        return lease.IsAcquired;
    }

    public void Configure(RateLimiterOptions options)
    {
        options.GlobalLimiter = _byUser.WithTranslatedKey<HttpContext>(
            http => http.User.Identity?.Name ?? Unlimited, leaveOpen: true);
        options.OnRejected = static async (context, _) =>
        {
            var wait = context.Lease.TryGetMetadata(MetadataName.RetryAfter, out var time) ? time : TimeSpan.Zero;
            var http = context.HttpContext;
            http.Response.Headers.RetryAfter = Math.Max(1, Math.Ceiling(wait.TotalSeconds)).ToString(CultureInfo.InvariantCulture);
            await Problems.TooManyRequests.Problem("See Limits:RequestsPerSecond.").ExecuteAsync(http);
        };
    }

    public void Dispose() => _byUser.Dispose();

    static TokenBucketRateLimiterOptions Bucket(double perSecond, int burst)
    {
        // Whole tokens: 2.5 a second are 3 in 1.2 s, 0.5 are 1 in 2 s.
        var tokens = Math.Ceiling(perSecond);
        return new TokenBucketRateLimiterOptions
        {
            TokenLimit = burst,
            TokensPerPeriod = (int)tokens,
            ReplenishmentPeriod = TimeSpan.FromSeconds(tokens / perSecond),
        };
    }
}
