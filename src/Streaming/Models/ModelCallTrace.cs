using System.Diagnostics;
using Microsoft.Extensions.AI;
using Streaming.Telemetry;

namespace Streaming.Models;

/// <summary>What is told of one call of a model: its span, how long it took, its tokens. No word of the prompt or of the answer.</summary>
sealed class ModelCallTrace(ModelInfo info, ServiceMetrics? metrics, TimeProvider clock) : IDisposable
{
    readonly Activity? _span = Traces.BeginModelCall(info.Provider, info.Model);
    readonly long _began = clock.GetTimestamp();
    string? _error;
    long _inputTokens;
    long _outputTokens;

    /// <summary>Passes the fault through that ends the call.</summary>
    public ModelFault Failed(ModelFault fault)
    {
        _error = fault.Code;
        _span.Fail(fault.Code);
        return fault;
    }

    public void Used(UsageDetails usage)
    {
        // Anthropic tells the input at the beginning, and the output so far, more than once.
        _inputTokens = Math.Max(_inputTokens, usage.InputTokenCount ?? 0);
        _outputTokens = Math.Max(_outputTokens, usage.OutputTokenCount ?? 0);
    }

    public void Dispose()
    {
        metrics?.ModelCalled(info.Provider, info.Model, clock.GetElapsedTime(_began), _error);
        Tell("input", _inputTokens);
        Tell("output", _outputTokens);
        _span?.Dispose();
    }

    void Tell(string type, long count)
    {
        if (count == 0)
            return;
        metrics?.TokensUsed(info.Provider, info.Model, type, count);
        _span?.SetTag($"gen_ai.usage.{type}_tokens", count);
    }
}
