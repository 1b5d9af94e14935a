using Streaming.Database;
using Streaming.Files;
using Streaming.Messages;
using Streaming.Models;
using Streaming.Sessions;
using Streaming.Subscriptions;
using Streaming.Transforms;

namespace Streaming.Status;

/// <summary>Puts together what the process, the rooms' meter and the database tell. Everything is looked at when it is asked for.</summary>
public sealed class StatusBoard(
    StatusReader reader, MeterReadings meter, ProcessMeter process, Dependencies dependencies, ServiceInstance instance, LiveReaders readers, StateWaiter waiter,
    TransformWorker worker, MessageAppender appender, ModelClient model, TimeProvider clock)
{
    /// <summary>Answers without the database too: then what only it knows is null.</summary>
    public async Task<SystemStatus> ReadSystemAsync(CancellationToken cancellation)
    {
        var looked = await dependencies.LookAsync(cancellation);
        var own = Instance();
        var (activity, others, database) = looked.Any(one => one is { Name: "database", Status: Dependency.Up }) ? await ReadDatabaseAsync(cancellation) : default;
        return new SystemStatus(
            clock.GetUtcNow(), Dependencies.Sum(looked), activity?.ActiveStreams, activity?.ActiveUploads, activity?.Queued,
            own.OpenStreams + (others?.Sum(other => other.OpenStreams) ?? 0), Sum(own.WebsocketConnections, others), Largest(own.QueueUtilization, others),
            activity?.AverageStreamDuration, activity?.Sub12sSuccessRate, ProcessMeter.Memory(), own, others ?? [], looked, database);
    }

    /// <exception cref="DatabaseUnavailableException"/>
    public async Task<UploadQueueStatus> ReadUploadQueueAsync(CancellationToken cancellation)
    {
        var activity = await reader.ReadActivityAsync(cancellation);
        meter.Poll();
        var now = clock.GetUtcNow();
        var places = worker.Queues.FirstOrDefault(queue => queue.Name == "uploads");
        var uploads = activity.InProgress.Where(one => one.Kind == "upload").ToList();
        var ended = activity.Ended.Where(one => one.Kind == "upload").ToList();
        return new UploadQueueStatus(
            now, Count("queued"), Count("running"), Held("streaming.uploads.receiving"), places.Places, Share(places.Running, places.Places),
            [.. StatusReader.Priorities.Select(priority => Of((int)priority))]);

        int Count(string status, int? priority = null) =>
            uploads.Where(one => one.Status == status && (priority is null || one.Priority == priority)).Sum(one => one.Count);

        UploadPriorityStatus Of(int priority)
        {
            var oldest = uploads.Where(one => one.Priority == priority && one.Status == "queued").Select(one => (DateTime?)one.Oldest).Min();
            var of = ended.Where(one => one.Priority == priority).ToList();
            var completed = of.Where(one => one.Status == "completed").ToList();
            var target = reader.TargetOf(priority);
            return new UploadPriorityStatus(
                StatusReader.NameOf(priority), Count("queued", priority), Count("running", priority),
                oldest is { } since ? Math.Round(Math.Max(0, (now.UtcDateTime - since).TotalSeconds), 3) : null, target?.TotalSeconds, of.Sum(one => one.Count),
                of.Where(one => one.Status == "failed").Sum(one => one.Count), Activity.Average(completed),
                completed.Count == 0 || target is null ? null : Math.Round((double)completed.Sum(one => one.InTime) / completed.Sum(one => one.Count), 4));
        }
    }

    /// <exception cref="DatabaseUnavailableException"/>
    public async Task<StreamingStatus> ReadStreamingAsync(CancellationToken cancellation)
    {
        var activity = await reader.ReadActivityAsync(cancellation);
        var own = Instance();
        return new StreamingStatus(
            clock.GetUtcNow(), activity.ActiveStreams, activity.AverageStreamDuration, activity.Sub12sSuccessRate, own.OpenStreams, own.Readers, own.SlowReaders,
            meter.InLastMinute("streaming.catch_up.reads"), own.MessagesPerSecond, own.Delivery, own.Commit, own.Held.AppendQueue,
            [.. activity.InProgress.Select(one => one with { Status = SessionVersion.Public(one.Status) })], activity.Ended, Files());
    }

    /// <exception cref="DatabaseUnavailableException"/>
    public async Task<WebSocketStatus> ReadWebSocketAsync(CancellationToken cancellation)
    {
        meter.Poll();
        var own = (int?)meter.Gauge("streaming.websocket.connections.open");
        return new WebSocketStatus(clock.GetUtcNow(), own is not null, Sum(own, await OthersAsync(cancellation)), own);
    }

    /// <summary>This process, without the database.</summary>
    public InstanceFigures Instance()
    {
        meter.Poll();
        var (gc, cpu) = process.Shares();
        var queues = worker.Queues.Select(queue => new QueuePlaces(queue.Name, queue.Running, queue.Places, Share(queue.Running, queue.Places))).ToList();
        var open = Held("streaming.streams.open");
        var connected = readers.SubscriberCount;
        return new InstanceFigures(
            instance.Id, instance.Role, instance.StartedAt, Math.Round(instance.Uptime.TotalSeconds), open, (int?)meter.Gauge("streaming.websocket.connections.open"), connected,
            (int)meter.InLastMinute("streaming.readers.behind"), meter.PerSecond("streaming.messages.delivered"), meter.Latency("streaming.delivery.duration"),
            meter.Latency("streaming.commit.duration"), queues, queues.Count > 0 ? queues.Max(queue => queue.Utilization) : null, cpu, gc, ProcessMeter.Threads(),
            Provider(),
            new HeldFigures(
                open, connected, readers.Count, waiter.WatchedCount, worker.RunningCount, appender.QueueLength, Held("streaming.uploads.receiving"),
                Held("streaming.files.active"), Held("streaming.files.waiting")));
    }

    ProviderFigures Provider() => new(
        model.Info.Provider, model.Info.Model, model.Circuit switch { 0 => "closed", 1 => "half_open", _ => "open" }, meter.Latency("gen_ai.client.operation.duration"),
        meter.InLastMinute("streaming.model.faults"), meter.Totals("streaming.model.faults"));

    FileFigures Files() => new(
        Held("streaming.files.active"), Held("streaming.files.waiting"), Held("streaming.files.backpressure.score"),
        ((BackpressureLevel)Held("streaming.files.backpressure.level")).ToString().ToLowerInvariant(), Math.Round(meter.Gauge("streaming.files.memory.load") ?? 0, 4),
        meter.PerSecond("streaming.files.bytes"), meter.Latency("streaming.files.chunk.duration"), meter.Median("streaming.files.chunk.size"),
        meter.Median("streaming.files.throughput"), meter.Totals("streaming.files.bytes"), meter.Totals("streaming.files.streams"),
        meter.Totals("streaming.files.memory.alerts"), meter.Totals("streaming.files.resumes"), meter.Totals("streaming.files.cleanup"), meter.Totals("streaming.files.orphans"));

    /// <summary>Nothing at all if the database goes away meanwhile.</summary>
    async Task<(Activity?, List<InstanceSample>?, DatabaseFigures?)> ReadDatabaseAsync(CancellationToken cancellation)
    {
        try
        {
            return (await reader.ReadActivityAsync(cancellation), await OthersAsync(cancellation), await reader.ReadDatabaseAsync(cancellation));
        }
        catch (DatabaseUnavailableException)
        {
            return default;
        }
    }

    async Task<List<InstanceSample>> OthersAsync(CancellationToken cancellation) =>
        [.. (await reader.ReadInstancesAsync(cancellation)).Where(sample => sample.Instance != instance.Id)];

    static int? Sum(int? own, List<InstanceSample>? others) =>
        others?.Where(other => other.WebsocketConnections is not null).Sum(other => other.WebsocketConnections) is > 0 and var sum ? sum + (own ?? 0) : own;

    static double? Largest(double? own, List<InstanceSample>? others) => (others ?? []).Select(other => other.QueueUtilization).Append(own).Max();

    static double Share(int running, int places) => places > 0 ? Math.Round((double)running / places, 4) : 0;

    int Held(string gauge) => (int)(meter.Gauge(gauge) ?? 0);
}
