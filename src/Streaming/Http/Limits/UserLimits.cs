using Microsoft.Extensions.Options;
using Streaming.Configuration;

namespace Streaming.Http.Limits;

/// <summary>
/// What one user may ask for, null for no limit. By default there is none in mode <c>none</c>: there everybody is the one
/// user, and has nobody to be protected from.
/// </summary>
public sealed class UserLimits(IOptions<LimitOptions> limits, IOptions<AuthOptions> auth)
{
    const int StreamsMaxDefault = 100;
    const int SessionsInProgressMaxDefault = 100;
    const double RequestsPerSecondDefault = 100;

    readonly bool _hasDefaults = auth.Value.Mode != AuthOptions.None;

    /// <summary>Streams and waiting reads open at once, in this process.</summary>
    public int? StreamsMax => Limit(limits.Value.StreamsPerUserMax, StreamsMaxDefault);

    /// <summary>Sessions queued, running or paused, in the database.</summary>
    public int? SessionsInProgressMax => Limit(limits.Value.SessionsInProgressMax, SessionsInProgressMaxDefault);

    /// <summary>Requests a second in the long run, to this process.</summary>
    public double? RequestsPerSecond => Limit(limits.Value.RequestsPerSecond, RequestsPerSecondDefault);

    T? Limit<T>(T? option, T byDefault) where T : struct => option switch
    {
        null => _hasDefaults ? byDefault : null,
        { } value when value.Equals(default(T)) => null,
        _ => option,
    };
}
