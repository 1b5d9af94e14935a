using System.Text.Json.Serialization;

namespace Streaming.Status;

/// <summary>The service now. Null is what is not known: the database does not answer, or nothing was measured.</summary>
/// <param name="At">When it was looked.</param>
/// <param name="Status"><c>healthy</c>, <c>degraded</c> or <c>unhealthy</c>, see <see cref="Dependencies"/>.</param>
/// <param name="ActiveStreams">Of all instances: generations and relays that are being written.</param>
/// <param name="ActiveUploads">Of all: uploads that are being worked on.</param>
/// <param name="Queued">Of all: transforms that wait for a worker.</param>
/// <param name="OpenStreams">Of all: connections that read, WebSockets among them, and waiting reads.</param>
/// <param name="WebsocketConnections">Of these, the WebSockets; null: there are none here.</param>
/// <param name="QueueUtilization">Share of its places that the fullest queue of any instance has taken.</param>
/// <param name="AverageStreamDuration">Of all: seconds that the completed generations of the last hour ran.</param>
/// <param name="Sub12sSuccessRate">Of all: share of the analyses that ended within the last hour which were complete 12 s after their request.</param>
/// <param name="Memory">Of this instance.</param>
/// <param name="Instance">This instance.</param>
/// <param name="Instances">The others, as their last sample says.</param>
/// <param name="Dependencies">What this instance needs.</param>
/// <param name="Database">What the server tells of itself.</param>
public sealed record SystemStatus(
    DateTimeOffset At, string Status, int? ActiveStreams, int? ActiveUploads, int? Queued, int OpenStreams, int? WebsocketConnections, double? QueueUtilization,
    double? AverageStreamDuration, [property: JsonPropertyName("sub12s_success_rate")] double? Sub12sSuccessRate, MemoryFigures Memory, InstanceFigures Instance,
    IReadOnlyList<InstanceSample> Instances, IReadOnlyList<Dependency> Dependencies, DatabaseFigures? Database);

/// <summary>One process.</summary>
public sealed record InstanceFigures(
    string Id, string Role, DateTimeOffset StartedAt, double UptimeSeconds, int OpenStreams, int? WebsocketConnections, int Readers, int SlowReaders,
    double MessagesPerSecond, Latency Delivery, Latency Commit, IReadOnlyList<QueuePlaces> Queues, double? QueueUtilization, double CpuShare, GcFigures Gc,
    ThreadFigures Threads, ProviderFigures Provider, HeldFigures Held);

/// <summary>The places that an instance has for the transforms of a queue.</summary>
public sealed record QueuePlaces(string Name, int Running, int Places, double Utilization);

/// <param name="UsedBytes">Of the two, heap against what the collector may use and process against its control group, that which is fuller.</param>
/// <param name="LimitBytes">Its limit.</param>
/// <param name="Load">Used of the limit, 0-1.</param>
/// <param name="Level"><c>normal</c>, <c>warning</c> from 0.60, <c>critical</c> from 0.75, <c>emergency</c> from 0.85.</param>
/// <param name="HeapBytes">Objects of the managed heap.</param>
/// <param name="WorkingSetBytes">All that the process has in memory.</param>
/// <param name="GroupLimitBytes">Limit of the control group; null: none.</param>
public sealed record MemoryFigures(long UsedBytes, long LimitBytes, double Load, string Level, long HeapBytes, long WorkingSetBytes, long? GroupLimitBytes);

/// <param name="Collections">Since the start, by generation.</param>
/// <param name="PauseShare">Share of the time that collections have stopped the process for, since the sample before.</param>
/// <param name="AllocatedBytesPerSecond">Since the sample before.</param>
/// <param name="FragmentedBytes">Free between objects, at the last collection.</param>
public sealed record GcFigures(IReadOnlyList<int> Collections, double PauseShare, double AllocatedBytesPerSecond, long FragmentedBytes);

