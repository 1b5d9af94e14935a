using Polly;
using Polly.CircuitBreaker;
using Polly.Retry;

namespace Streaming.Models;

/// <summary>A retry that is about to be waited for.</summary>
/// <param name="Fault">Why the attempt failed.</param>
/// <param name="Attempt">The attempt that failed, from 1.</param>
/// <param name="Delay">The wait before the next one.</param>
public sealed record ModelRetry(ModelFault Fault, int Attempt, TimeSpan Delay);

/// <summary>Tries again what may succeed the next time, and leaves a provider alone that keeps failing. The retries are
/// outside, the circuit breaker inside: an open circuit is one more fault to wait out.</summary>
sealed class ModelRetries
{
    // Added to a Retry-After, at random up to this share, so that runs turned away together do not return together.
    const double RetryAfterSpread = 0.2;

    static readonly ResiliencePropertyKey<Func<ModelRetry, Task>> OnRetry = new("Streaming.Models.OnRetry");

    readonly ModelOptions _options;
    readonly ResiliencePipeline _retry;
    readonly ResiliencePipeline _breaker;
    readonly CircuitBreakerStateProvider _circuit = new();
    readonly Action<ModelFault> _onFault;

    /// <param name="options">How often, how long, when to leave it alone.</param>
    /// <param name="clock">Of the waits.</param>
    /// <param name="onFault">Hears of every fault, also of those that are tried again.</param>
    public ModelRetries(ModelOptions options, TimeProvider clock, Action<ModelFault> onFault)
    {
        (_options, _onFault) = (options, onFault);
        _retry = RetryPipeline(options, clock);
        _breaker = new ResiliencePipelineBuilder { TimeProvider = new SteadyClock(clock) }
            .AddCircuitBreaker(new CircuitBreakerStrategyOptions
            {
                FailureRatio = options.BreakerFailureRatio,
                MinimumThroughput = options.BreakerRequestsMin,
                SamplingDuration = options.BreakerSampling,
                BreakDuration = options.BreakerPause,
                StateProvider = _circuit,
                ShouldHandle = args => ValueTask.FromResult(args.Outcome.Exception is ModelFault { Kind.Unwell: true }),
            })
            .Build();
    }

    /// <summary>State of the breaker.</summary>
    public CircuitState Circuit => _circuit.CircuitState;

    /// <inheritdoc cref="ModelClient.RunAsync"/>
    public async Task RunAsync(
        Func<CancellationToken, Task> attempt, Func<ModelRetry, Task> onRetry, CancellationToken cancellation)
    {
        var context = ResilienceContextPool.Shared.Get(cancellation);
        context.Properties.Set(OnRetry, onRetry);
        try
        {
            await _retry.ExecuteAsync(
                static async (context, state) =>
                    await state.Retries.GuardAsync(state.Attempt, context.CancellationToken),
                context,
                (Retries: this, Attempt: attempt));
        }
        finally
        {
            ResilienceContextPool.Shared.Return(context);
        }
    }

    async ValueTask GuardAsync(Func<CancellationToken, Task> attempt, CancellationToken cancellation)
    {
        try
        {
            await _breaker.ExecuteAsync(
                static async (attempt, cancellation) => await attempt(cancellation),
                attempt,
                cancellation);
        }
        catch (ModelFault fault)
        {
            _onFault(fault);
            throw;
        }
        catch (BrokenCircuitException e)
        {
            var fault = new ModelFault(
                ModelFaultKind.CircuitOpen,
                "The model provider keeps failing and is left alone for a while.",
                e.RetryAfter ?? _options.BreakerPause,
                e);
            _onFault(fault);
            throw fault;
        }
    }

    static ResiliencePipeline RetryPipeline(ModelOptions options, TimeProvider clock)
    {
        // Polly refuses a retry strategy of no retries.
        if (options.RetriesMax == 0) return ResiliencePipeline.Empty;
        return new ResiliencePipelineBuilder { TimeProvider = clock }
            .AddRetry(new RetryStrategyOptions
            {
                MaxRetryAttempts = options.RetriesMax,
                Delay = options.RetryBaseDelay,
                MaxDelay = options.RetryDelayMax,
                BackoffType = DelayBackoffType.Exponential,
                UseJitter = true,
                ShouldHandle = args => ValueTask.FromResult(args.Outcome.Exception is ModelFault { Recoverable: true }),
                // Null leaves it to the backoff.
                DelayGenerator = args => ValueTask.FromResult(Wait((ModelFault)args.Outcome.Exception!, options)),
                OnRetry = async args =>
                {
                    if (!args.Context.Properties.TryGetValue(OnRetry, out var onRetry)) return;
                    var fault = (ModelFault)args.Outcome.Exception!;
                    await onRetry(new ModelRetry(fault, args.AttemptNumber + 1, args.RetryDelay));
                },
            })
            .Build();
    }

    static TimeSpan? Wait(ModelFault fault, ModelOptions options)
    {
        if (fault.RetryAfter is not { } asked) return null;
        var spread = asked * (1 + RetryAfterSpread * Random.Shared.NextDouble());
        return spread < options.RetryDelayMax ? spread : options.RetryDelayMax;
    }
}
