using System.Net.WebSockets;
using Streaming.Configuration;
using Streaming.Database;
using Streaming.Subscriptions;

namespace Streaming.WebSockets;

/// <summary>
/// One WebSocket connection: a loop that owns all of its state, answers the client's messages, and sends what its channels have. A
/// <see cref="MessageReceiver"/> reads beside it.
/// </summary>
/// <remarks>
/// <code>
///   accepted ──token, ticket, mode none──> authenticated ──┐ messages, news, timers wake the loop
///       │                                    │    ▲────────┘
///       └─AuthenticationTimeout──> closing ◄─┘ token ended, idle, slow, over a limit, the service stops
///                                     └──close frame, the client's within CloseTimeout──> closed
/// </code>
/// </remarks>
public sealed class Connection
{
    readonly WebSocket _socket;
    readonly Action _cut;
    readonly IConnectionGate _gate;
    readonly OpenConnections _connections;
    readonly FeedServices _services;
    readonly ConnectionClock _status;
    readonly TimeProvider _clock;
    readonly WebSocketsOptions _options;
    readonly SubscriptionOptions _subscriptions;
    readonly WakeSignal _wake = new();
    readonly MessageSender _sender;
    readonly MessageReceiver _receiver;
    readonly List<ChannelFeed> _feeds = [];
    readonly long _openedAt;
    volatile ConnectionUser? _user;
    volatile ChannelKind[] _channels = [];
    volatile byte[]? _statusToSend;
    ChannelName? _statusChannel;
    long _dueAt;
    int _sessionCount;

    public Connection(
        WebSocket socket, Action cut, IConnectionGate gate, OpenConnections connections, FeedServices services, ConnectionClock status, SubscriptionOptions subscriptions, int jsonDepthMax)
    {
        (_socket, _cut, _gate, _connections, _services, _status, _subscriptions) = (socket, cut, gate, connections, services, status, subscriptions);
        (_options, _clock) = (services.Options, services.Clock);
        _sender = new MessageSender(socket, cut, _options, services.Metrics, _clock);
        _receiver = new MessageReceiver(socket, _wake, _options, jsonDepthMax, _clock);
        _openedAt = _clock.GetTimestamp();
        _dueAt = _openedAt;
    }

    /// <summary>Whose it is; null as long as that is not known.</summary>
    public string? User => _user?.Id;

    /// <summary>Its channels, by kind.</summary>
    public IReadOnlyList<ChannelKind> Channels => _channels;

    /// <summary>Sessions that its channels hold anything of.</summary>
    public int SessionCount => Volatile.Read(ref _sessionCount);

    /// <summary>Its client has not taken a message in time, and is given a last chance to.</summary>
    public bool IsSlow => _sender.IsSlow;

    public bool FollowsStatus => _channels.Contains(ChannelKind.Status);

    /// <summary>A new status to send; one that waits is replaced. Any thread.</summary>
    public void Tell(byte[] status)
    {
        _statusToSend = status;
        _wake.Set();
    }

    /// <summary>Wakes the loop if there is something to do by now. Any thread.</summary>
    public void WakeIfDue()
    {
        if (_clock.GetTimestamp() >= Volatile.Read(ref _dueAt))
            _wake.Set();
    }

    /// <summary>Runs until it is closed, and says why it was. Never throws.</summary>
    /// <param name="user">Whose it is, if that is known.</param>
    /// <param name="refusal">Closes it at once.</param>
    /// <param name="drain">Its turn to go when the service stops.</param>
    /// <param name="log">For mistakes of ours.</param>
    /// <param name="aborted">Cancelled when the client has gone.</param>
    public async Task<CloseReason> RunAsync(ConnectionUser? user, CloseReason? refusal, Drain drain, ILogger log, CancellationToken aborted)
    {
        using var turn = drain.Take(aborted);
        await using var wakeOnStop = turn.Token.UnsafeRegister(static wake => ((WakeSignal)wake!).Set(), _wake);
        var receiving = _receiver.RunAsync(aborted);
        CloseReason reason;
        try
        {
            reason = refusal ?? (user is null ? null : await EnterAsync(user, null, turn.Token)) ?? await LoopAsync(turn.Token);
        }
        catch (ConnectionClosingException closing)
        {
            reason = closing.Reason;
        }
        catch (OperationCanceledException) when (turn.Token.IsCancellationRequested)
        {
            reason = CloseReason.ServiceRestart;
        }
        catch (DatabaseUnavailableException)
        {
            reason = CloseReason.DatabaseUnavailable;
        }
        catch (Exception fault) when (fault is WebSocketException or OperationCanceledException or IOException or ObjectDisposedException)
        {
            reason = CloseReason.Lost;
        }
        catch (Exception fault)
        {
            log.LogError(fault, "A WebSocket connection failed");
            reason = CloseReason.Internal;
        }
        finally
        {
            foreach (var feed in _feeds)
                feed.Dispose();
            _channels = [];
            Volatile.Write(ref _sessionCount, 0);
        }

        // The turn to go comes with the end of the client, too.
        if (reason == CloseReason.ServiceRestart && aborted.IsCancellationRequested)
            reason = CloseReason.Lost;
        await CloseAsync(reason, receiving);
        return reason;
    }