/// <param name="Count">Of the pool.</param>
/// <param name="Waiting">Work that waits for one of them.</param>
public sealed record ThreadFigures(int Count, long Waiting);

/// <summary>The model's provider, as this process knows it.</summary>
/// <param name="Name">As in <c>Models:Provider</c>.</param>
/// <param name="Model">Its model.</param>
/// <param name="Circuit"><c>closed</c>, <c>half_open</c> or <c>open</c>.</param>
/// <param name="Calls">Within the last minute, from the request to the end of the answer.</param>
/// <param name="FaultsInLastMinute">Those that were tried again included.</param>
/// <param name="Faults">Since the start, by code.</param>
public sealed record ProviderFigures(string Name, string Model, string Circuit, Latency Calls, long FaultsInLastMinute, IReadOnlyDictionary<string, long> Faults);

/// <summary>What the process holds on behalf of somebody. All of it is 0 when nobody is connected and nothing runs.</summary>
public sealed record HeldFigures(
    int OpenStreams, int Readers, int LiveReaders, int WatchedSessions, int Runs, int AppendQueue, int UploadsReceiving, int FileStreams, int FileStreamsWaiting);

/// <summary>The newest sample of an instance.</summary>
public sealed record InstanceSample
{
    public required string Instance { get; init; }
    public required string Role { get; init; }
    public required DateTime At { get; init; }
    public required int OpenStreams { get; init; }
    public required int Readers { get; init; }
    public required int SlowReaders { get; init; }
    public int? WebsocketConnections { get; init; }
    public required int Runs { get; init; }
    public required int Places { get; init; }
    public double? QueueUtilization { get; init; }
    public double? DeliveryP99Ms { get; init; }
    public required long WorkingSetBytes { get; init; }
    public required double MemoryLoad { get; init; }
    public required double CpuShare { get; init; }
}

/// <summary>What all instances together were at one moment.</summary>
public sealed record HistoryPoint
{
    public required DateTime At { get; init; }
    public required int Instances { get; init; }
    public required int ActiveStreams { get; init; }
    public required int ActiveUploads { get; init; }
    public required int Queued { get; init; }
    public required int OpenStreams { get; init; }
    public int? WebsocketConnections { get; init; }
    public required int SlowReaders { get; init; }
    public double? QueueUtilization { get; init; }
    public double? AverageStreamDuration { get; init; }

    [JsonPropertyName("sub12s_success_rate")]
    public double? Sub12sSuccessRate { get; init; }

    public required double MessagesPerSecond { get; init; }
    public double? DeliveryP50Ms { get; init; }
    public double? DeliveryP99Ms { get; init; }
    public double? CommitP99Ms { get; init; }
    public required long WorkingSetBytes { get; init; }
    public required long HeapBytes { get; init; }
    public required double MemoryLoad { get; init; }
    public required double GcPauseShare { get; init; }
    public required double CpuShare { get; init; }
    public double? DatabaseMs { get; init; }
}

/// <param name="From">What is older was not asked for, or is not kept.</param>
/// <param name="IntervalSeconds">Between two points; where one is missing, no instance ran.</param>
/// <param name="Points">In order.</param>
public sealed record History(DateTimeOffset From, double IntervalSeconds, IReadOnlyList<HistoryPoint> Points);

/// <summary>A transform, whoever asked for it.</summary>
public sealed record RunRow
{
    public required Guid Id { get; init; }
    public required Guid SessionId { get; init; }
    public required string UserId { get; init; }
    public required string Kind { get; init; }
    public required int Ordinal { get; init; }
    public required int Attempt { get; init; }
    public required string Status { get; init; }
    public required DateTime CreatedAt { get; init; }
    public DateTime? StartedAt { get; init; }
    public DateTime? EndedAt { get; init; }
    public string? Error { get; init; }
    public string? Model { get; init; }
}

