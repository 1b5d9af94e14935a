using Streaming.Http.Limits;
using Streaming.Transforms;
using Streaming.WebSockets;

namespace Streaming.Configuration;

/// <summary>What the rooms hold, for <c>system:status</c>.</summary>
public sealed class StatusSource(OpenStreams streams, OpenConnections connections, TransformWorker worker) : IStatusSource
{
    public ServiceStatus Sample() => new(
        streams.Count, connections.Count, worker.RunningCount, worker.QueuedCount, Environment.WorkingSet, GC.GetTotalMemory(forceFullCollection: false));
}
