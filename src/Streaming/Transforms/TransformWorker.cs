using System.Collections.Concurrent;
using System.Diagnostics;
using Dapper;
using Microsoft.Extensions.Options;
using Npgsql;
using Streaming.Configuration;
using Streaming.Database;
using Streaming.Messages;
using Streaming.Notifications;
using Streaming.Protocol;
using Streaming.Telemetry;

namespace Streaming.Transforms;

/// <summary>
/// Claims queued transforms and those whose worker was lost, runs as many of each queue at once as there are places, and
/// keeps their leases. Woken by NOTIFY; looks for itself every <c>Transforms:PollInterval</c>, because one may be lost.
/// </summary>
public sealed class TransformWorker(
    Postgres postgres, TransformRun transformRun, GuidanceReader guidanceReader, IEnumerable<IPipeline> pipelines, IOptions<TransformOptions> options,
    IOptions<ServiceOptions> service, IHostApplicationLifetime lifetime, ILogger<TransformWorker> log, TimeProvider clock) : BackgroundService, IChangeObserver
{
    const int RenewTriesMax = 3;

    // A longer queue is counted no further: it is read by each worker with every round of the leases.
    const int QueuedCountMax = 10_000;

    readonly Dictionary<string, IPipeline> _pipelines = pipelines.ToDictionary(pipeline => pipeline.Name);
    readonly string[] _kinds = [.. pipelines.Select(pipeline => pipeline.Name)];
    readonly TransformQueue[] _queues = [.. pipelines.GroupBy(pipeline => pipeline.Queue).Select(queue => new TransformQueue(
        queue.Key, [.. queue.Select(pipeline => pipeline.Name)], queue.First().ConcurrencyMax ?? options.Value.Concurrency))];
    readonly string _owner = $"{Environment.MachineName}/{Environment.ProcessId}/{Guid.NewGuid():N}";
    // By attempt: this process may claim the next one while the one before has not yet noticed that it has lost its lease.
    readonly ConcurrentDictionary<(Guid TransformId, int Attempt), Running> _running = new();
    volatile int _queuedCount = -1;
    readonly SemaphoreSlim _guided = new(0, 1);

    sealed record Running(RunLease? Lease, ClaimedTransform Claimed, RunGuidance Guidance, Task Task);

    /// <summary>Whether this process is to run generations at all.</summary>
    public bool IsWorker => service.Value.IsWorker;

    /// <summary>Whether the claim loop runs.</summary>
    public bool IsRunning { get; private set; }

    /// <summary>Transforms that wait for a worker, as it was found last; null: this process does not look.</summary>
    public int? QueuedCount => _queuedCount < 0 ? null : _queuedCount;

    /// <summary>Transforms that run in this process.</summary>
    public int RunningCount => _running.Count;

    /// <summary>The queues that this process takes from, and how many of its places for each are taken; none where it is no worker.</summary>
    public IReadOnlyList<(string Name, int Running, int Places)> Queues =>
        IsWorker ? [.. _queues.Select(queue => (queue.Name, ClaimedOf(queue).Count(), queue.Concurrency))] : [];

    /// <inheritdoc/>
    public void StatusChanged(Guid transformId, Guid sessionId, string status)
    {
        if (status == "queued")
            WakeQueues();
        else if (status == "guided" && _running.Keys.Any(key => key.TransformId == transformId))
            Wake(_guided);
        else if (status is "cancelled" or "failed" or "paused")
            foreach (var (key, running) in _running)
                if (key.TransformId == transformId)
                    running.Lease?.Lose($"the transform is {status}");
    }

    /// <inheritdoc/>
    public void ListenerConnected()
    {
        WakeQueues();
        Wake(_guided);
    }

    void WakeQueues()
    {
        foreach (var queue in _queues)
            Wake(queue.Wake);
    }

    static void Wake(SemaphoreSlim loop)
    {
        lock (loop)
            if (loop.CurrentCount == 0)
                loop.Release();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (!IsWorker)
            return;
        // At the order to stop, not when it is this service's turn: others take over while the streams here still drain.
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken, lifetime.ApplicationStopping);
        try
        {
            await postgres.WaitUntilOpenAsync(stop.Token);
            IsRunning = true;
            await Task.WhenAll([.. _queues.Select(queue => ClaimLoopAsync(queue, stop.Token)), LeaseLoopAsync(stop.Token), GuidanceLoopAsync(stop.Token)]);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
        }
        finally
        {
            IsRunning = false;
            await Task.WhenAll(_running.Values.Select(running => running.Task));
        }
    }

    async Task ClaimLoopAsync(TransformQueue queue, CancellationToken stopping)
    {
        while (true)
        {
            try
            {
                while (Free(queue) is > 0 and var free && await ClaimAsync("transforms/claim_queued", queue, free, stopping) == free)
                {
                }
            }
            catch (Exception fault) when (fault is not OperationCanceledException)
            {
                log.LogWarning("Nothing could be claimed, next try in {Interval}: {Reason}", options.Value.PollInterval, fault.Message);
            }

            await queue.Wake.WaitAsync(options.Value.PollInterval, stopping);
        }
    }

    /// <summary>Places of a queue that nobody has.</summary>
    int Free(TransformQueue queue) => queue.Concurrency - ClaimedOf(queue).Count();

    IEnumerable<ClaimedTransform> ClaimedOf(TransformQueue queue) =>
        _running.Values.Select(running => running.Claimed).Where(claimed => queue.Kinds.Contains(claimed.Kind));

    async Task<int> ClaimAsync(string statement, TransformQueue queue, int count, CancellationToken stopping)
    {
        // What this worker hands back when it stops wakes it as well.
        stopping.ThrowIfCancellationRequested();
        await using var connection = await postgres.ConnectAsync(stopping);
        var claimed = (await connection.QueryAsync<ClaimedTransform>(new CommandDefinition(Sql.Named(statement), new
        {
            queue = queue.Name,
            kinds = queue.Kinds,
            owner = _owner,
            lease = options.Value.Lease,
            count,
            attemptsMax = options.Value.AttemptsMax,
            aged = !queue.HasJustTakenAged && !ClaimedOf(queue).Any(claimed => claimed.IsAged),
            agedAfter = options.Value.AgedAfter,
        }, cancellationToken: CancellationToken.None))).AsList();
        if (claimed.Count > 0)
            queue.HasJustTakenAged = claimed.All(transform => transform.IsAged);
        foreach (var transform in claimed)
            Start(transform, stopping);
        return claimed.Count;
    }

    void Start(ClaimedTransform claimed, CancellationToken stopping)
    {
        var begin = new TaskCompletionSource();
        // Known before the run looks for the first time: what is said after that look finds it.
        var guidance = new RunGuidance(claimed.Id);
        var task = RunAsync(claimed, guidance, begin.Task, stopping);
        _running[(claimed.Id, claimed.Attempt)] = new Running(null, claimed, guidance, task);
        begin.SetResult();
    }

    async Task RunAsync(ClaimedTransform claimed, RunGuidance guidance, Task begin, CancellationToken stopping)
    {
        await begin;
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        RunLease? lease = null;
        using var span = Traces.BeginRun(claimed.Kind, claimed.SessionId, claimed.Id, claimed.Attempt, claimed.Traceparent);
        try
        {
            if (await transformRun.OpenAsync(_pipelines[claimed.Kind], claimed, guidance, stopping) is not { } opened)
                return;
            lease = opened.Lease;
            _running[(claimed.Id, claimed.Attempt)] = _running[(claimed.Id, claimed.Attempt)] with { Lease = lease };
            await transformRun.RunAsync(_pipelines[claimed.Kind], lease, opened.Stored, guidance, span, stopping);
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            await ReleaseAsync(claimed);
        }
        catch (DatabaseUnavailableException fault) when (lease is null)
        {
            // Nothing was begun, so no worker was lost: on a full disk the attempts would be used up within minutes.
            log.LogWarning("Transform {Transform} could not be begun, and goes back into the queue: {Reason}", claimed.Id, (fault.InnerException ?? fault).Message);
            await ReleaseAsync(claimed);
        }
        catch (Exception fault) when (fault is DatabaseUnavailableException or PostgresException || Postgres.IsTransient(fault))
        {
            // The lease runs out and another attempt follows: the transform is not lost.
            log.LogError(fault, "Attempt {Attempt} of transform {Transform} broke off", claimed.Attempt, claimed.Id);
        }
        catch (Exception fault)
        {
            // Every attempt would come to the same.
            log.LogError(fault, "Attempt {Attempt} of transform {Transform} has a fault of its own", claimed.Attempt, claimed.Id);
            await FailAsync(claimed, span, stopping);
        }
        finally
        {
            _running.TryRemove((claimed.Id, claimed.Attempt), out _);
            lease?.Dispose();
            guidance.Dispose();
            Wake(_queues.Single(queue => queue.Kinds.Contains(claimed.Kind)).Wake);
        }
    }

    /// <summary>Renews the leases at a third of their time, and looks for leases of others that have run out.</summary>
    async Task LeaseLoopAsync(CancellationToken stopping)
    {
        using var timer = new PeriodicTimer(options.Value.Lease / 3, clock);
        do
        {
            try
            {
                await RenewAsync(stopping);
                await FailLostAsync(stopping);
                foreach (var queue in _queues)
                    if (Free(queue) is > 0 and var free)
                        await ClaimAsync("transforms/claim_expired", queue, free, stopping);
                _queuedCount = await CountQueuedAsync(stopping);
            }
            catch (Exception fault) when (fault is not OperationCanceledException)
            {
                log.LogWarning("Leases could not be renewed: {Reason}", fault.Message);
            }
        } while (await timer.WaitForNextTickAsync(stopping));
    }

    /// <summary>Finds what users say to the runs of this process: when woken, and every <c>Transforms:PollInterval</c>.</summary>
    async Task GuidanceLoopAsync(CancellationToken stopping)
    {
        while (true)
        {
            await _guided.WaitAsync(options.Value.PollInterval, stopping);
            try
            {
                await guidanceReader.ReadAsync([.. _running.Values.Select(running => running.Guidance)], stopping);
            }
            catch (Exception fault) when (fault is not OperationCanceledException)
            {
                log.LogWarning("Guidance could not be read, next try in {Interval}: {Reason}", options.Value.PollInterval, fault.Message);
            }
        }
    }

    /// <summary>A commit holds the row of its run for a moment, anybody else perhaps for hours: what is locked is tried again a few times.</summary>
    async Task RenewAsync(CancellationToken stopping)
    {
        var running = _running.Values.ToList();
        for (var tries = 0; running.Count > 0 && tries < RenewTriesMax; tries++)
        {
            if (tries > 0)
                await Task.Delay(options.Value.Lease / 30, clock, stopping);
            running = await RenewAsync(running, stopping);
        }
    }

    /// <summary>Returns those whose row is locked.</summary>
    async Task<List<Running>> RenewAsync(List<Running> running, CancellationToken stopping)
    {
        await using var connection = await postgres.ConnectAsync(stopping);
        var standing = (await connection.QueryAsync<(Guid Id, int Attempt, bool Renewed)>(new CommandDefinition(Sql.Named("transforms/renew_leases"), new
        {
            transforms = running.Select(r => r.Claimed.Id).ToArray(),
            attempts = running.Select(r => r.Claimed.Attempt).ToArray(),
            lease = options.Value.Lease,
        }, cancellationToken: stopping))).ToDictionary(row => (row.Id, row.Attempt), row => row.Renewed);
        foreach (var lost in running.Where(r => !standing.ContainsKey((r.Claimed.Id, r.Claimed.Attempt))))
            lost.Lease?.Lose("the transform was ended or taken over");
        return [.. running.Where(r => standing.TryGetValue((r.Claimed.Id, r.Claimed.Attempt), out var renewed) && !renewed)];
    }

    async Task<int> CountQueuedAsync(CancellationToken stopping)
    {
        await using var connection = await postgres.ConnectAsync(stopping);
        return await connection.ExecuteScalarAsync<int>(new CommandDefinition(
            Sql.Named("transforms/count_queued"), new { kinds = _kinds, max = QueuedCountMax }, cancellationToken: stopping));
    }

    async Task FailLostAsync(CancellationToken stopping)
    {
        var error = new ErrorMessage("worker_lost", "worker_lost", "The workers that ran this were lost, one after the other.", true);
        await using var connection = await postgres.ConnectAsync(stopping);
        await connection.ExecuteAsync(new CommandDefinition(Sql.Named("transforms/fail_lost"), new
        {
            attemptsMax = options.Value.AttemptsMax,
            error = ProtocolJson.Data(error),
            types = new[] { error.Type, MessageTypes.End },
            end = ProtocolJson.Data(new EndMessage("failed")),
        }, cancellationToken: stopping));
    }

    async Task FailAsync(ClaimedTransform claimed, Activity span, CancellationToken stopping)
    {
        try
        {
            await transformRun.FailBrokenAsync(claimed, span, stopping);
        }
        catch (Exception fault)
        {
            log.LogWarning("A transform could not be failed; its lease will run out: {Reason}", fault.Message);
        }
    }

    async Task ReleaseAsync(ClaimedTransform claimed)
    {
        try
        {
            await using var connection = await postgres.ConnectAsync(CancellationToken.None);
            await connection.ExecuteAsync(Sql.Named("transforms/release_leases"), new
            {
                transforms = new[] { claimed.Id },
                attempts = new[] { claimed.Attempt },
            });
        }
        catch (Exception fault)
        {
            log.LogWarning("A transform could not be handed back; its lease will run out: {Reason}", fault.Message);
        }
    }

    public override void Dispose()
    {
        foreach (var queue in _queues)
            queue.Dispose();
        _guided.Dispose();
        base.Dispose();
    }
}
