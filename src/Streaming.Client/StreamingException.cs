using System.Net;

namespace Streaming.Client;

/// <summary>The service has refused a request for good (RFC 9457), or could not be reached for longer than the patience lasted.</summary>
/// <param name="status">HTTP status; null if there was no answer.</param>
/// <param name="code">The stable code, see docs/protocol.md; null if the answer came from something else in between.</param>
/// <param name="message">Title and detail, for a person.</param>
/// <param name="inner">The fault of the network, if there was one.</param>
public sealed class StreamingException(HttpStatusCode? status, string? code, string message, Exception? inner = null) : Exception(message, inner)
{
    public HttpStatusCode? Status { get; } = status;

    public string? Code { get; } = code;
}
