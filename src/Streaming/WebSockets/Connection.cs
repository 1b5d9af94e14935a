using System.Net.WebSockets;
using Streaming.Configuration;
using Streaming.Database;
using Streaming.Subscriptions;

namespace Streaming.WebSockets;

/// <summary>
/// One WebSocket connection: a loop that owns all of its state, answers the client's messages, and sends what its
/// <see cref="SubscribedChannels"/> have. A <see cref="MessageReceiver"/> reads beside it.
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
    readonly TimeProvider _clock;
    readonly WebSocketsOptions _options;
    readonly SubscriptionOptions _subscriptions;
    readonly WakeSignal _wake = new();
    readonly MessageSender _sender;
    readonly MessageReceiver _receiver;
    readonly SubscribedChannels _channels;
    readonly long _openedAt;
    volatile ConnectionUser? _user;
    long _dueAt;

    public Connection(
        WebSocket socket, Action cut, IConnectionGate gate, OpenConnections connections, FeedServices services, ConnectionClock statuses, SubscriptionOptions subscriptions, int jsonDepthMax)
    {
        (_socket, _cut, _gate, _connections, _services, _subscriptions) = (socket, cut, gate, connections, services, subscriptions);
        (_options, _clock) = (services.Options, services.Clock);
        _sender = new MessageSender(socket, cut, _options, services.Metrics, _clock);
        _channels = new SubscribedChannels(services, statuses, _wake, _sender);
        _receiver = new MessageReceiver(socket, _wake, _options, jsonDepthMax, _clock);
        _openedAt = _clock.GetTimestamp();
        _dueAt = _openedAt;
    }

    /// <summary>Whose it is; null as long as that is not known.</summary>
    public string? User => _user?.Id;

    /// <summary>Its channels, by kind.</summary>
    public IReadOnlyList<ChannelKind> Channels => _channels.Kinds;

    /// <summary>Sessions that its channels hold anything of.</summary>
    public int SessionCount => _channels.SessionCount;

    /// <summary>Its client has not taken a message in time, and is given a last chance to.</summary>
    public bool IsSlow => _sender.IsSlow;

    public bool FollowsStatus => _channels.Kinds.Contains(ChannelKind.Status);

    /// <summary>A new status to send; one that waits is replaced. Any thread.</summary>
    public void Tell(byte[] status) => _channels.Tell(status);

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
            _channels.End();
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

            var sent = _sender.Count;
            var hasMore = await _channels.WriteAsync(stop);
            if (_sender.Silence >= _subscriptions.HeartbeatInterval)
                await _sender.SendHeartbeatAsync(stop);
            if (_sender.Count > sent)
                _channels.Written();
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
                await _sender.SendErrorAsync(invalid.Id, invalid.Code, invalid.Message, null, stop);
                return null;
            case ClientMessage.Ping:
                await _sender.SendReplyAsync("pong", message.Id, json => json.WriteNumber("timestamp", _sender.Now), stop);
                return null;
            case ClientMessage.Authenticate authenticate:
                return await AuthenticateAsync(authenticate, stop);
            case var _ when _user is null:
                await _sender.SendErrorAsync(message.Id, ErrorCodes.Unauthenticated, "Send authenticate first.", null, stop);
                return null;
            case ClientMessage.Subscribe subscribe:
                await _channels.SubscribeAsync(subscribe, _user.Id, stop);
                return null;
            case ClientMessage.Unsubscribe unsubscribe:
                await _channels.UnsubscribeAsync(unsubscribe, stop);
                return null;
            default:
                throw new InvalidOperationException($"There is no answer to {message.GetType().Name}.");
        }
    }

    async ValueTask<CloseReason?> AuthenticateAsync(ClientMessage.Authenticate message, CancellationToken stop)
    {
        if (_gate.Authenticate(message.Token) is not { } user)
        {
            await _sender.SendErrorAsync(message.Id, CloseReason.InvalidToken.Code, "The token is not valid.", null, stop);
            return CloseReason.InvalidToken;
        }

        if (_user is { } known && known.Id != user.Id)
        {
            await _sender.SendErrorAsync(message.Id, ErrorCodes.AnotherUser, "The token is of another user. A connection has one.", null, stop);
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
        await _sender.SendReplyAsync("authenticated", id, json =>
        {
            json.WriteString("user", user.Id);
            if (user.Until is { } until)
                json.WriteString("expiresAt", until.UtcDateTime);
        }, stop);
        return null;
    }

    /// <summary>What is overdue by now.</summary>
    CloseReason? Deadline()
    {
        if (_user is null)
            return _clock.GetElapsedTime(_openedAt) >= _options.AuthenticationTimeout ? CloseReason.AuthenticationTimeout : null;
        if (_user.Until <= _clock.GetUtcNow())
            return CloseReason.TokenExpired;
        return _channels.Kinds.Count == 0 && _receiver.Silence >= _options.IdleTimeout ? CloseReason.Idle : null;
    }

    /// <summary>When the loop is to look next, if nothing wakes it before.</summary>
    long DueAt()
    {
        var rest = _subscriptions.HeartbeatInterval - _sender.Silence;
        if (_user is null)
            rest = Min(rest, _options.AuthenticationTimeout - _clock.GetElapsedTime(_openedAt));
        else if (_channels.Kinds.Count == 0)
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
