using System.Collections.Concurrent;
using Microsoft.Playwright;
using Xunit;

namespace Streaming.BrowserTests;

/// <summary>A page, and everything it complained of and asked for.</summary>
public sealed class WatchedPage : IAsyncDisposable
{
    readonly IBrowserContext _context;
    readonly ConcurrentQueue<string> _errors = new();
    readonly ConcurrentQueue<IRequest> _streamRequests = new();

    public WatchedPage(IBrowserContext context, IPage page)
    {
        (_context, Page) = (context, page);
        // A breach of the content security policy is a console error too.
        page.Console += (_, message) =>
        {
            if (message.Type == "error")
                _errors.Enqueue(message.Text);
        };
        page.PageError += (_, error) => _errors.Enqueue(error);
        page.Request += (_, request) =>
        {
            if (request.Url.Contains("/api/stream/", StringComparison.Ordinal))
                _streamRequests.Enqueue(request);
        };
    }

    public IPage Page { get; }

    /// <summary>Requests for event streams so far, in their order.</summary>
    public IReadOnlyList<IRequest> StreamRequests => [.. _streamRequests];

    public void AssertNoErrors() => Assert.Empty(_errors);

    /// <summary>For a page whose way was cut or barred (502): the browser reports that, and nothing else may be reported.</summary>
    public void AssertOnlyNetworkErrors() => AssertOnlyErrors("^Failed to load resource: (net::ERR_|.* 502 )");

    /// <summary>For a page that is to meet errors, and no others than these.</summary>
    public void AssertOnlyErrors(string pattern) => Assert.All(_errors, error => Assert.Matches(pattern, error));

    public ValueTask DisposeAsync() => _context.DisposeAsync();
}