/// <param name="Items">The newest first.</param>
/// <param name="NextCursor">For <c>?cursor=</c>; null: that was the last page.</param>
public sealed record RunPage(IReadOnlyList<RunRow> Items, string? NextCursor);

/// <summary>All that the dashboard begins with.</summary>
public sealed record Dashboard(SystemStatus Now, History History, RunPage Runs);

/// <param name="Connections">To this database.</param>
/// <param name="ConnectionsMax">To the server at most.</param>
/// <param name="OldestTransactionSeconds">How long the oldest transaction is open; null: none is.</param>
/// <param name="Replicas">That stream from this server.</param>
/// <param name="ReplicationLagSeconds">Of the slowest; null: none, nothing is written, or the user may not see it.</param>
public sealed record DatabaseFigures(int Connections, int ConnectionsMax, double? OldestTransactionSeconds, int Replicas, double? ReplicationLagSeconds)
{
    /// <summary>For Dapper.</summary>
    public DatabaseFigures() : this(0, 0, null, 0, null)
    {
    }
}

/// <summary>Transforms in progress of one kind, queue, priority and status.</summary>
public sealed record InProgress
{
    public required string Kind { get; init; }
    public required string Queue { get; init; }
    public required int Priority { get; init; }
    public required string Status { get; init; }
    public required int Count { get; init; }
    public required DateTime Oldest { get; init; }
}

/// <summary>Transforms that have ended of late, of one kind, queue, priority and status.</summary>
public sealed record Ended
{
    public required string Kind { get; init; }
    public required string Queue { get; init; }
    public required int Priority { get; init; }
    public required string Status { get; init; }
    public required int Count { get; init; }
    public required double AverageSeconds { get; init; }
    public required double P50Seconds { get; init; }
    public required double P95Seconds { get; init; }
    public required int InTime { get; init; }
}

/// <param name="At">When it was looked.</param>
/// <param name="Queued">Of all instances: uploads that wait, 10,000 at most.</param>
/// <param name="ActiveUploads">Of all: uploads that are being worked on.</param>
/// <param name="Receiving">Of this instance: uploads whose bytes are being received.</param>
/// <param name="Places">Of this instance: uploads that it works on at once.</param>
/// <param name="QueueUtilization">Of this instance: share of the places that are taken.</param>
/// <param name="Priorities">Of all, the most urgent first.</param>
public sealed record UploadQueueStatus(
    DateTimeOffset At, int Queued, int ActiveUploads, int Receiving, int Places, double QueueUtilization, IReadOnlyList<UploadPriorityStatus> Priorities);

/// <param name="Priority">Its name.</param>
/// <param name="Queued">That wait.</param>
/// <param name="Running">That are being worked on.</param>
/// <param name="OldestWaitSeconds">Since when the oldest waits; null: none does.</param>
/// <param name="TargetSeconds">From the request until it is to be ready; null: it has none.</param>
/// <param name="EndedInHour">That have ended within the last hour.</param>
/// <param name="FailedInHour">Of these, those that have failed.</param>
/// <param name="AverageSeconds">That the completed ones ran.</param>
/// <param name="InTimeShare">Of the completed ones, those that met the target; null: none was completed, or there is no target.</param>
public sealed record UploadPriorityStatus(
    string Priority, int Queued, int Running, double? OldestWaitSeconds, double? TargetSeconds, int EndedInHour, int FailedInHour, double? AverageSeconds, double? InTimeShare);

