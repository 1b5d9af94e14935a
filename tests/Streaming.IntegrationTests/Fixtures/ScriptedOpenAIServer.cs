using System.Collections.Concurrent;
using System.Text;
using System.Text.Json;
using System.Threading.Channels;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Streaming.IntegrationTests.Fixtures;

/// <summary>A request that a <see cref="ScriptedOpenAIServer"/> has got.</summary>
/// <param name="Path">Such as <c>/v1/chat/completions</c>.</param>
/// <param name="Headers">Names in any case; several values joined by a comma.</param>
/// <param name="Body">As it came.</param>
/// <param name="Aborted">Completes when the client has gone before the end of its answer.</param>
public sealed record RequestInfo(string Path, IReadOnlyDictionary<string, string> Headers, string Body, Task Aborted)
{
    /// <summary>The body as JSON.</summary>
    public JsonElement Json => JsonElement.Parse(Body);

    /// <summary>The text of the last message, where it is a plain string.</summary>
    public string Prompt => Json.GetProperty("messages").EnumerateArray().Last().GetProperty("content").GetString()!;
}

/// <summary>A model provider on a loopback port that answers each request with the next <see cref="Script"/>, faults of
/// the connection included: for what no real provider does on demand.</summary>
/// <remarks>Always streams, whatever the request asks for. Answers on every path.</remarks>
public sealed class ScriptedOpenAIServer : IAsyncDisposable
{
    // A test that sends more and never looks at them loses the oldest.
    const int UnseenRequestsMax = 4096;

    readonly WebApplication _app;
    readonly ConcurrentQueue<Script> _scripts = new();
    readonly ConcurrentQueue<RequestInfo> _requests = new();
    readonly Channel<RequestInfo> _unseen = Channel.CreateBounded<RequestInfo>(
        new BoundedChannelOptions(UnseenRequestsMax) { FullMode = BoundedChannelFullMode.DropOldest });

    ScriptedOpenAIServer(WebApplication app) => _app = app;

    /// <summary>What to set as <c>Models:OpenAI:Endpoint</c>.</summary>
    public Uri Endpoint => new(Address, "v1");

    /// <summary>The address without a version.</summary>
    public Uri Address { get; private set; } = null!;

    /// <summary>Answers when the queue is empty; a short whole answer unless set.</summary>
    public Func<RequestInfo, Script> Responder { get; set; } = _ => Script.Answer("Hello", " world");

    /// <summary>All requests so far, in the order of their arrival.</summary>
    public IReadOnlyList<RequestInfo> Requests => [.. _requests];

    public static async Task<ScriptedOpenAIServer> StartAsync(CancellationToken cancellation)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        // Stalled answers are meant to be there when a test ends.
        builder.Services.Configure<HostOptions>(options => options.ShutdownTimeout = TimeSpan.FromMilliseconds(100));
        var app = builder.Build();
        var server = new ScriptedOpenAIServer(app);
        app.Run(server.AnswerAsync);
        await app.StartAsync(cancellation);
        var addresses = app.Services.GetRequiredService<IServer>().Features.GetRequiredFeature<IServerAddressesFeature>();
        server.Address = new Uri(addresses.Addresses.First());
        return server;
    }

    /// <summary>The next requests get these answers, in this order.</summary>
    public void Enqueue(params ReadOnlySpan<Script> scripts)
    {
        foreach (var script in scripts) _scripts.Enqueue(script);
    }

    /// <summary>Waits for the next request that no other call of this has returned.</summary>
    public async Task<RequestInfo> NextRequestAsync(CancellationToken cancellation) =>
        await _unseen.Reader.ReadAsync(cancellation);

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    async Task AnswerAsync(HttpContext context)
    {
        var aborted = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var watch = context.RequestAborted.Register(aborted.SetResult);
        using var reader = new StreamReader(context.Request.Body, Encoding.UTF8);
        var request = new RequestInfo(
            context.Request.Path,
            context.Request.Headers.ToDictionary(h => h.Key, h => h.Value.ToString(), StringComparer.OrdinalIgnoreCase),
            await reader.ReadToEndAsync(context.RequestAborted),
            aborted.Task);
        _requests.Enqueue(request);
        _unseen.Writer.TryWrite(request);

        var script = _scripts.TryDequeue(out var next) ? next : Responder(request);
        context.Response.StatusCode = script.Status;
        foreach (var (name, value) in script.Headers) context.Response.Headers[name] = value;
        var wire = new ScriptWire(
            context.Response.Body,
            context.Features.GetRequiredFeature<IConnectionSocketFeature>().Socket,
            aborted.Task,
            context.RequestAborted);
        try
        {
            foreach (var step in script.Steps) await step(wire);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // The client has gone: what is left of the script has nobody to play to.
        }
    }
}
