using Streaming.Http;
using Streaming.Http.Limits;
using Streaming.Messages;
using Streaming.Models;
using Streaming.Telemetry;
using Streaming.Transforms;
using Streaming.WebSockets;

namespace Streaming.Configuration;

/// <summary>Shows the metrics what the rooms hold, for whoever collects them.</summary>
public sealed class ServiceObserver(
    ServiceMetrics metrics, OpenStreams streams, MessageAppender appender, TransformWorker worker, ImageReceiver uploads, ModelClient model, OpenConnections connections) : IHostedService
{
    public Task StartAsync(CancellationToken cancellationToken)
    {
        metrics.Observe(() => streams.Count, () => appender.QueueLength, () => worker.RunningCount, () => worker.QueuedCount,
            () => uploads.ReceivedNow, () => (model.Info.Provider, model.Circuit));
        metrics.ObserveWebSockets(() => connections.Count);
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