/// <param name="Id">The session.</param>
/// <param name="Status">As in its state.</param>
/// <param name="Priority">Its name.</param>
/// <param name="Attempt">Of the present transform.</param>
/// <param name="Ahead">Uploads that are taken before it, while it is queued; one that has waited for long may pass them.</param>
/// <param name="Progress">0-100; null before the first.</param>
/// <param name="CreatedAt">Of the request.</param>
/// <param name="StartedAt">When a worker took it first.</param>
/// <param name="EndedAt">When it was ready, failed, or was cancelled.</param>
/// <param name="WaitedSeconds">Until a worker took it, or until now.</param>
/// <param name="ElapsedSeconds">From the request to the end, or until now.</param>
/// <param name="TargetSeconds">From the request until it is to be ready; null: it has none.</param>
/// <param name="Error">Code of its failure.</param>
/// <param name="OriginalSize">Bytes that came; this and the following when it is ready.</param>
/// <param name="CompressedSize">Bytes that were made of them.</param>
/// <param name="CompressionRatio">The second by the first.</param>
/// <param name="Strategy">What was done.</param>
/// <param name="Ssim">How similar it is.</param>
/// <param name="Url">Its state.</param>
public sealed record UploadStatus(
    Guid Id, string Status, string Priority, int Attempt, int? Ahead, double? Progress, DateTimeOffset CreatedAt, DateTimeOffset? StartedAt, DateTimeOffset? EndedAt,
    double WaitedSeconds, double ElapsedSeconds, double? TargetSeconds, string? Error, long? OriginalSize, long? CompressedSize, double? CompressionRatio, string? Strategy,
    double? Ssim, string Url);

/// <param name="At">When it was looked.</param>
/// <param name="ActiveStreams">Of all instances, as in the system's status.</param>
/// <param name="AverageStreamDuration">The same.</param>
/// <param name="Sub12sSuccessRate">The same.</param>
/// <param name="OpenStreams">Of this instance: connections that read, WebSockets among them, and waiting reads.</param>
/// <param name="Readers">Of this instance: readers, one for each session that a connection follows.</param>
/// <param name="SlowReaders">Of this instance: readers that fell behind within the last minute.</param>
/// <param name="CatchUpReads">Of this instance: pages read within the last minute for readers that were behind.</param>
/// <param name="MessagesPerSecond">Of this instance: messages written to readers.</param>
/// <param name="Delivery">Of this instance: from the time of a message to the end of the write that carried it.</param>
/// <param name="Commit">Of this instance: one commit of messages.</param>
/// <param name="AppendQueue">Of this instance: messages that wait for their commit.</param>
/// <param name="InProgress">Of all: what is queued and what runs.</param>
/// <param name="EndedInHour">Of all: what has ended within the last hour.</param>
/// <param name="Files">Of this instance: streams of files.</param>
public sealed record StreamingStatus(
    DateTimeOffset At, int ActiveStreams, double? AverageStreamDuration, [property: JsonPropertyName("sub12s_success_rate")] double? Sub12sSuccessRate, int OpenStreams,
    int Readers, int SlowReaders, long CatchUpReads, double MessagesPerSecond, Latency Delivery, Latency Commit, int AppendQueue, IReadOnlyList<InProgress> InProgress,
    IReadOnlyList<Ended> EndedInHour, FileFigures Files);

/// <summary>Streams of files of this instance: what the room Files measures.</summary>
public sealed record FileFigures(
    int Active, int Waiting, int BackpressureScore, string BackpressureLevel, double MemoryLoad, double BytesPerSecond, Latency Chunk, double? ChunkBytes,
    double? StreamBytesPerSecond, IReadOnlyDictionary<string, long> Bytes, IReadOnlyDictionary<string, long> Streams, IReadOnlyDictionary<string, long> MemoryAlerts,
    IReadOnlyDictionary<string, long> Resumes, IReadOnlyDictionary<string, long> Cleanup, IReadOnlyDictionary<string, long> Orphans);

/// <param name="At">When it was looked.</param>
/// <param name="Available">Whether there are WebSockets here.</param>
/// <param name="WebsocketConnections">Of all instances; null: there are none here.</param>
/// <param name="OfThisInstance">Of this one.</param>
public sealed record WebSocketStatus(DateTimeOffset At, bool Available, int? WebsocketConnections, int? OfThisInstance);
