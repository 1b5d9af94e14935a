using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using Streaming.Sse;

namespace Streaming.IntegrationTests.Fixtures;

/// <summary>The framework's own WebSocket client, with messages as JSON.</summary>
public sealed class WebSocketReader : IAsyncDisposable
{
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    readonly byte[] _buffer = new byte[64 * 1024];

    WebSocketReader(ClientWebSocket socket) => Socket = socket;

    public ClientWebSocket Socket { get; }

    /// <summary>How the server has closed; null as long as it has not.</summary>
    public (int Status, string? Reason)? Closed => Socket.CloseStatus is { } status ? ((int)status, Socket.CloseStatusDescription) : null;

    /// <summary>Connects; nothing was read yet.</summary>
    public static async Task<WebSocketReader> ConnectAsync(Uri address, string path = "/ws", string? token = null, Action<ClientWebSocketOptions>? options = null)
    {
        var socket = new ClientWebSocket();
        if (token is not null)
            socket.Options.SetRequestHeader("Authorization", $"Bearer {token}");
        options?.Invoke(socket.Options);
        try
        {
            using var deadline = new CancellationTokenSource(Patience);
            await socket.ConnectAsync(new Uri($"ws://{address.Authority}{path}"), deadline.Token);
        }
        catch
        {
            socket.Dispose();
            throw;
        }

        return new WebSocketReader(socket);
    }

    /// <summary>Connects in mode none, or with what says who it is, and has been told so.</summary>
    public static async Task<WebSocketReader> OpenAsync(Uri address, string path = "/ws", string? token = null)
    {
        var reader = await ConnectAsync(address, path, token);
        await reader.UntilAsync("authenticated");
        return reader;
    }

    public Task SendAsync(object message) => SendTextAsync(JsonSerializer.Serialize(message));

    public Task SendTextAsync(string text) => SendAsync(Encoding.UTF8.GetBytes(text), WebSocketMessageType.Text, endOfMessage: true);

    public async Task SendAsync(byte[] bytes, WebSocketMessageType type, bool endOfMessage)
    {
        using var deadline = new CancellationTokenSource(Patience);
        await Socket.SendAsync(bytes, type, endOfMessage, deadline.Token);
    }

    /// <summary>The next message; null if the server has closed.</summary>
    /// <exception cref="WebSocketException">The connection broke.</exception>
    public async Task<JsonElement?> ReceiveAsync(TimeSpan? patience = null)
    {
        using var deadline = new CancellationTokenSource(patience ?? Patience);
        using var message = new MemoryStream();
        while (true)
        {
            var received = await Socket.ReceiveAsync(_buffer, deadline.Token);
            if (received.MessageType == WebSocketMessageType.Close)
            {
                try
                {
                    if (Socket.State == WebSocketState.CloseReceived)
                        await Socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, deadline.Token);
                }
                catch (WebSocketException)
                {
                    // After a fault of the client's the server does not wait for the answer (RFC 6455, 7.1.7).
                }

                return null;
            }

            message.Write(_buffer, 0, received.Count);
            if (received.EndOfMessage)
                return JsonElement.Parse(message.ToArray());
        }
    }

    /// <summary>The next message of a type; those before it are dropped.</summary>
    public async Task<JsonElement> UntilAsync(string type)
    {
        while (true)
        {
            var message = await ReceiveAsync() ?? throw new InvalidOperationException($"Closed with {Closed} before {type}.");
            if (message.Type() == type)
                return message;
        }
    }

    /// <summary>What an error or another answer with this id says; messages before it are dropped.</summary>
    public async Task<JsonElement> AnswerAsync(string id)
    {
        while (true)
        {
            var message = await ReceiveAsync() ?? throw new InvalidOperationException($"Closed with {Closed} before the answer to {id}.");
            if (message.TryGetProperty("id", out var answered) && answered.GetString() == id)
                return message;
        }
    }

    /// <summary>Reads until the server closes, and says how it did.</summary>
    public async Task<(int Status, string? Reason)> UntilClosedAsync()
    {
        while (await ReceiveAsync() is not null)
        {
        }

        return Closed!.Value;
    }

    /// <summary>Subscribes, and returns the answer's channels.</summary>
    public async Task<IReadOnlyList<JsonElement>> SubscribeAsync(params object[] channels)
    {
        await SendAsync(new { type = "subscribe", id = "s", payload = new { channels } });
        var answer = await AnswerAsync("s");
        return answer.Type() == "subscribed"
            ? [.. answer.GetProperty("payload").GetProperty("channels").EnumerateArray()]
            : throw new InvalidOperationException(answer.GetRawText());
    }

    public ValueTask DisposeAsync()
    {
        Socket.Dispose();
        return ValueTask.CompletedTask;
    }
}

/// <summary>What a client keeps of a user's channel, as docs/protocol.md says.</summary>
public sealed class ChannelLog
{
    long _since;

    /// <summary>Messages of sessions as they came, with their event ids.</summary>
    public List<StreamEvent> Messages { get; } = [];

    /// <summary>The event id of each session's last message.</summary>
    public Dictionary<string, string> Sessions { get; private set; } = [];

    public object Cursor => new { since = _since, sessions = Sessions };

    /// <summary>Takes a cursor of an answer, or of a message <c>cursor</c>.</summary>
    public void Begin(JsonElement cursor) => (_since, Sessions) = (
        cursor.GetProperty("since").GetInt64(),
        cursor.GetProperty("sessions").EnumerateObject().ToDictionary(session => session.Name, session => session.Value.GetString()!));

    /// <summary>Takes a message of the connection; others than this channel's are passed over.</summary>
    public void Take(JsonElement message)
    {
        if (message.Type() == "cursor")
            Begin(message.GetProperty("payload").GetProperty("cursor"));
        if (message.Type() is not ("stream_update" or "upload_update" or "suggestion"))
            return;
        var payload = message.GetProperty("payload");
        var id = message.TryGetProperty("eventId", out var eventId) ? eventId.GetString() : null;
        Messages.Add(new StreamEvent(id, payload));
        if (id is not null)
            Sessions[payload.GetProperty("sessionId").GetString()!] = id;
    }

    public IEnumerable<StreamEvent> Of(string sessionId) => Messages.Where(message => message.Data.GetProperty("sessionId").GetString() == sessionId);

    /// <summary>What is wrong with the messages of a session: a gap, or one that comes again; null if nothing is.</summary>
    public string? Fault(string sessionId, int from = 0)
    {
        var (ordinal, next) = (0, from);
        foreach (var message in Of(sessionId))
        {
            if (!EventId.TryParse(message.Id, out var id))
            {
                next = 0;
                continue;
            }

            if (message.First != next || message.Index != id.Index || (ordinal != 0 && id.Ordinal < ordinal))
                return $"{sessionId}: {message.First}-{message.Index} ({message.Id}) comes where {next} should";
            (ordinal, next) = (id.Ordinal, id.Index + 1);
        }

        return null;
    }
}

static class WebSocketMessages
{
    public static string Type(this JsonElement message) => message.GetProperty("type").GetString()!;

    /// <summary>The code of an error.</summary>
    public static string? Code(this JsonElement message) => message.GetProperty("payload").GetProperty("code").GetString();
}
