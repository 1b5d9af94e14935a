using Microsoft.Extensions.Options;
using Streaming.Configuration;

namespace Streaming.Http.Limits;

/// <summary>
/// Counts the requests that this process holds open, streams and waiting reads: all of them against <c>Limits:StreamsMax</c>,
/// each user's against <c>Limits:StreamsPerUserMax</c>.
/// </summary>
public sealed class OpenStreams(IOptions<LimitOptions> limits, UserLimits users)
{
    readonly int _max = limits.Value.StreamsMax;
    readonly int? _perUserMax = users.StreamsMax;
    readonly Dictionary<string, int> _byUser = [];
    int _count;

    /// <summary>Places that are taken now.</summary>
    public int Count => Volatile.Read(ref _count);

    /// <summary>A place, to be disposed when the request is over; null if all are taken.</summary>
    public Place? Take()
    {
        if (Interlocked.Increment(ref _count) <= _max)
            return new Place(this);
        Interlocked.Decrement(ref _count);
        return null;
    }

    bool TryTake(string user)
    {
        lock (_byUser)
        {
            var count = _byUser.GetValueOrDefault(user);
            if (count >= _perUserMax)
                return false;
            _byUser[user] = count + 1;
            return true;
        }
    }

    void Release(string? user)
    {
        Interlocked.Decrement(ref _count);
        if (user is null)
            return;
        lock (_byUser)
            if (--_byUser[user] == 0)
                _byUser.Remove(user);
    }

    /// <summary>One place of the process, and one of a user's as soon as it is known whose request it is.</summary>
    public sealed class Place(OpenStreams owner) : IDisposable
    {
        string? _user;

        /// <summary>False: the user has no place left. Called once.</summary>
        public bool TryTakeFor(string user)
        {
            if (owner._perUserMax is null)
                return true;
            if (!owner.TryTake(user))
                return false;
            _user = user;
            return true;
        }

        public void Dispose() => owner.Release(_user);
    }
}
