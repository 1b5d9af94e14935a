using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace Streaming.IntegrationTests.Fixtures;

/// <summary>One answer of a <see cref="ScriptedOpenAIServer"/>, step by step: every method adds a step and returns the
/// script.</summary>
/// <remarks>A whole answer is <see cref="Answer"/>; any other begins with <see cref="Begin"/> or
/// <see cref="Raw(string)"/>. A script that just stops ends its answer cleanly, without <c>[DONE]</c>.</remarks>
public sealed class Script
{
    readonly List<Func<ScriptWire, Task>> _steps = [];
    readonly Dictionary<string, string> _headers = new(StringComparer.OrdinalIgnoreCase)
    {
        ["content-type"] = "text/event-stream; charset=utf-8",
    };
    int _pieceBytes = int.MaxValue;

    public int Status { get; private init; } = 200;

    public IReadOnlyDictionary<string, string> Headers => _headers;

    public IReadOnlyList<Func<ScriptWire, Task>> Steps => _steps;

    /// <summary>A whole and faultless answer: role, these deltas, finish reason, usage, <c>[DONE]</c>.</summary>
    public static Script Answer(params ReadOnlySpan<string> deltas) =>
        Begin().Deltas(deltas).Finish("stop").Usage().Done();

    /// <summary>An answer that has sent its role and no text yet.</summary>
    public static Script Begin() => new Script().Chunk("""{"role":"assistant","content":""}""", null);

    /// <summary>An answer of which nothing has been sent; the headers go with the first step that sends.</summary>
    public static Script Bare() => new();

    /// <summary>An error status with OpenAI's error body, and with a <c>retry-after</c> unless that is null.</summary>
    public static Script Failure(int status, string? retryAfter = null, string type = "server_error", string message = "scripted")
    {
        var script = new Script { Status = status };
        script.Header("content-type", "application/json");
        if (retryAfter is not null) script.Header("retry-after", retryAfter);
        return script.Raw($$$"""{"error":{"message":{{{Json(message)}}},"type":"{{{type}}}","param":null,"code":null}}""");
    }

    /// <summary>A page in place of an answer, as gateways and captive portals send.</summary>
    public static Script Html() =>
        new Script().Header("content-type", "text/html").Raw("<!doctype html><title>Sign in</title>");

    public Script Header(string name, string value)
    {
        _headers[name] = value;
        return this;
    }

    /// <summary>From here on the bytes are sent, and flushed, in pieces of this size: cuts lines, escapes and UTF-8
    /// sequences.</summary>
    public Script InPieces(int bytes)
    {
        _pieceBytes = bytes;
        return this;
    }

    /// <summary>One chunk a delta. Half a surrogate pair goes out as an escape of its own, as JavaScript servers
    /// do.</summary>
    public Script Deltas(params ReadOnlySpan<string> deltas)
    {
        foreach (var delta in deltas) Chunk($$"""{"content":{{Json(delta)}}}""", null);
        return this;
    }

    /// <summary>A delta whose JSON string is given as it goes out, without its quotes: <c>\n</c> is two
    /// characters.</summary>
    public Script DeltaAsWritten(string json) => Chunk($$"""{"content":"{{json}}"}""", null);

    public Script Finish(string reason) => Chunk("{}", reason);

    public Script Usage() => Raw(
        $"data: {{{Head},\"choices\":[],\"usage\":{{\"prompt_tokens\":3,\"completion_tokens\":5,\"total_tokens\":8}}}}\n\n");

    public Script Done() => Raw("data: [DONE]\n\n");

    /// <summary>An error object within the stream, after which a provider usually ends the answer cleanly.</summary>
    public Script Error(string type, string message = "scripted") =>
        Raw($"data: {{\"error\":{{\"message\":{Json(message)},\"type\":{Json(type)}}}}}\n\n");

    public Script Raw(string text) => Raw(Encoding.UTF8.GetBytes(text));

    public Script Raw(byte[] bytes)
    {
        var piece = _pieceBytes;
        return Step(wire => wire.SendAsync(bytes, piece));
    }

    /// <summary>Goes on when <paramref name="gate"/> completes.</summary>
    public Script Gate(Task gate) => Step(wire => wire.WaitAsync(gate));

    /// <summary>A pause in real time, for a page to look at; a test waits at a <see cref="Gate"/>.</summary>
    public Script Pace(TimeSpan pause) => Step(wire => wire.PauseAsync(pause));

    /// <summary>Sends nothing more and keeps the connection until the client gives up.</summary>
    public Script Stall() => Step(wire => wire.StallAsync());

    /// <summary>Breaks the connection with a RST. What was sent may be lost with it: put a <see cref="Gate"/>
    /// before.</summary>
    public Script Reset() => Step(wire => wire.ResetAsync());

    /// <summary>Closes the connection with a FIN within the body. What was sent may be lost with it: put a
    /// <see cref="Gate"/> before.</summary>
    public Script Close() => Step(wire => wire.CloseAsync());

    const string Head =
        "\"id\":\"chatcmpl-scripted\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,\"model\":\"scripted-1\"";

    Script Chunk(string delta, string? finishReason)
    {
        var reason = finishReason is null ? "null" : Json(finishReason);
        var choice = $$"""{"index":0,"delta":{{delta}},"logprobs":null,"finish_reason":{{reason}}}""";
        return Raw($"data: {{{Head},\"choices\":[{choice}]}}\n\n");
    }

    Script Step(Func<ScriptWire, Task> step)
    {
        _steps.Add(step);
        return this;
    }

    // Not System.Text.Json: it replaces half a surrogate pair.
    static string Json(string text)
    {
        var json = new StringBuilder("\"");
        for (var i = 0; i < text.Length; i++)
        {
            var c = text[i];
            if (i + 1 < text.Length && char.IsSurrogatePair(c, text[i + 1]))
                json.Append(c).Append(text[++i]);
            else if (char.IsSurrogate(c) || c < ' ')
                json.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}");
            else if (c is '"' or '\\') json.Append('\\').Append(c);
            else json.Append(c);
        }
        return json.Append('"').ToString();
    }
}

/// <summary>The connection that a <see cref="Script"/> plays on.</summary>
public sealed class ScriptWire(Stream body, Socket socket, Task aborted, CancellationToken gone)
{
    public async Task SendAsync(byte[] bytes, int pieceBytes)
    {
        for (var start = 0; start < bytes.Length; start += pieceBytes)
        {
            await body.WriteAsync(bytes.AsMemory(start, Math.Min(pieceBytes, bytes.Length - start)), gone);
            await body.FlushAsync(gone);
            if (pieceBytes == int.MaxValue) return;
        }
    }

    public Task WaitAsync(Task gate) => gate.WaitAsync(gone);

    public Task PauseAsync(TimeSpan pause) => Task.Delay(pause, TimeProvider.System, gone);

    public Task StallAsync() => aborted;

    public Task ResetAsync()
    {
        socket.LingerState = new LingerOption(true, 0);
        socket.Close();
        return aborted;
    }

    public Task CloseAsync()
    {
        socket.Shutdown(SocketShutdown.Both);
        return aborted;
    }
}
