using Microsoft.Extensions.Options;
using Streaming.Configuration;

namespace Streaming.Subscriptions;

/// <summary>
/// The time between the order to stop and the end of listening: readiness is off, so that a load balancer sends nobody else,
/// and each open stream is told to reconnect at a moment of its own, so that the other instances do not get all of them at once.
/// </summary>
/// <remarks>
/// <code>
///   running ──SIGTERM──> draining (Subscriptions:DrainTime) ──> listening ends, what still runs is waited for ──> stopped
///                         readiness off, runs handed back
/// </code>
/// </remarks>
public sealed class Drain(IHostApplicationLifetime lifetime, IOptions<SubscriptionOptions> options, TimeProvider clock) : IHostedLifecycleService
{
    readonly TimeSpan _time = options.Value.DrainTime;
    long _began;

    /// <summary>
    /// For one connection: a token that is cancelled when <paramref name="aborted"/> is, or when it is this connection's turn to go.
    /// </summary>
    public Turn Take(CancellationToken aborted) => new(this, aborted);

    /// <summary>The subscriber is told to leave when it is its turn; without a token, of which ten thousand would be held for nothing.</summary>
    public CancellationTokenRegistration Register(Subscriber subscriber) => Stopping.UnsafeRegister(static state =>
    {
        var (drain, subscriber) = ((Drain, Subscriber))state!;
        _ = drain.LeaveAsync(subscriber);
    }, (this, subscriber));

    async Task LeaveAsync(Subscriber subscriber)
    {
        await Task.Delay(Rest() * Random.Shared.NextDouble(), clock);
        subscriber.Leave();
    }

    /// <summary>What is left of the time, which begins with the first call.</summary>
    TimeSpan Rest()
    {
        var now = clock.GetTimestamp();
        var began = Interlocked.CompareExchange(ref _began, now, 0);
        var rest = began == 0 ? _time : _time - clock.GetElapsedTime(began, now);
        return rest > TimeSpan.Zero ? rest : TimeSpan.Zero;
    }

    /// <summary>The service goes on answering meanwhile.</summary>
    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        // The order to stop may have come as a call instead of a signal.
        lifetime.StopApplication();
        await Task.Delay(Rest(), clock, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>A connection's turn to go.</summary>
    public sealed class Turn : IDisposable
    {
        readonly CancellationTokenSource _source;
        readonly CancellationTokenRegistration _registration;

        public Turn(Drain drain, CancellationToken aborted)
        {
            _source = CancellationTokenSource.CreateLinkedTokenSource(aborted);
            _registration = drain.Stopping.UnsafeRegister(static state =>
            {
                var (drain, source) = ((Drain, CancellationTokenSource))state!;
                source.CancelAfter(drain.Rest() * Random.Shared.NextDouble());
            }, (drain, _source));
        }

        /// <summary>Cancelled when the client has gone, or it is time to send it away.</summary>
        public CancellationToken Token => _source.Token;

        public void Dispose()
        {
            _registration.Dispose();
            _source.Dispose();
        }
    }

    CancellationToken Stopping => lifetime.ApplicationStopping;
}
