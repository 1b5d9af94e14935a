using Microsoft.Extensions.AI;

namespace Streaming.Models;

/// <summary>One request on its way: its two time limits, and the naming of whatever ends it.</summary>
/// <remarks>
/// <code>
///            ┌── update with text ──► true
/// MoveNext ──┼── finished, then the end (in good order or not) ──► false
///            ├── caller's token ──► OperationCanceledException
///            └── silence, run limit, provider's exception, end without finish reason ──► ModelFault
/// </code>
/// Time limits cancel the request itself rather than leave it behind: the provider stops generating, and billing.
/// </remarks>
sealed class ModelCall : IAsyncDisposable
{
    readonly ModelOptions _options;
    readonly TimeProvider _clock;
    readonly CancellationToken _cancellation;
    readonly CancellationTokenSource _run;
    readonly CancellationTokenSource _silence;
    readonly CancellationTokenSource _request;
    readonly IAsyncEnumerator<ChatResponseUpdate> _updates;
    readonly ModelCallTrace _trace;
    bool _finished;

    public ModelCall(
        IChatClient chat,
        IReadOnlyList<ChatMessage> messages,
        int? outputTokensMax,
        ModelOptions options,
        TimeProvider clock,
        ModelCallTrace trace,
        CancellationToken cancellation)
    {
        _trace = trace;
        _options = options;
        _clock = clock;
        _cancellation = cancellation;
        _run = new CancellationTokenSource(options.RunTimeout, clock);
        _silence = new CancellationTokenSource(Timeout.InfiniteTimeSpan, clock);
        _request = CancellationTokenSource.CreateLinkedTokenSource(cancellation, _run.Token, _silence.Token);
        var limits = new ChatOptions { MaxOutputTokens = outputTokensMax is { } most ? Math.Min(most, options.OutputTokensMax ?? most) : options.OutputTokensMax };
        _updates = chat
            .GetStreamingResponseAsync(messages, limits, _request.Token)
            .GetAsyncEnumerator(_request.Token);
    }

    /// <summary>The text of the current update; may be empty.</summary>
    public string Text { get; private set; } = "";

    /// <summary>Goes to the next update; false at the end of a finished answer.</summary>
    public async ValueTask<bool> MoveNextAsync()
    {
        try
        {
            _cancellation.ThrowIfCancellationRequested();
            _silence.CancelAfter(_options.TokenTimeout);
            var more = await _updates.MoveNextAsync();
            // The caller's own time, until it asks again, is no silence of the provider.
            _silence.CancelAfter(Timeout.InfiniteTimeSpan);
            if (more)
            {
                Read(_updates.Current);
                return true;
            }
        }
        catch (Exception e) when (!_cancellation.IsCancellationRequested)
        {
            // All the text has come; only the usage, or the close, was lost.
            if (_finished && e is not ModelFault) return false;
            if (Fault(e) is not { } fault) throw;
            throw _trace.Failed(fault);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            // A request that is cancelled may break in other ways too: the caller sees what it asked for.
            throw new OperationCanceledException("The call was cancelled.", e, _cancellation);
        }
        if (_finished) return false;
        throw _trace.Failed(new ModelFault(ModelFaultKind.Incomplete, "The model provider ended its answer without finishing it."));
    }

    public async ValueTask DisposeAsync()
    {
        await _updates.DisposeAsync();
        _request.Dispose();
        _silence.Dispose();
        _run.Dispose();
    }

    void Read(ChatResponseUpdate update)
    {
        Text = update.Text;
        foreach (var content in update.Contents)
            if (content is UsageContent usage)
                _trace.Used(usage.Details);
        if (update.FinishReason is not { } reason) return;
        _finished = true;
        if (reason == ChatFinishReason.ContentFilter)
            throw new ModelFault(ModelFaultKind.Refused, "The model provider's content filter stopped the answer.");
    }

    ModelFault? Fault(Exception e)
    {
        if (_run.IsCancellationRequested)
            return new(ModelFaultKind.Timeout, $"The model provider took longer than {_options.RunTimeout}.", inner: e);
        if (_silence.IsCancellationRequested)
            return new(
                ModelFaultKind.Timeout, $"The model provider sent nothing for {_options.TokenTimeout}.", inner: e);
        return ModelFaults.From(e, _clock);
    }
}