    async Task<CloseReason> LoopAsync(CancellationToken stop)
    {
        while (true)
        {
            if (_receiver.Reason is { } ending)
                return ending;
            if (stop.IsCancellationRequested)
                return CloseReason.ServiceRestart;
            while (_receiver.Messages.TryRead(out var message))
                if (await AnswerAsync(message, stop) is { } reason)
                    return reason;
            if (Deadline() is { } overdue)
                return overdue;

            var hasMore = false;
            var sent = _sender.Count;
            for (var i = 0; i < _feeds.Count; i++)
            {
                hasMore |= await _feeds[i].WriteAsync(_sender, stop);
                if (!_feeds[i].HasEnded)
                    continue;
                _feeds[i].Dispose();
                _feeds.RemoveAt(i--);
                Count();
            }

            await SendStatusAsync(stop);
            if (_sender.Silence >= _subscriptions.HeartbeatInterval)
                await _sender.SendHeartbeatAsync(stop);
            if (_sender.Count > sent)
                _feeds.ForEach(feed => feed.Written());
            Volatile.Write(ref _sessionCount, _feeds.Sum(feed => feed.SessionCount));
            if (hasMore || _receiver.Messages.Count > 0)
                continue;
            Volatile.Write(ref _dueAt, DueAt());
            await _wake.WaitAsync();
            // As for a stream: what comes sooner than this after the last message waits for it together.
            if (_subscriptions.FlushInterval - _sender.Silence is { Ticks: > 0 } rest)
                await Task.Delay(rest, _clock, stop);
        }
    }

    /// <summary>Does what a message asks for; not null: the connection is to end.</summary>
    async ValueTask<CloseReason?> AnswerAsync(ClientMessage message, CancellationToken stop)
    {
        _services.Metrics.WebSocketMessageReceived();
        switch (message)
        {
            case ClientMessage.Invalid invalid:
                await ErrorAsync(invalid.Id, invalid.Code, invalid.Message, null, stop);
                return null;
            case ClientMessage.Ping:
                await _sender.SendAsync("pong", json =>
                {
                    WriteId(json, message.Id);
                    json.WriteStartObject("payload");
                    json.WriteNumber("timestamp", _sender.Now);
                    json.WriteEndObject();
                }, stop);
                return null;
            case ClientMessage.Authenticate authenticate:
                return await AuthenticateAsync(authenticate, stop);
            case var _ when _user is null:
                await ErrorAsync(message.Id, ErrorCodes.Unauthenticated, "Send authenticate first.", null, stop);
                return null;
            case ClientMessage.Subscribe subscribe:
                await SubscribeAsync(subscribe, _user.Id, stop);
                return null;
            case ClientMessage.Unsubscribe unsubscribe:
                await UnsubscribeAsync(unsubscribe, stop);
                return null;
            default:
                throw new InvalidOperationException($"There is no answer to {message.GetType().Name}.");
        }
    }

    async ValueTask<CloseReason?> AuthenticateAsync(ClientMessage.Authenticate message, CancellationToken stop)
    {
        if (_gate.Authenticate(message.Token) is not { } user)
        {
            await ErrorAsync(message.Id, CloseReason.InvalidToken.Code, "The token is not valid.", null, stop);
            return CloseReason.InvalidToken;
        }

        if (_user is { } known && known.Id != user.Id)
        {
            await ErrorAsync(message.Id, ErrorCodes.AnotherUser, "The token is of another user. A connection has one.", null, stop);
            return null;
        }

        return await EnterAsync(user, message.Id, stop);
    }

