using Streaming.Sse;
using Streaming.Subscriptions;

namespace Streaming.WebSockets;

/// <summary>
/// What one connection gets of one channel: it follows the sessions, each as a stream of its own does, and knows how far it has come
/// with each. All of it is done by the connection's loop, but for <see cref="Tell"/>.
/// </summary>
/// <remarks>
/// <code>
///   told ──> waiting ──a place is free──> followed ──end sent──> remembered ──25 s──> forgotten, and a new cursor is sent
///               ▲                            │ messages gone, or a newer transform
///               └────────────────────────────┘
/// </code>
/// </remarks>
public sealed class ChannelFeed : IDisposable
{
    /// <summary>
    /// How long a session that ended is remembered, so that it is not told again: longer than <see cref="FollowedSessions.Slack"/> and
    /// the age of a comparison together. After that its end is too long ago for it to be new.
    /// </summary>
    public static readonly TimeSpan Remembered = TimeSpan.FromSeconds(25);

    static readonly TimeSpan ComparisonAgeMax = TimeSpan.FromSeconds(10);
    static readonly TimeSpan CursorInterval = TimeSpan.FromMinutes(1);

    readonly FeedServices _services;
    readonly string _user;
    readonly Subscriber _subscriber;
    readonly WakeSignal _wake;
    readonly List<Followed> _followed = [];
    readonly OrderedDictionary<Guid, Waiting> _waiting = [];
    readonly Dictionary<Guid, (EventId Last, long At)> _ended = [];
    readonly Dictionary<Guid, EventId?> _again = [];
    readonly List<Frame> _frames = [];
    readonly Dictionary<Guid, FollowedSession> _news = [];
    DateTime _since;
    long _cursorAt;

    public ChannelFeed(ChannelName name, string user, WakeSignal wake, FeedServices services)
    {
        (Name, _user, _wake, _services) = (name, user, wake, services);
        _subscriber = new Subscriber(services.Clock, wake);
    }

    sealed record Followed(Subscription Subscription, LiveReader Reader)
    {
        /// <summary>The session has a newer transform, which follows the end of this one.</summary>
        public bool IsSuperseded { get; set; }

        public StreamTarget Target => Subscription.Target;

        /// <summary>The last message that was sent; null if none was.</summary>
        public EventId? Last => Subscription.Next == 0 ? null : new EventId(Target.Ordinal, Subscription.Next - 1);
    }

    /// <param name="Session">As it was read.</param>
    /// <param name="Last">The last message that the client has of it.</param>
    /// <param name="IsBegun">Whether the client has anything of it: then a new beginning is said.</param>
    readonly record struct Waiting(FollowedSession Session, EventId? Last, bool IsBegun);

    public ChannelName Name { get; }

    /// <summary>Whether nothing will ever come again: a session's channel after the end of its transform.</summary>
    public bool HasEnded => Name.Kind == ChannelKind.Session && _followed.Count == 0 && _waiting.Count == 0 && _again.Count == 0;

    /// <summary>Sessions that it holds anything of.</summary>
    public int SessionCount => _followed.Count + _waiting.Count + _ended.Count;

    /// <summary>
    /// Begins: from the cursor, or without one a user's channel with what comes from now on, a session's with its beginning. Nothing is
    /// sent yet. False: a session that the user does not have. The other says whether the cursor was too old to go on from.
    /// </summary>
    /// <exception cref="Database.DatabaseUnavailableException"/>
    public async Task<(bool IsFound, bool IsReset)> BeginAsync(ChannelCursor? cursor, CancellationToken cancellation)
    {
        if (Name.SessionId is { } sessionId)
        {
            if (!(await _services.Reader.ReadVersionsAsync([sessionId], _user, cancellation)).TryGetValue(sessionId, out var found))
                return (false, false);
            var last = cursor?.Sessions.GetValueOrDefault(sessionId);
            Wait(new FollowedSession(_user, sessionId, found.Kind, found.Version, null), last, isBegun: last is not null);
            return (true, false);
        }

        // Watch first, then read: what begins from here on is told.
        _services.Watch.Add(_user, this);
        var window = _services.Options.ResumeWindow;
        var snapshot = await _services.Sessions.ReadAsync([_user], cursor?.SinceTime, window, [.. cursor?.Sessions.Keys ?? []], cancellation);
        (_since, _cursorAt) = (snapshot.At, _services.Clock.GetTimestamp());
        _services.Watch.HasRead(snapshot.At);
        var isReset = cursor is not null && cursor.SinceTime < snapshot.At - window;
        var taken = snapshot.Sessions.Where(session => Name.Takes(session.Kind, session.SessionId));
        foreach (var session in taken)
        {
            if (cursor is null || isReset)
            {
                // From now on: what there is counts as told.
                if (session.Version.HasEnded)
                    Remember(session.SessionId, session.Version.LastEventId);
                else
                    Wait(session, session.Version.LastEventId, isBegun: false);
            }
            else
            {
                var isKnown = cursor.Sessions.TryGetValue(session.SessionId, out var last);
                Wait(session, last, isBegun: isKnown && last is not null);
            }
        }

        foreach (var gone in cursor?.Sessions.Keys.Except(snapshot.Sessions.Select(session => session.SessionId)) ?? [])
            if (!isReset)
                _again[gone] = null;
        return (true, isReset);
    }

