using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Streaming.BrowserTests;

/// <summary>
/// Passes requests on, and holds the body of every event stream back until it has ended or has grown to a size, as proxies
/// and virus scanners do that were never told about streams. Everything else goes through as it comes.
/// </summary>
public sealed class BufferingProxy : IAsyncDisposable
{
    // Of one connection to the next, or about the body's own length: the proxy's side makes its own.
    static readonly string[] HopHeaders = ["Host", "Connection", "Keep-Alive", "Transfer-Encoding", "Upgrade"];

    readonly WebApplication _app;
    readonly HttpClient _client;
    readonly int _bytesMax;
    readonly bool _headersAtOnce;
    int _heldBack;

    BufferingProxy(WebApplication app, Uri target, int bytesMax, bool headersAtOnce)
    {
        (_app, _bytesMax, _headersAtOnce) = (app, bytesMax, headersAtOnce);
        _client = new HttpClient(new SocketsHttpHandler { UseCookies = false, AllowAutoRedirect = false })
        {
            BaseAddress = target,
            Timeout = Timeout.InfiniteTimeSpan,
        };
    }

    /// <summary>Where the browser connects to.</summary>
    public Uri Address => new(_app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single());

    /// <summary>Streams that were held back so far.</summary>
    public int HeldBack => _heldBack;

    /// <param name="target">The service.</param>
    /// <param name="bytesMax">So much of a stream's body is gathered before it is let go.</param>
    /// <param name="headersAtOnce">The headers go ahead of the body; otherwise they wait for it.</param>
    /// <param name="cancellation">Ends the wait for the start.</param>
    public static async Task<BufferingProxy> StartAsync(Uri target, int bytesMax, bool headersAtOnce, CancellationToken cancellation)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        // Streams that browsers have not let go of yet are not waited for.
        builder.WebHost.UseShutdownTimeout(TimeSpan.Zero);
        var app = builder.Build();
        var proxy = new BufferingProxy(app, target, bytesMax, headersAtOnce);
        app.Run(proxy.ForwardAsync);
        await app.StartAsync(cancellation);
        return proxy;
    }

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        _client.Dispose();
    }

    async Task ForwardAsync(HttpContext http)
    {
        using var request = Copy(http.Request);
        try
        {
            using var response = await _client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, http.RequestAborted);
            http.Response.StatusCode = (int)response.StatusCode;
            foreach (var (name, values) in response.Headers.Concat(response.Content.Headers))
                if (!HopHeaders.Contains(name, StringComparer.OrdinalIgnoreCase))
                    http.Response.Headers[name] = values.ToArray();
            await using var body = await response.Content.ReadAsStreamAsync(http.RequestAborted);
            if (response.Content.Headers.ContentType?.MediaType == "text/event-stream")
                await HoldBackAsync(body, http);
            else
                await body.CopyToAsync(http.Response.Body, http.RequestAborted);
        }
        catch (Exception fault) when (fault is OperationCanceledException or HttpRequestException or IOException)
        {
            http.Abort();
        }
    }

    async Task HoldBackAsync(Stream body, HttpContext http)
    {
        Interlocked.Increment(ref _heldBack);
        if (_headersAtOnce)
            await http.Response.Body.FlushAsync(http.RequestAborted);
        var held = new byte[_bytesMax];
        var count = 0;
        int read;
        do
        {
            read = await body.ReadAsync(held.AsMemory(count), http.RequestAborted);
            count += read;
            if (count < held.Length && read > 0)
                continue;
            await http.Response.Body.WriteAsync(held.AsMemory(0, count), http.RequestAborted);
            await http.Response.Body.FlushAsync(http.RequestAborted);
            count = 0;
        } while (read > 0);
    }

    static HttpRequestMessage Copy(HttpRequest from)
    {
        var request = new HttpRequestMessage(new HttpMethod(from.Method), from.Path + from.QueryString);
        if (from.ContentLength > 0)
            request.Content = new StreamContent(from.Body);
        foreach (var (name, values) in from.Headers)
            if (!HopHeaders.Contains(name, StringComparer.OrdinalIgnoreCase) && !request.Headers.TryAddWithoutValidation(name, values.ToArray()))
                request.Content?.Headers.TryAddWithoutValidation(name, values.ToArray());
        return request;
    }
}
