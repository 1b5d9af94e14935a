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

    // Answers of many users are not in step, neither in their tokens and progress nor in where an idea ends.
    static readonly TimeSpan StartsWithin = TimeSpan.FromSeconds(1);

    readonly TaskCompletionSource<long> _begin = new(TaskCreationOptions.RunContinuationsAsynchronously);
    int _asked;

    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var number = Interlocked.Increment(ref _asked);
        if (number == answers)
            _begin.SetResult(Stopwatch.GetTimestamp());
        var begin = await _begin.Task.WaitAsync(cancellationToken);
        for (var sent = 0L; !cancellationToken.IsCancellationRequested; sent++)
        {
            if (tokensPerSecond > 0)
            {
                var wait = StartsWithin * number / answers + TimeSpan.FromSeconds(sent / tokensPerSecond) - Stopwatch.GetElapsedTime(begin);
                if (wait > TimeSpan.Zero)
                    await Task.Delay(wait, TimeProvider.System, cancellationToken);
            }
            else
            {
                // A model's delta comes off a socket. One that never gives way fills the queue alone, and the others starve.
                await Task.Yield();
            }

            yield return new ChatResponseUpdate(ChatRole.Assistant, Delta(sent, number));
        }
    }

    static string Delta(long sent, int number)
    {
        if (sent == 0)
            return $$"""{"ideas":[{"title":"Idea 0","body":"{{Mark.Now()}}""";
        var (idea, delta) = Math.DivRem(sent + number, DeltasPerIdea);
        return delta == 0
            ? $$"""."},{"title":"Idea {{idea}}","body":"{{Mark.Now()}}"""
            : $"{Mark.Now()} some words";
    }

    public Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
        throw new NotSupportedException();

    public object? GetService(Type serviceType, object? serviceKey = null) => null;

    public void Dispose()
    {
    }
}