    /// <summary>News of a session of the user's; from any thread.</summary>
    public void Tell(FollowedSession session)
    {
        if (!Name.Takes(session.Kind, session.SessionId))
            return;
        lock (_news)
            if (!_news.TryGetValue(session.SessionId, out var known) || session.Version.Ordinal > known.Version.Ordinal)
                _news[session.SessionId] = session;
        _wake.Set();
    }

    /// <summary>Where the client stands once everything that was sent has arrived.</summary>
    public ChannelCursor Cursor()
    {
        var sessions = new Dictionary<Guid, EventId?>();
        foreach (var (id, last) in _again)
            sessions[id] = last;
        foreach (var (id, waiting) in _waiting)
            sessions[id] = waiting.Last;
        foreach (var (id, (last, _)) in _ended)
            sessions[id] = last;
        foreach (var followed in _followed)
            sessions[followed.Target.SessionId] = followed.Last;
        return new ChannelCursor(new DateTimeOffset(_since).ToUnixTimeMilliseconds(), sessions);
    }

    /// <summary>Sends what there is, a part of it if there is much; true if there is more at once.</summary>
    /// <exception cref="Database.DatabaseUnavailableException"/>
    public async ValueTask<bool> WriteAsync(MessageSender sender, CancellationToken stop)
    {
        var comparison = _services.Watch.Last;
        TakeNews();
        await ReadAgainAsync(sender, stop);
        while (_waiting.Count > 0 && _followed.Count < _services.Options.SessionsPerChannelMax)
        {
            var next = _waiting.GetAt(0).Value;
            _waiting.RemoveAt(0);
            await FollowAsync(next, sender, stop);
        }

        var hasMore = false;
        for (var i = 0; i < _followed.Count; i++)
        {
            var followed = _followed[i];
            var (isMore, isLive) = await _services.Writer.CollectAsync(_subscriber, followed.Subscription, followed.Reader, _frames, stop);
            hasMore |= isMore;
            foreach (var frame in _frames)
                await SendAsync(frame, followed.Subscription, isLive, sender, stop);
            if (followed.Subscription.Outcome is not { } outcome)
                continue;
            Leave(i--);
            if (outcome == StreamOutcome.Ended && !followed.IsSuperseded)
            {
                Remember(followed.Target.SessionId, followed.Last);
                continue;
            }

            _again[followed.Target.SessionId] = followed.Last;
            hasMore = true;
        }

        Delivered();
        if (comparison is not null && Name.User is not null && Forget(comparison))
            await sender.SendAsync("cursor", json =>
            {
                json.WriteString("channel", Name.Text);
                json.WriteStartObject("payload");
                json.WritePropertyName("cursor");
                Cursor().Write(json);
                json.WriteEndObject();
            }, stop);
        return hasMore || _again.Count > 0 || (_waiting.Count > 0 && _followed.Count < _services.Options.SessionsPerChannelMax);
    }

    /// <summary>Something was sent on the connection: no heartbeat is due.</summary>
    public void Written() => _subscriber.Written();

    void TakeNews()
    {
        lock (_news)
        {
            foreach (var session in _news.Values)
                Take(session);
            _news.Clear();
        }
    }

    void Take(FollowedSession session)
    {
        var (id, version) = (session.SessionId, session.Version);
        if (_again.ContainsKey(id))
            return;
        if (_followed.Find(followed => followed.Target.SessionId == id) is { } followed)
            followed.IsSuperseded |= version.Ordinal > followed.Target.Ordinal;
        else if (_waiting.TryGetValue(id, out var waiting))
            _waiting[id] = version.Ordinal > waiting.Session.Version.Ordinal ? waiting with { Session = session } : waiting;
        else if (_ended.TryGetValue(id, out var ended) && version.Ordinal > ended.Last.Ordinal)
            Wait(session, ended.Last, isBegun: true);
        // One that ended long before this channel knew everything was not to be told, or was told and has been forgotten.
        else if (!_ended.ContainsKey(id) && !(session.EndedAt < _since - FollowedSessions.Slack))
            Wait(session, null, isBegun: false);
    }

    void Wait(FollowedSession session, EventId? last, bool isBegun)
    {
        _ended.Remove(session.SessionId);
        _waiting[session.SessionId] = new Waiting(session, last, isBegun);
    }

