using Microsoft.Extensions.Options;
using Npgsql;
using Polly;
using Polly.Retry;
using Streaming.Configuration;

namespace Streaming.Database;

/// <summary>Thrown when the database stayed away longer than a request may wait. Answered 503.</summary>
public sealed class DatabaseUnavailableException(Exception? inner)
    : Exception("The database cannot be reached at the moment.", inner);

/// <summary>What has a connection of its own: the pool hands its connections out in turn, so that each statement would meet a session that has been idle for long.</summary>
public enum OwnConnection
{
    /// <summary>The appender's loop.</summary>
    Commits,

    /// <summary>The loop of the live readers.</summary>
    LiveReads,

    /// <summary>The request that comes while no other uses it; the others take one of the pool.</summary>
    FirstRequest,
}

/// <summary>
/// The one door to PostgreSQL. It opens when <see cref="DatabaseStartup"/> has found the server and migrated it; who
/// comes earlier waits.
/// </summary>
public sealed class Postgres : IAsyncDisposable
{
    // Of the connections, so much is kept for the service's own work: a run does not wait behind ten thousand readers.
    const double OwnShare = 0.25;

    static readonly TimeSpan AnswerTime = TimeSpan.FromSeconds(1);

    readonly TaskCompletionSource<(NpgsqlDataSource Pool, IReadOnlyDictionary<OwnConnection, NpgsqlDataSource> Own)> _opened = new(TaskCreationOptions.RunContinuationsAsynchronously);
    readonly ResiliencePipeline _retries;
    readonly SemaphoreSlim _requests;
    readonly TimeSpan _patience;
    readonly TimeProvider _clock;
    int _firstIsTaken;

    public Postgres(IOptions<DatabaseOptions> options, TimeProvider clock)
    {
        _clock = clock;
        _patience = options.Value.RequestPatience;
        _requests = new SemaphoreSlim(Math.Max(1, options.Value.ConnectionsMax - Math.Max(1, (int)(OwnShare * options.Value.ConnectionsMax))));
        _retries = new ResiliencePipelineBuilder { TimeProvider = clock }
            .AddRetry(new RetryStrategyOptions
            {
                ShouldHandle = new PredicateBuilder().Handle<Exception>(IsTransient),
                MaxRetryAttempts = int.MaxValue,
                Delay = TimeSpan.FromMilliseconds(50),
                MaxDelay = TimeSpan.FromSeconds(1),
                BackoffType = DelayBackoffType.Exponential,
                UseJitter = true,
            })
            .Build();
    }

    /// <summary>Whether the server was found and its schema is the newest.</summary>
    public bool IsOpen => _opened.Task.IsCompletedSuccessfully;

    /// <summary>Called once, by <see cref="DatabaseStartup"/>. The data sources are then this object's to dispose.</summary>
    public void Open(NpgsqlDataSource pool, IReadOnlyDictionary<OwnConnection, NpgsqlDataSource> own) => _opened.SetResult((pool, own));

    /// <summary>Whether the server answers within a second.</summary>
    public async Task<bool> AnswersAsync(CancellationToken cancellation)
    {
        if (!IsOpen)
            return false;
        using var deadline = new CancellationTokenSource(AnswerTime, _clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellation);
        try
        {
            await using var connection = await ConnectAsync(either.Token);
            await using var command = new NpgsqlCommand("select 1", connection);
            await command.ExecuteScalarAsync(either.Token);
            return true;
        }
        catch (Exception fault) when (IsTransient(fault) || (fault is OperationCanceledException && !cancellation.IsCancellationRequested))
        {
            return false;
        }
    }

    /// <summary>Completes when the door is open.</summary>
    public Task WaitUntilOpenAsync(CancellationToken cancellation) => _opened.Task.WaitAsync(cancellation);

    /// <summary>A connection of the pool for the service's own work, which retries by a rule of its own.</summary>
    /// <exception cref="NpgsqlException">The server cannot be reached.</exception>
    public async ValueTask<NpgsqlConnection> ConnectAsync(CancellationToken cancellation)
    {
        var (pool, _) = await _opened.Task.WaitAsync(cancellation);
        return await pool.OpenConnectionAsync(cancellation);
    }

    /// <summary>The connection that <paramref name="own"/> has besides the pool; waits while it is in use.</summary>
    /// <exception cref="NpgsqlException">The server cannot be reached.</exception>
    public async ValueTask<NpgsqlConnection> ConnectAsync(OwnConnection own, CancellationToken cancellation)
    {
        var (_, sources) = await _opened.Task.WaitAsync(cancellation);
        return await sources[own].OpenConnectionAsync(cancellation);
    }

    /// <summary>
    /// Runs a request's work that must not be run twice: a connection is waited for like <see cref="RunAsync"/> does, what is done
    /// with it is done once.
    /// </summary>
    /// <exception cref="DatabaseUnavailableException">The patience was used up, or the work met a transient fault.</exception>
    public async Task<T> RunOnceAsync<T>(Func<NpgsqlConnection, Task<T>> work, CancellationToken cancellation)
    {
        await using var connection = await PatientlyAsync(async token =>
        {
            await _requests.WaitAsync(token);
            try
            {
                return await ConnectAsync(token);
            }
            catch
            {
                _requests.Release();
                throw;
            }
        }, cancellation);
        try
        {
            return await work(connection);
        }
        catch (Exception fault) when (IsTransient(fault))
        {
            throw new DatabaseUnavailableException(fault);
        }
        finally
        {
            _requests.Release();
        }
    }

