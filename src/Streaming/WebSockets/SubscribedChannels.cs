using System.Text.Json;
using Streaming.Database;
using Streaming.Subscriptions;

namespace Streaming.WebSockets;

/// <summary>
/// The channels of one connection: begins and ends them as the client asks, all of a message or none, and sends what they have. All of
/// it is done by the connection's loop, but for <see cref="Tell"/>.
/// </summary>
public sealed class SubscribedChannels(FeedServices services, ConnectionClock statuses, WakeSignal wake, MessageSender sender)
{
    readonly List<ChannelFeed> _feeds = [];
    volatile ChannelKind[] _kinds = [];
    volatile byte[]? _statusToSend;
    ChannelName? _statusChannel;
    int _sessionCount;

    /// <summary>By kind. Any thread.</summary>
    public IReadOnlyList<ChannelKind> Kinds => _kinds;

    /// <summary>Sessions that they hold anything of. Any thread.</summary>
    public int SessionCount => Volatile.Read(ref _sessionCount);

    /// <summary>A new status to send; one that waits is replaced. Any thread.</summary>
    public void Tell(byte[] status)
    {
        _statusToSend = status;
        wake.Set();
    }

    /// <summary>All of the channels that a message asks for, or none: then it is answered with an error.</summary>
    public async ValueTask SubscribeAsync(ClientMessage.Subscribe message, string user, CancellationToken stop)
    {
        var asked = new List<(ChannelName Name, ChannelCursor? Cursor)>();
        foreach (var (channel, cursorJson) in message.Channels)
        {
            if (Refuse(channel, cursorJson, user, asked, out var name, out var cursor) is var (code, text))
            {
                await sender.SendErrorAsync(message.Id, code, text, channel, stop);
                return;
            }

            asked.Add((name!, cursor));
        }

        if (_kinds.Length + asked.Count > services.Options.ChannelsMax)
        {
            await sender.SendErrorAsync(message.Id, ErrorCodes.TooManyChannels, $"A connection has {services.Options.ChannelsMax} channels at most.", null, stop);
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

                var feed = new ChannelFeed(name, user, wake, services);
                begun.Add((name, feed, false));
                var (isFound, isReset) = await feed.BeginAsync(cursor, stop);
                if (!isFound)
                {
                    begun.ForEach(one => one.Feed?.Dispose());
                    await sender.SendErrorAsync(message.Id, ErrorCodes.NotFound, "There is no such session.", name.Text, stop);
                    return;
                }

                begun[^1] = (name, feed, isReset);
            }
        }
        catch (DatabaseUnavailableException)
        {
            begun.ForEach(one => one.Feed?.Dispose());
            await sender.SendErrorAsync(message.Id, ErrorCodes.DatabaseUnavailable, "The database cannot be reached at the moment. Try again.", null, stop);
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
            _statusToSend = statuses.Sample();
        }

        Count();
        await sender.SendReplyAsync("subscribed", message.Id, json =>
        {
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
        }, stop);
    }

    /// <summary>The same for what is to end.</summary>
    public async ValueTask UnsubscribeAsync(ClientMessage.Unsubscribe message, CancellationToken stop)
    {
        foreach (var (channel, _) in message.Channels)
            if (!Has(channel))
            {
                await sender.SendErrorAsync(message.Id, ErrorCodes.NotSubscribed, "The connection has no such channel.", channel, stop);
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
        await sender.SendReplyAsync("unsubscribed", message.Id, json =>
        {
            json.WriteStartArray("channels");
            foreach (var (channel, _) in message.Channels)
                json.WriteStringValue(channel);
            json.WriteEndArray();
        }, stop);
    }

    /// <summary>Sends what they have by now; whether there is more.</summary>
    /// <exception cref="ConnectionClosingException">The client is too slow.</exception>
    public async ValueTask<bool> WriteAsync(CancellationToken stop)
    {
        var hasMore = false;
        for (var i = 0; i < _feeds.Count; i++)
        {
            hasMore |= await _feeds[i].WriteAsync(sender, stop);
            if (!_feeds[i].HasEnded)
                continue;
            _feeds[i].Dispose();
            _feeds.RemoveAt(i--);
            Count();
        }

        if (_statusChannel is { } channel && Interlocked.Exchange(ref _statusToSend, null) is { } status)
            await sender.SendAsync("system_status", json =>
            {
                json.WriteString("channel", channel.Text);
                json.WritePropertyName("payload");
                json.WriteRawValue(status);
            }, stop);
        Volatile.Write(ref _sessionCount, _feeds.Sum(feed => feed.SessionCount));
        return hasMore;
    }

    /// <summary>Something has been sent on the connection.</summary>
    public void Written() => _feeds.ForEach(feed => feed.Written());

    /// <summary>Ends all of them.</summary>
    public void End()
    {
        foreach (var feed in _feeds)
            feed.Dispose();
        _kinds = [];
        Volatile.Write(ref _sessionCount, 0);
    }

    (string Code, string Message)? Refuse(
        string channel, JsonElement? cursorJson, string user, List<(ChannelName Name, ChannelCursor?)> asked, out ChannelName? name, out ChannelCursor? cursor)
    {
        cursor = null;
        if (!ChannelName.TryParse(channel, out name))
            return (ErrorCodes.UnknownChannel, "There is no such channel.");
        if (name.User is { } owner && owner != user)
            return (ErrorCodes.ChannelForbidden, "It is a channel of another user.");
        if (Has(channel) || asked.Exists(one => one.Name.Text == channel))
            return (ErrorCodes.AlreadySubscribed, "The connection has this channel.");
        if (cursorJson is { } json && !ChannelCursor.TryRead(json, name, out cursor))
            return (ErrorCodes.InvalidCursor, "It is no cursor of this channel.");
        return null;
    }

    bool Has(string channel) => _statusChannel?.Text == channel || _feeds.Exists(feed => feed.Name.Text == channel);

    void Count() => _kinds = [.. _feeds.Select(feed => feed.Name.Kind), .. _statusChannel is null ? Array.Empty<ChannelKind>() : [ChannelKind.Status]];
}