    void Remember(Guid sessionId, EventId? last)
    {
        if (last is { } id)
            _ended[sessionId] = (id, _services.Clock.GetTimestamp());
    }

    /// <summary>Sessions whose messages vanished, or that have a newer transform: what has become of them.</summary>
    async Task ReadAgainAsync(MessageSender sender, CancellationToken stop)
    {
        if (_again.Count == 0)
            return;
        var versions = await _services.Reader.ReadVersionsAsync(_again.Keys, _user, stop);
        foreach (var (id, last) in _again)
        {
            if (versions.TryGetValue(id, out var found))
            {
                Wait(new FollowedSession(_user, id, found.Kind, found.Version, null), last, isBegun: last is not null);
            }
            else
            {
                _ended.Remove(id);
                await sender.SendUpdateAsync(Name, json =>
                {
                    json.WriteString("code", "deleted");
                    json.WriteString("sessionId", id);
                }, stop);
            }
        }

        _again.Clear();
    }

    async Task FollowAsync(Waiting next, MessageSender sender, CancellationToken stop)
    {
        var (id, version) = (next.Session.SessionId, next.Session.Version);
        var index = 0;
        if (next.Last is { } last && version.CanGoOnAfter(last))
        {
            if (version.HasEnded && last == version.LastEventId)
            {
                Remember(id, last);
                return;
            }

            index = last.Index + 1;
        }
        else if (next.IsBegun)
        {
            await sender.SendUpdateAsync(Name, json =>
            {
                json.WriteBoolean("reset", true);
                json.WriteString("sessionId", id);
            }, stop);
        }

        if (!version.IsShortened)
        {
            var target = version.Target(id);
            _followed.Add(new Followed(new Subscription(target, index), _services.Readers.Subscribe(_subscriber, target)));
            return;
        }

        if (!_services.Kinds.TryGetValue(next.Session.Kind, out var kind))
        {
            // Written by a program of others: nobody here knows the shape of its result.
            Remember(id, version.LastEventId);
            return;
        }

        if (await _services.Shortened.ReadAsync(kind, id, _user, index, stop) is not { } rest)
        {
            _again[id] = next.Last;
            return;
        }

        var subscription = new Subscription(rest.Target, index);
        foreach (var frame in rest.Frames)
            await SendAsync(frame, subscription, isLive: false, sender, stop);
        Remember(id, new EventId(rest.Target.Ordinal, subscription.Next - 1));
    }

    async ValueTask SendAsync(Frame frame, Subscription subscription, bool isLive, MessageSender sender, CancellationToken stop)
    {
        var json = FrameWriter.MessageJson(frame.Bytes);
        if (Name.Takes(frame, json.Span))
        {
            await sender.SendUpdateAsync(Name, new EventId(subscription.Target.Ordinal, frame.Index), json, stop);
            _subscriber.Add(frame.Bytes.Length, frame.Index + 1 - subscription.Next, isLive ? frame.Time : null);
        }

        subscription.Next = frame.Index + 1;
        if (frame.IsEnd)
            subscription.Outcome = StreamOutcome.Ended;
    }

    void Delivered()
    {
        if (_subscriber.UnflushedMessages == 0)
            return;
        var now = _services.Clock.GetUtcNow().ToUnixTimeMilliseconds();
        _services.Metrics.Delivered(
            _subscriber.UnflushedMessages, _subscriber.OldestLiveTime is { } time ? TimeSpan.FromMilliseconds(now - time) : null);
        _subscriber.Flushed();
    }

    /// <summary>
    /// Forgets sessions that ended long enough ago; true if the client's cursor is to be replaced. Only with a comparison that is fresh: it
    /// has told of everything that was in progress at its time, or ended less than the slack before it.
    /// </summary>
    bool Forget(SessionWatch.Comparison comparison)
    {
        var clock = _services.Clock;
        if (comparison.At <= _since || clock.GetElapsedTime(comparison.Timestamp) > ComparisonAgeMax)
            return false;
        var forgotten = _ended.Where(ended => clock.GetElapsedTime(ended.Value.At) > Remembered).Select(ended => ended.Key).ToList();
        if (forgotten.Count == 0 && clock.GetElapsedTime(_cursorAt) < CursorInterval)
            return false;
        forgotten.ForEach(id => _ended.Remove(id));
        (_since, _cursorAt) = (comparison.At, clock.GetTimestamp());
        return true;
    }

    void Leave(int place)
    {
        _services.Readers.Unsubscribe(_subscriber, _followed[place].Reader);
        _followed.RemoveAt(place);
    }

    public void Dispose()
    {
        if (Name.User is not null)
            _services.Watch.Remove(_user, this);
        while (_followed.Count > 0)
            Leave(_followed.Count - 1);
    }
}
