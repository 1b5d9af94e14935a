using System.Diagnostics;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;

namespace Streaming.Benchmarks.Service;

/// <summary>
/// A model whose answers never end: ideas of <see cref="DeltasPerIdea"/> deltas. Each delta holds one <see cref="Mark"/> of
/// the moment it was handed over.
/// </summary>
/// <param name="tokensPerSecond">Pace of each answer; 0: as fast as they are taken.</param>
/// <param name="answers">No answer begins before so many were asked for, so that all run at once from the beginning.</param>
sealed class MarkedChatClient(double tokensPerSecond, int answers) : IChatClient
{
    /// <summary>Bytes of text of a delta within an idea: the mark, and some words.</summary>
    public const int DeltaBytes = Mark.Length + 11;

    const int DeltasPerIdea = 200;

    readonly TaskCompletionSource<long> _begin = new(TaskCreationOptions.RunContinuationsAsynchronously);
    int _asked;

    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var number = Interlocked.Increment(ref _asked);
        if (number == answers)
            _begin.SetResult(Stopwatch.GetTimestamp());
        var begin = await _begin.Task.WaitAsync(cancellationToken);
        // Answers of many users are not in step.
        var phase = (double)number / answers;
        for (var sent = 0L; !cancellationToken.IsCancellationRequested; sent++)
        {
            if (tokensPerSecond > 0)
            {
                var wait = TimeSpan.FromSeconds((sent + phase) / tokensPerSecond) - Stopwatch.GetElapsedTime(begin);
                if (wait > TimeSpan.Zero)
                    await Task.Delay(wait, TimeProvider.System, cancellationToken);
            }

            yield return new ChatResponseUpdate(ChatRole.Assistant, Delta(sent));
        }
    }

    static string Delta(long sent)
    {
        var (idea, delta) = Math.DivRem(sent, DeltasPerIdea);
        return (idea, delta) switch
        {
            (0, 0) => $$"""{"ideas":[{"title":"Idea 1","body":"{{Mark.Now()}}""",
            (_, 0) => $$"""."},{"title":"Idea {{idea + 1}}","body":"{{Mark.Now()}}""",
            _ => $"{Mark.Now()} some words",
        };
    }

    public Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
        throw new NotSupportedException();

    public object? GetService(Type serviceType, object? serviceKey = null) => null;

    public void Dispose()
    {
    }
}