    /// <summary>
    /// Runs a request's work on a connection, again after a transient fault, for <c>Database:RequestPatience</c> at most.
    /// A fault may hide that a commit succeeded, so <paramref name="work"/> must be harmless when it is run twice.
    /// </summary>
    /// <exception cref="DatabaseUnavailableException">The patience was used up.</exception>
    public Task<T> RunAsync<T>(Func<NpgsqlConnection, Task<T>> work, CancellationToken cancellation) =>
        PatientlyAsync(token => InTurnAsync(work, token), cancellation);

    /// <summary>The same without the patience: once, and a transient fault is thrown as it is.</summary>
    public async Task<T> InTurnAsync<T>(Func<NpgsqlConnection, Task<T>> work, CancellationToken cancellation)
    {
        await _requests.WaitAsync(cancellation);
        // One after the other meet the same session, whose plans and caches are warm: a state took 3.4 ms so, and 4.4 from the pool.
        var isFirst = Interlocked.Exchange(ref _firstIsTaken, 1) == 0;
        try
        {
            await using var connection = await (isFirst ? ConnectAsync(OwnConnection.FirstRequest, cancellation) : ConnectAsync(cancellation));
            return await work(connection);
        }
        finally
        {
            if (isFirst)
                Volatile.Write(ref _firstIsTaken, 0);
            _requests.Release();
        }
    }

    /// <summary>The same for the service's own work: it does not wait behind requests, which leave it a quarter of the connections.</summary>
    /// <exception cref="DatabaseUnavailableException">The patience was used up.</exception>
    public Task<T> RunAheadAsync<T>(Func<NpgsqlConnection, Task<T>> work, CancellationToken cancellation) => PatientlyAsync(async token =>
    {
        await using var connection = await ConnectAsync(token);
        return await work(connection);
    }, cancellation);

    /// <summary>The same on the connection that <paramref name="own"/> has.</summary>
    /// <exception cref="DatabaseUnavailableException">The patience was used up.</exception>
    public Task<T> RunOnAsync<T>(OwnConnection own, Func<NpgsqlConnection, Task<T>> work, CancellationToken cancellation) => PatientlyAsync(async token =>
    {
        await using var connection = await ConnectAsync(own, token);
        return await work(connection);
    }, cancellation);

    /// <summary>Does something that reaches the database, again after a transient fault, for <c>Database:RequestPatience</c> at most.</summary>
    /// <exception cref="DatabaseUnavailableException">The patience was used up.</exception>
    public async Task<T> PatientlyAsync<T>(Func<CancellationToken, Task<T>> work, CancellationToken cancellation)
    {
        using var patience = new CancellationTokenSource(_patience, _clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellation);
        Exception? last = null;
        try
        {
            // The first try by itself: a pipeline is eight more tasks for each statement.
            try
            {
                return await work(either.Token);
            }
            catch (Exception fault) when (IsTransient(fault) && !patience.IsCancellationRequested)
            {
                last = fault;
            }

            return await _retries.ExecuteAsync(async token =>
            {
                try
                {
                    return await work(token);
                }
                catch (Exception fault) when (IsTransient(fault))
                {
                    last = fault;
                    throw;
                }
            }, either.Token);
        }
        catch (OperationCanceledException) when (patience.IsCancellationRequested && !cancellation.IsCancellationRequested)
        {
            throw new DatabaseUnavailableException(last);
        }
        catch (Exception fault) when (IsTransient(fault) && patience.IsCancellationRequested)
        {
            throw new DatabaseUnavailableException(fault);
        }
    }

    /// <summary>
    /// Whether a fault says nothing about the work itself: connection lost, server starting or stopping (class 57P),
    /// too many connections, deadlock, serialisation, an answer that the driver did not expect.
    /// </summary>
    public static bool IsTransient(Exception fault) => fault switch
    {
        PostgresException postgres => postgres.IsTransient || postgres.SqlState.StartsWith("57P", StringComparison.Ordinal),
        NpgsqlException => true,
        IOException or System.Net.Sockets.SocketException => true,
        TimeoutException => true,
        // The driver throws a bare one when it has lost step with the server, and gives the connection up. A read that is broken off between
        // its statement's preparation and its description does that to the next use of the statement there (PreparationTests).
        _ => fault.GetType() == typeof(Exception),
    };

    public async ValueTask DisposeAsync()
    {
        if (!_opened.Task.IsCompletedSuccessfully)
        {
            _opened.TrySetCanceled();
            return;
        }

        foreach (var source in _opened.Task.Result.Own.Values)
            await source.DisposeAsync();
        await _opened.Task.Result.Pool.DisposeAsync();
    }
}
