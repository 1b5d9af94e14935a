using Streaming.Protocol;

namespace Streaming.Transforms;

/// <summary>Ends a transform as failed, with what its <c>error</c> message says.</summary>
/// <param name="code">Stable code, see docs/protocol.md.</param>
/// <param name="category">Category of the message.</param>
/// <param name="message">For a person.</param>
/// <param name="recoverable">Whether a retry may help.</param>
public sealed class TransformFault(string code, string category, string message, bool recoverable) : Exception(message)
{
    public ErrorMessage ToMessage(string? stage) => new(code, category, Message, recoverable, Stage: stage);
}
