using System.Runtime.CompilerServices;
using System.Text;
using Microsoft.Extensions.AI;
using Polly.CircuitBreaker;
using Streaming.Telemetry;

namespace Streaming.Models;

/// <summary>Who generates: the provider's name in <see cref="ModelOptions.Provider"/>, and its model.</summary>
public sealed record ModelInfo(string Provider, string Model);

/// <summary>The one door of the pipelines to a model. Watches over every answer (silence, length, completeness), cleans
/// its text, and knows every failure as a <see cref="ModelFault"/>.</summary>
/// <remarks>One for each provider, shared by all runs: they share its circuit breaker. It owns <paramref name="chat"/>,
/// whose updates must carry a finish reason at the end of an answer. Without metrics nothing is measured.</remarks>
public sealed class ModelClient(IChatClient chat, ModelInfo info, ModelOptions options, TimeProvider clock, ServiceMetrics? metrics = null)
    : IDisposable
{
    readonly ModelRetries _retries = new(options, clock, fault => metrics?.ModelFailed(info.Provider, fault.Code, fault.Category));

    public ModelInfo Info => info;

    /// <summary>The provider's circuit breaker: 0 closed, 1 half open, 2 open.</summary>
    public int Circuit => _retries.Circuit switch
    {
        CircuitState.Closed => 0,
        CircuitState.HalfOpen => 1,
        _ => 2,
    };

    /// <summary>The text of one answer, delta by delta, none of them empty: free of NUL, well-formed even where the
    /// provider cut a surrogate pair. One request, no retry.</summary>
    /// <remarks>An answer that ended for its length (<see cref="ModelOptions.OutputTokensMax"/>) ends normally: whether
    /// a shortened text is of use is for its reader to judge. Leaving the enumeration early ends the request.</remarks>
    /// <param name="messages">What is asked; pictures may be part of it.</param>
    /// <param name="cancellation">Ends the request.</param>
    /// <param name="outputTokensMax">Most tokens of this answer; null, or more than it: <see cref="ModelOptions.OutputTokensMax"/>.</param>
    /// <exception cref="ModelFault">The provider failed; what was yielded before stands.</exception>
    /// <exception cref="OperationCanceledException">Only when <paramref name="cancellation"/> was cancelled; the
    /// request has then been ended.</exception>
    public async IAsyncEnumerable<string> StreamAsync(
        IReadOnlyList<ChatMessage> messages, [EnumeratorCancellation] CancellationToken cancellation, int? outputTokensMax = null)
    {
        using var trace = new ModelCallTrace(info, metrics, clock);
        await using var call = new ModelCall(chat, messages, outputTokensMax, options, clock, trace, cancellation);
        var cleaner = new TextCleaner();
        var bytes = 0L;
        while (await call.MoveNextAsync())
        {
            var text = cleaner.Clean(call.Text);
            if (text.Length == 0) continue;
            RefuseExcess(bytes += Encoding.UTF8.GetByteCount(text), trace);
            yield return text;
        }

        if (cleaner.Finish() is { Length: > 0 } rest)
        {
            RefuseExcess(bytes += Encoding.UTF8.GetByteCount(rest), trace);
            yield return rest;
        }
        if (bytes == 0) throw trace.Failed(new ModelFault(ModelFaultKind.Empty, "The model provider's answer is empty."));
    }

    /// <summary>Runs <paramref name="attempt"/> until it succeeds, fails for good, or
    /// <see cref="ModelOptions.RetriesMax"/> is used up.</summary>
    /// <param name="attempt">One whole try, usually one <see cref="StreamAsync"/> and what is made of it. May throw
    /// <see cref="ModelFault"/> itself; every other exception passes through at once.</param>
    /// <param name="onRetry">Awaited before each wait, for telling the readers and dropping the text of the broken
    /// try.</param>
    /// <param name="cancellation">Ends the attempt, or the wait, with <see cref="OperationCanceledException"/>.</param>
    /// <exception cref="ModelFault">The last one, when it is not recoverable or the retries are used up.</exception>
    public Task RunAsync(
        Func<CancellationToken, Task> attempt, Func<ModelRetry, Task> onRetry, CancellationToken cancellation) =>
        _retries.RunAsync(attempt, onRetry, cancellation);

    public void Dispose() => chat.Dispose();

    void RefuseExcess(long bytes, ModelCallTrace trace)
    {
        if (bytes > options.TextBytesMax)
            throw trace.Failed(new ModelFault(
                ModelFaultKind.OutputTooLong,
                $"The model provider's answer is longer than {options.TextBytesMax} bytes."));
    }
}
