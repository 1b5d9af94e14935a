using System.Collections.Concurrent;
using Microsoft.Extensions.Options;
using Streaming.Configuration;
using Streaming.Messages;
using Streaming.Notifications;

namespace Streaming.Subscriptions;

/// <summary>
/// The broadcaster: a <see cref="LiveReader"/> for each transform that has subscribers in this process, fed with the rows
/// that the appender has just committed here, and with rows read from the table when somebody else wrote them.
/// </summary>
public sealed class LiveReaders(
    MessagePages pages, IOptions<SubscriptionOptions> options, ILogger<LiveReaders> log, TimeProvider clock)
    : BackgroundService, IChangeObserver, ICommitObserver
{
    // A heartbeat may be late by a tenth of its interval: each look goes over all streams.
    const double HeartbeatLateness = 0.1;
    static readonly TimeSpan HeartbeatCheckMin = TimeSpan.FromMilliseconds(10);
    static readonly TimeSpan HeartbeatCheckMax = TimeSpan.FromSeconds(1);

    // Heads compared by one query.
    const int HeadsMax = 1000;

    static readonly TimeSpan FaultDelay = TimeSpan.FromMilliseconds(200);

    readonly SubscriptionOptions _options = options.Value;
    readonly ConcurrentDictionary<Guid, LiveReader> _readers = new();
    readonly ConcurrentDictionary<LiveReader, byte> _grown = new();
    readonly SemaphoreSlim _work = new(0, 1);
    readonly Lock _joining = new();

    /// <summary>Readers that are connected to this process; one that follows several transforms counts for each.</summary>
    public int SubscriberCount => _readers.Values.Sum(reader => reader.SubscriberCount);

    /// <summary>Transforms that have subscribers here: each has a window.</summary>
    public int Count => _readers.Count;

    /// <summary>Connects a subscriber with the live reader of a transform: from here on it is woken for every message.</summary>
    public LiveReader Subscribe(Subscriber subscriber, StreamTarget target)
    {
        // Under a lock: between finding a live reader and joining it, its last subscriber may leave.
        lock (_joining)
        {
            if (!_readers.TryGetValue(target.TransformId, out var reader))
            {
                reader = new LiveReader(target, _options);
                _readers[target.TransformId] = reader;
                ReadLater(reader);
            }

            reader.Add(subscriber);
            return reader;
        }
    }

    /// <summary>Undoes one <see cref="Subscribe"/>.</summary>
    public void Unsubscribe(Subscriber subscriber, LiveReader reader)
    {
        lock (_joining)
            if (reader.Remove(subscriber))
                _readers.TryRemove(reader.Target.TransformId, out _);
    }

    /// <inheritdoc/>
    public void Committing(Guid transformId, int first, int last)
    {
        if (_readers.TryGetValue(transformId, out var reader))
            reader.Expect(first, last);
    }

    /// <inheritdoc/>
    public void Committed(Guid transformId, IReadOnlyList<MessageRow> rows)
    {
        if (_readers.TryGetValue(transformId, out var reader))
        {
            reader.TakeExpected(rows);
            if (reader.Missing is not null)
                ReadLater(reader);
        }
    }

    /// <inheritdoc/>
    public void MessagesAppended(Guid transformId, int head)
    {
        if (_readers.TryGetValue(transformId, out var reader) && reader.Grew(head))
            ReadLater(reader);
    }

    /// <inheritdoc/>
    public void StatusChanged(Guid transformId, Guid sessionId, string status)
    {
        if (status == "deleted")
            Vanished(transformId);
    }

    void Vanished(Guid transformId)
    {
        if (_readers.TryGetValue(transformId, out var reader))
            reader.Vanish();
    }

    /// <inheritdoc/>
    public void ListenerConnected()
    {
        foreach (var reader in _readers.Values)
            Suspected(reader);
    }

    void Suspected(LiveReader reader)
    {
        reader.Suspect();
        ReadLater(reader);
    }

    void ReadLater(LiveReader reader)
    {
        _grown[reader] = 0;
        lock (_work)
            if (_work.CurrentCount == 0)
                _work.Release();
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        Task.WhenAll(ReadLoopAsync(stoppingToken), ReconcileLoopAsync(stoppingToken), HeartbeatLoopAsync(stoppingToken));

    /// <summary>One query for all transforms that have grown; ends with the service.</summary>
    async Task ReadLoopAsync(CancellationToken stopping)
    {
        while (true)
        {
            await _work.WaitAsync(stopping);
            try
            {
                await ReadGrownAsync(stopping);
            }
            catch (Exception fault) when (fault is not OperationCanceledException)
            {
                log.LogWarning("New messages could not be read, trying again: {Reason}", fault.Message);
                await Task.Delay(FaultDelay, clock, stopping);
                ListenerConnected();
            }
        }
    }

    async Task ReadGrownAsync(CancellationToken stopping)
    {
        var readers = new List<(LiveReader Reader, LiveReader.Gap Gap)>();
        foreach (var reader in _grown.Keys)
        {
            _grown.TryRemove(reader, out _);
            // The rows may have been handed over since: the usual case for this process's own.
            if (reader.Missing is { } missing)
                readers.Add((reader, missing));
        }

        if (readers.Count == 0)
            return;
        var grown = await pages.ReadNewAsync([.. readers.Select(r => (r.Reader.Target.TransformId, r.Gap.After))], stopping);
        foreach (var (reader, gap) in readers)
        {
            var page = grown[(reader.Target.TransformId, gap.After)];
            if (page.IsFull)
                reader.Add(page.Rows);
            else
                reader.AddLast(page.Rows, gap);
            if (reader.Missing is not null)
                ReadLater(reader);
        }
    }

    /// <summary>A notification may be lost: compares heads every <c>Subscriptions:ReconcileInterval</c>; ends with the service.</summary>
    async Task ReconcileLoopAsync(CancellationToken stopping)
    {
        using var timer = new PeriodicTimer(_options.ReconcileInterval, clock);
        while (await timer.WaitForNextTickAsync(stopping))
        {
            try
            {
                foreach (var some in _readers.Select(reader => (reader.Key, reader.Value.Head)).Chunk(HeadsMax))
                    foreach (var (transformId, head, stays) in await pages.ReadHeadsAsync(some, stopping))
                        if (!stays)
                            Vanished(transformId);
                        else if (_readers.TryGetValue(transformId, out var reader) && head > reader.Head)
                            // Even what this process is committing: the answer to that may be held up.
                            Suspected(reader);
            }
            catch (Exception fault) when (fault is not OperationCanceledException)
            {
                log.LogWarning("Heads could not be compared, next try in {Interval}: {Reason}", _options.ReconcileInterval, fault.Message);
            }
        }
    }

    /// <summary>One timer for all streams instead of one each; ends with the service.</summary>
    async Task HeartbeatLoopAsync(CancellationToken stopping)
    {
        var check = HeartbeatLateness * _options.HeartbeatInterval;
        using var timer = new PeriodicTimer(
            check < HeartbeatCheckMin ? HeartbeatCheckMin : check > HeartbeatCheckMax ? HeartbeatCheckMax : check, clock);
        while (await timer.WaitForNextTickAsync(stopping))
            // Over all streams: nothing is allocated for one, and Values would copy them all.
            foreach (var (_, reader) in _readers)
                reader.WakeSilent(_options.HeartbeatInterval);
    }

    public override void Dispose()
    {
        _work.Dispose();
        base.Dispose();
    }
}
