using System.Collections.Concurrent;
using System.Threading.Channels;
using Microsoft.Extensions.Options;
using Npgsql;
using Streaming.Configuration;
using Streaming.Database;
using Streaming.Telemetry;

namespace Streaming.Messages;

/// <summary>
/// Group commit: one loop takes whatever messages are waiting, of all runs, and commits them in one transaction. Under
/// load the batch grows by itself; an idle loop commits a single message at once.
/// </summary>
/// <remarks>
/// <code>
///   waiting ──messages──> writing ──committed──> handing over ──> waiting
///                          │  ▲                    └──more wait──> first the next is sent, then this is handed over
///                        fault └──> settling: what did the fault leave committed? whose lease still stands?
///                          └──a row is locked──> each of its runs set aside ──committed, nothing waits──> back in the loop
/// </code>
/// A run that is set aside is written by a task of its own, in order, until it has caught up. So a lock that somebody holds
/// on one transform holds up that transform, and no other.
/// </remarks>
public sealed class MessageAppender(
    Postgres postgres, IOptions<MessageOptions> options, IEnumerable<ICommitObserver> observers,
    ServiceMetrics metrics, ILogger<MessageAppender> log, TimeProvider clock) : BackgroundService
{
    readonly Channel<Append> _queue = Channel.CreateBounded<Append>(new BoundedChannelOptions(options.Value.QueueMax)
    {
        SingleReader = true,
        FullMode = BoundedChannelFullMode.Wait,
    });

    readonly ICommitObserver[] _observers = [.. observers];
    readonly ConcurrentDictionary<RunLease, SetAside> _aside = new();

    /// <summary>A run that is written beside the loop. Whoever holds its lock may number its messages.</summary>
    sealed class SetAside
    {
        /// <summary>Messages that came since, in order; bounded by the queue that they came through and <see cref="EnqueueAsync"/>.</summary>
        public List<Append> Waiting { get; } = [];

        public bool HasCaughtUp { get; set; }

        public TaskCompletionSource CaughtUp { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    /// <summary>Messages that wait for the loop.</summary>
    public int QueueLength => _queue.Reader.Count;

    /// <summary>
    /// Queues a message; waits while the queue is full. Messages of one run are numbered in the order of these calls, so a
    /// run makes them one after the other.
    /// </summary>
    /// <exception cref="LeaseLostException">The run may not write any more.</exception>
    public async ValueTask EnqueueAsync(Append append, CancellationToken cancellation)
    {
        // What a run that is set aside has queued already waits without the queue's bound: it may not add to that.
        if (_aside.TryGetValue(append.Lease, out var aside))
            await aside.CaughtUp.Task.WaitAsync(cancellation);
        if (append.Lease.LostReason is not null)
            throw new LeaseLostException(append.Lease);
        try
        {
            await _queue.Writer.WriteAsync(append, cancellation);
        }
        catch (ChannelClosedException)
        {
            append.Lease.Lose("the service is stopping");
            throw new LeaseLostException(append.Lease);
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // The stop closes the queue instead of breaking off: what was accepted is committed first.
        var (batch, committed) = (new AppendBatch(), new AppendBatch());
        do
        {
            while (batch.Count < options.Value.BatchMessagesMax && _queue.Reader.TryRead(out var append))
                if (!WaitsAside(append))
                    Number(append, batch);
            // Sent before the last batch is handed over: PostgreSQL writes the one while the readers are told of the other.
            // Should it be settled and handed over first, after a fault, a reader finds a gap and reads it from the table.
            var commit = batch.Count > 0 ? CommitAsync(batch, isAside: false, stoppingToken) : Task.CompletedTask;
            HandOver(committed);
            await commit;
            (batch, committed) = (committed, batch);
            if (_queue.Reader.Count == 0)
                HandOver(committed);
        }
        while (await _queue.Reader.WaitToReadAsync(CancellationToken.None));

        await Task.WhenAll(_aside.Values.Select(aside => aside.CaughtUp.Task));
    }

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        _queue.Writer.TryComplete();
        if (ExecuteTask is { } loop && postgres.IsOpen)
            await Task.WhenAny(loop, Task.Delay(Timeout.InfiniteTimeSpan, clock, cancellationToken));
        await base.StopAsync(cancellationToken);
    }

    void Number(Append append, AppendBatch batch)
    {
        if (append.Lease.LostReason is not null)
        {
            append.Fail();
            return;
        }

        append.Index = append.Lease.NextIndex++;
        append.Time = DateTimeOffset.FromUnixTimeMilliseconds(clock.GetUtcNow().ToUnixTimeMilliseconds());
        batch.Add(append);
    }

    /// <summary>Commits a batch. What is in it afterwards is committed, and to be handed over.</summary>
    async Task CommitAsync(AppendBatch batch, bool isAside, CancellationToken stopping)
    {
        try
        {
            await WriteAsync(batch, isAside, stopping);
        }
        catch (Exception fault)
        {
            await SettleAsync(batch, isAside, fault, stopping);
        }
    }

    /// <summary>Writes a batch; runs whose lease is lost are taken out of it.</summary>
    async Task WriteAsync(AppendBatch batch, bool isAside, CancellationToken stopping)
    {
        var began = clock.GetTimestamp();
        foreach (var (lease, messages) in batch.Runs)
            foreach (var observer in _observers)
                observer.Committing(lease.TransformId, messages[0].Index, messages[^1].Index);
        await using var connection = await (isAside ? postgres.ConnectAsync(stopping) : postgres.ConnectAsync(OwnConnection.Commits, stopping));
        var lost = await batch.WriteAsync(connection, options.Value.LockPatience, CancellationToken.None);
        var duration = clock.GetElapsedTime(began);
        foreach (var lease in lost)
        {
            GiveUp(lease, batch.Runs[lease], "the transform was ended or taken over", null);
            batch.Remove(lease);
        }

        metrics.Committed(batch.Count, duration);
    }

    void HandOver(AppendBatch batch)
    {
        foreach (var (lease, messages) in batch.Runs)
            Complete(lease, messages);
        batch.Clear();
    }

    bool WaitsAside(Append append)
    {
        if (!_aside.TryGetValue(append.Lease, out var aside))
            return false;
        lock (aside)
        {
            if (aside.HasCaughtUp)
                return false;
            aside.Waiting.Add(append);
            return true;
        }
    }

    /// <summary>Writes a run's messages beside the loop, and those that come meanwhile, until none wait or its lease is lost.</summary>
    async Task WriteAsideAsync(RunLease lease, AppendBatch batch, SetAside aside, CancellationToken stopping)
    {
        while (!aside.HasCaughtUp)
        {
            await CommitAsync(batch, isAside: true, stopping);
            HandOver(batch);
            lock (aside)
            {
                foreach (var append in aside.Waiting)
                    Number(append, batch);
                aside.Waiting.Clear();
                if (batch.Count > 0)
                    continue;
                aside.HasCaughtUp = true;
                _aside.TryRemove(lease, out _);
            }
        }

        aside.CaughtUp.SetResult();
    }

    /// <summary>Somebody holds a lock that one of these runs needs; which of them will show by itself.</summary>
    void SetAsideAll(AppendBatch batch, CancellationToken stopping)
    {
        foreach (var (lease, messages) in batch.Runs.ToList())
        {
            var single = new AppendBatch();
            messages.ForEach(single.Add);
            batch.Remove(lease);
            var aside = new SetAside();
            _aside[lease] = aside;
            _ = Task.Run(() => WriteAsideAsync(lease, single, aside, stopping), CancellationToken.None);
        }
    }

    /// <summary>
    /// After a fault: tries again while the database is away, once more when a run's place was taken (a user guides it), and
    /// one run at a time when the fault was in the data, so that one run's bad message harms no other. Ends when each message of the batch is committed or its lease is lost.
    /// </summary>
    async Task SettleAsync(AppendBatch batch, bool isAside, Exception fault, CancellationToken stopping)
    {
        // Not the wall clock, which may jump.
        var began = clock.GetTimestamp();
        var delay = TimeSpan.FromMilliseconds(50);
        var hasLooked = false;
        var hasNumberedAnew = false;
        while (batch.Count > 0)
        {
            if (fault is PostgresException { SqlState: PostgresErrorCodes.LockNotAvailable } && !isAside)
            {
                log.LogWarning("One of {Runs} runs waits for a lock that somebody holds: they go on beside the others", batch.Runs.Count);
                SetAsideAll(batch, stopping);
                return;
            }

            if (!Postgres.IsTransient(fault) && batch.Runs.Count == 1 && fault is not PostgresException { SqlState: PostgresErrorCodes.UniqueViolation })
            {
                // A delete has taken the message before this one, and the lease with it. Anything else is a mistake: looked at once.
                if (fault is PostgresException { ConstraintName: "transform_chunks_gapless" } && !hasLooked)
                {
                    hasLooked = true;
                    try
                    {
                        await ReadLeasesAsync(batch, stopping);
                    }
                    catch (Exception next)
                    {
                        fault = next;
                    }

                    continue;
                }

                log.LogError(fault, "A message cannot be stored");
                GiveUpAll(batch, "its message cannot be stored", fault, isUnstorable: true);
                return;
            }

            if (Postgres.IsTransient(fault))
            {
                if (clock.GetElapsedTime(began) >= options.Value.RetryPatience || stopping.IsCancellationRequested)
                {
                    log.LogError(fault, "{Messages} messages of {Runs} runs were not stored: the database is away", batch.Count, batch.Runs.Count);
                    GiveUpAll(batch, "the database is away", fault);
                    return;
                }

                log.LogWarning("{Messages} messages wait for the database, next try in {Delay}: {Reason}", batch.Count, delay, fault.Message);
                await Task.Delay(delay, clock, CancellationToken.None);
                delay = delay * 2 < TimeSpan.FromSeconds(2) ? delay * 2 : TimeSpan.FromSeconds(2);
            }

            try
            {
                await ReadLeasesAsync(batch, stopping);
                // One commit for all runs again: the runs beside the one that is guided do not pay for it.
                var isTaken = fault is PostgresException { SqlState: PostgresErrorCodes.UniqueViolation } && !hasNumberedAnew;
                hasNumberedAnew |= isTaken;
                if (Postgres.IsTransient(fault) || isTaken)
                {
                    await WriteAsync(batch, isAside, stopping);
                    return;
                }

                foreach (var (lease, messages) in batch.Runs.ToList())
                {
                    var single = new AppendBatch();
                    messages.ForEach(single.Add);
                    batch.Remove(lease);
                    await CommitAsync(single, isAside, stopping);
                    HandOver(single);
                }
            }
            catch (Exception next)
            {
                fault = next;
            }
        }
    }

    /// <summary>
    /// Finds out what the fault left behind. A run whose first message already stands as it was to be written had its
    /// commit answered by the fault; one whose place is taken by another message is numbered anew.
    /// </summary>
    async Task ReadLeasesAsync(AppendBatch batch, CancellationToken stopping)
    {
        var standing = new Dictionary<Guid, (int Head, string? Type, byte[]? Data)>();
        await using (var connection = await postgres.ConnectAsync(stopping))
        {
            await using var command = new NpgsqlCommand(Sql.Named("messages/read_leases"), connection)
            {
                Parameters =
                {
                    new() { Value = batch.Runs.Keys.Select(lease => lease.TransformId).ToArray() },
                    new() { Value = batch.Runs.Keys.Select(lease => lease.Attempt).ToArray() },
                    new() { Value = batch.Runs.Values.Select(messages => messages[0].Index).ToArray() },
                },
            };
            await using var reader = await command.ExecuteReaderAsync(CancellationToken.None);
            while (await reader.ReadAsync(CancellationToken.None))
                standing.Add(reader.GetGuid(0), (reader.GetInt32(1), reader.IsDBNull(2) ? null : reader.GetString(2), reader.IsDBNull(3) ? null : reader.GetFieldValue<byte[]>(3)));
        }

        foreach (var (lease, messages) in batch.Runs.ToList())
        {
            if (!standing.TryGetValue(lease.TransformId, out var found))
            {
                batch.Remove(lease);
                GiveUp(lease, messages, "the transform was ended or taken over", null);
            }
            else if (found.Head >= messages[0].Index)
            {
                if (found.Type == messages[0].Type && found.Data.AsSpan().SequenceEqual(messages[0].Data))
                {
                    batch.Remove(lease);
                    Complete(lease, messages);
                }
                else
                {
                    lease.NextIndex = found.Head + 1;
                    foreach (var message in messages)
                        message.Index = lease.NextIndex++;
                }
            }
        }
    }

    void Complete(RunLease lease, List<Append> messages)
    {
        var rows = new List<MessageRow>(messages.Count);
        foreach (var message in messages)
            rows.Add(new MessageRow(message.Index, message.Type, message.Data, message.Time));
        foreach (var observer in _observers)
            observer.Committed(lease.TransformId, rows);
        foreach (var message in messages)
            message.Succeed();
    }

    void GiveUpAll(AppendBatch batch, string reason, Exception fault, bool isUnstorable = false)
    {
        foreach (var (lease, messages) in batch.Runs)
            GiveUp(lease, messages, reason, fault, isUnstorable);
        batch.Clear();
    }

    void GiveUp(RunLease lease, List<Append> messages, string reason, Exception? fault, bool isUnstorable = false)
    {
        lease.Lose(reason, isUnstorable);
        foreach (var observer in _observers)
            observer.Committed(lease.TransformId, []);
        foreach (var message in messages)
            message.Fail(fault);
    }
}