    /// <summary>It is known whose it is, for the first time or again; not null: there is no place for it.</summary>
    async ValueTask<CloseReason?> EnterAsync(ConnectionUser user, string? id, CancellationToken stop)
    {
        if (_user is null && _gate.Admit(user.Id) is { } refusal)
            return refusal;
        _user = user;
        _connections.Know(this);
        await _sender.SendAsync("authenticated", json =>
        {
            WriteId(json, id);
            json.WriteStartObject("payload");
            json.WriteString("user", user.Id);
            if (user.Until is { } until)
                json.WriteString("expiresAt", until.UtcDateTime);
            json.WriteEndObject();
        }, stop);
        return null;
    }

    /// <summary>All of the channels, or none.</summary>
    async ValueTask SubscribeAsync(ClientMessage.Subscribe message, string user, CancellationToken stop)
    {
        var asked = new List<(ChannelName Name, ChannelCursor? Cursor)>();
        foreach (var (channel, cursorJson) in message.Channels)
        {
            if (Refuse(channel, cursorJson, user, asked, out var name, out var cursor) is var (code, text))
            {
                await ErrorAsync(message.Id, code, text, channel, stop);
                return;
            }

            asked.Add((name!, cursor));
        }

        if (_channels.Length + asked.Count > _options.ChannelsMax)
        {
            await ErrorAsync(message.Id, ErrorCodes.TooManyChannels, $"A connection has {_options.ChannelsMax} channels at most.", null, stop);
            return;
        }

        var begun = new List<(ChannelName Name, ChannelFeed? Feed, bool IsReset)>();
        try
        {
            foreach (var (name, cursor) in asked)
            {
                if (name.Kind == ChannelKind.Status)
                {
                    begun.Add((name, null, false));
                    continue;
                }

                var feed = new ChannelFeed(name, user, _wake, _services);
                begun.Add((name, feed, false));
                var (isFound, isReset) = await feed.BeginAsync(cursor, stop);
                if (!isFound)
                {
                    begun.ForEach(one => one.Feed?.Dispose());
                    await ErrorAsync(message.Id, ErrorCodes.NotFound, "There is no such session.", name.Text, stop);
                    return;
                }

                begun[^1] = (name, feed, isReset);
            }
        }
        catch (DatabaseUnavailableException)
        {
            begun.ForEach(one => one.Feed?.Dispose());
            await ErrorAsync(message.Id, ErrorCodes.DatabaseUnavailable, "The database cannot be reached at the moment. Try again.", null, stop);
            return;
        }
        catch
        {
            begun.ForEach(one => one.Feed?.Dispose());
            throw;
        }

        foreach (var (name, feed, _) in begun)
        {
            if (feed is not null)
            {
                _feeds.Add(feed);
                continue;
            }

            _statusChannel = name;
            _statusToSend = _status.Sample();
        }

        Count();
        await _sender.SendAsync("subscribed", json =>
        {
            WriteId(json, message.Id);
            json.WriteStartObject("payload");
            json.WriteStartArray("channels");
            foreach (var (name, feed, isReset) in begun)
            {
                json.WriteStartObject();
                json.WriteString("channel", name.Text);
                if (name.User is not null)
                {
                    json.WritePropertyName("cursor");
                    feed!.Cursor().Write(json);
                }

                if (isReset)
                    json.WriteBoolean("reset", true);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }, stop);
    }

    (string Code, string Message)? Refuse(
        string channel, System.Text.Json.JsonElement? cursorJson, string user, List<(ChannelName Name, ChannelCursor?)> asked, out ChannelName? name, out ChannelCursor? cursor)
    {
        cursor = null;
        if (!ChannelName.TryParse(channel, out name))
            return (ErrorCodes.UnknownChannel, "There is no such channel.");
        if (name.User is { } owner && owner != user)
            return (ErrorCodes.ChannelForbidden, "It is a channel of another user.");
        if (_feeds.Exists(feed => feed.Name.Text == channel) || _statusChannel?.Text == channel || asked.Exists(one => one.Name.Text == channel))
            return (ErrorCodes.AlreadySubscribed, "The connection has this channel.");
        if (cursorJson is { } json && !ChannelCursor.TryRead(json, name, out cursor))
            return (ErrorCodes.InvalidCursor, "It is no cursor of this channel.");
        return null;
    }

    async ValueTask UnsubscribeAsync(ClientMessage.Unsubscribe message, CancellationToken stop)
    {
        foreach (var (channel, _) in message.Channels)
            if (_statusChannel?.Text != channel && !_feeds.Exists(feed => feed.Name.Text == channel))
            {
                await ErrorAsync(message.Id, ErrorCodes.NotSubscribed, "The connection has no such channel.", channel, stop);
                return;
            }

        foreach (var (channel, _) in message.Channels)
        {
            if (_statusChannel?.Text == channel)
                _statusChannel = null;
            foreach (var feed in _feeds.Where(feed => feed.Name.Text == channel))
                feed.Dispose();
            _feeds.RemoveAll(feed => feed.Name.Text == channel);
        }

        Count();
        await _sender.SendAsync("unsubscribed", json =>
        {
            WriteId(json, message.Id);
            json.WriteStartObject("payload");
            json.WriteStartArray("channels");
            foreach (var (channel, _) in message.Channels)
                json.WriteStringValue(channel);
            json.WriteEndArray();
            json.WriteEndObject();
        }, stop);
    }

    async ValueTask SendStatusAsync(CancellationToken stop)
    {
        if (_statusChannel is not { } channel || Interlocked.Exchange(ref _statusToSend, null) is not { } status)
            return;
        await _sender.SendAsync("system_status", json =>
        {
            json.WriteString("channel", channel.Text);
            json.WritePropertyName("payload");
            json.WriteRawValue(status);
        }, stop);
    }

    ValueTask ErrorAsync(string? id, string code, string message, string? channel, CancellationToken stop) => _sender.SendAsync("error", json =>
    {
        WriteId(json, id);
        json.WriteStartObject("payload");
        json.WriteString("code", code);
        json.WriteString("message", message);
        if (channel is not null)
            json.WriteString("channel", channel);
        json.WriteEndObject();
    }, stop);

    static void WriteId(System.Text.Json.Utf8JsonWriter json, string? id)
    {
        if (id is not null)
            json.WriteString("id", id);
    }

    void Count() => _channels = [.. _feeds.Select(feed => feed.Name.Kind), .. _statusChannel is null ? Array.Empty<ChannelKind>() : [ChannelKind.Status]];

    /// <summary>What is overdue by now.</summary>
    CloseReason? Deadline()
    {
        if (_user is null)
            return _clock.GetElapsedTime(_openedAt) >= _options.AuthenticationTimeout ? CloseReason.AuthenticationTimeout : null;
        if (_user.Until <= _clock.GetUtcNow())
            return CloseReason.TokenExpired;
        return _channels.Length == 0 && _receiver.Silence >= _options.IdleTimeout ? CloseReason.Idle : null;
    }

    /// <summary>When the loop is to look next, if nothing wakes it before.</summary>
    long DueAt()
    {
        var rest = _subscriptions.HeartbeatInterval - _sender.Silence;
        if (_user is null)
            rest = Min(rest, _options.AuthenticationTimeout - _clock.GetElapsedTime(_openedAt));
        else if (_channels.Length == 0)
            rest = Min(rest, _options.IdleTimeout - _receiver.Silence);
        if (_user?.Until is { } until)
            rest = Min(rest, until - _clock.GetUtcNow());
        return _clock.GetTimestamp() + (long)(Math.Max(0, rest.TotalSeconds) * _clock.TimestampFrequency);

        static TimeSpan Min(TimeSpan a, TimeSpan b) => a < b ? a : b;
    }

    /// <summary>The close frame, and the client's, for <c>WebSockets:CloseTimeout</c> at most; then the connection is cut.</summary>
    async Task CloseAsync(CloseReason reason, Task receiving)
    {
        _receiver.Discard();
        if (reason == CloseReason.ProtocolError)
            return;
        if (reason != CloseReason.Lost)
        {
            using var deadline = new CancellationTokenSource(_options.CloseTimeout, _clock);
            try
            {
                if (_socket.State is WebSocketState.Open or WebSocketState.CloseReceived)
                    await _socket.CloseOutputAsync((WebSocketCloseStatus)reason.Status, reason == CloseReason.Closed ? null : reason.Code, deadline.Token);
                await receiving.WaitAsync(deadline.Token);
                return;
            }
            catch (Exception fault) when (fault is WebSocketException or OperationCanceledException or IOException or ObjectDisposedException)
            {
                // It will not hear it.
            }
        }

        _cut();
        await receiving;
    }
}
