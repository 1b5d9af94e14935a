using System.Diagnostics.Metrics;
using System.Net.Sockets;
using Microsoft.Extensions.Options;
using Npgsql;
using Streaming.Configuration;

namespace Streaming.Database;

/// <summary>
/// The door to a streaming replica of the database, for heavy reads; <see cref="Postgres"/> is the one to the primary.
/// There may be none, and one that is there may be away or lag: every read of it must be checked against something that
/// the primary has said, and done on the primary instead when the replica does not help.
/// </summary>
/// <remarks>
/// <code>
///   up ──a read fails──> away ──RestTime later, one read is let through──> up, or away again
/// </code>
/// </remarks>
public sealed class Replica : IAsyncDisposable
{
    /// <summary>How long a replica that failed is left alone, so that not every read waits for it.</summary>
    static readonly TimeSpan RestTime = TimeSpan.FromSeconds(3);

    /// <summary>A read that takes longer counts as failed.</summary>
    static readonly TimeSpan AnswerTimeMax = TimeSpan.FromSeconds(1);

    /// <summary>How long after one read has waited in vain others do not wait.</summary>
    static readonly TimeSpan LagTime = TimeSpan.FromSeconds(1);

    readonly NpgsqlDataSource? _dataSource;
    readonly ILogger<Replica> _log;
    readonly TimeProvider _clock;
    readonly Counter<long> _reads;
    readonly Lock _gate = new();
    bool _isAway;
    long _nextTry;
    long _lagsUntil = long.MinValue;

    public Replica(ConnectionSettings settings, IOptions<DatabaseOptions> options, IMeterFactory meters, ILogger<Replica> log, TimeProvider clock)
    {
        // Connects to nothing yet: the service starts without its replica.
        _dataSource = settings.Replica() is { } connectionString ? ConnectionSettings.Source(connectionString) : null;
        (_log, _clock, Patience) = (log, clock, options.Value.ReplicaPatience);
        _reads = meters.Create("Streaming").CreateCounter<long>(
            "streaming.replica.reads", "{read}", "Reads that a replica could answer, by what was read (read: state, page) and what came of it (outcome: replica, lags, away)");
    }

    public bool IsConfigured => _dataSource is not null;

    /// <summary>How long a read waits for a replica that lags; <c>Database:ReplicaPatience</c>.</summary>
    public TimeSpan Patience { get; }

    /// <summary>Whether a read has just waited in vain: do not wait as well.</summary>
    public bool IsLagging => _clock.GetTimestamp() < Volatile.Read(ref _lagsUntil);

    /// <summary>A read has waited for <see cref="Patience"/> in vain.</summary>
    public void Lags() => Volatile.Write(ref _lagsUntil, After(LagTime));

    /// <summary>Whether it answers, null if there is none. Also what finds out, when nobody reads, that it has come back.</summary>
    public async Task<bool?> AnswersAsync(CancellationToken cancellation)
    {
        if (!IsConfigured)
            return null;
        var (answered, _) = await TryAsync(async (connection, token) =>
        {
            await using var command = new NpgsqlCommand("select 1", connection);
            return await command.ExecuteScalarAsync(token);
        }, cancellation);
        return answered;
    }

    /// <summary>Counts a read in the meter <c>Streaming</c>.</summary>
    /// <param name="read"><c>state</c> or <c>page</c>.</param>
    /// <param name="outcome"><c>replica</c> if it was answered from it, else why not: <c>lags</c> or <c>away</c>.</param>
    public void Count(string read, string outcome) => _reads.Add(1, new("read", read), new("outcome", outcome));

    /// <summary>
    /// Runs a read on a connection to the replica, once. Not answered: there is none, it is away (cannot be reached, refuses,
    /// cancels the read because it is in the way of replay, is too slow), or it was so a moment ago.
    /// </summary>
    /// <exception cref="OperationCanceledException">The caller's own cancellation.</exception>
    public async Task<(bool Answered, T? Value)> TryAsync<T>(Func<NpgsqlConnection, CancellationToken, Task<T>> read, CancellationToken cancellation)
    {
        if (_dataSource is null || !MayTry())
            return default;
        using var deadline = new CancellationTokenSource(AnswerTimeMax, _clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellation);
        try
        {
            await using var connection = await _dataSource.OpenConnectionAsync(either.Token);
            var value = await read(connection, either.Token);
            Found(isAway: false, null);
            return (true, value);
        }
        // Whatever it says, the primary is asked instead: also what would be a mistake there, such as a table that is missing.
        catch (Exception fault) when (fault is NpgsqlException or IOException or SocketException or TimeoutException or OperationCanceledException)
        {
            cancellation.ThrowIfCancellationRequested();
            Found(isAway: true, fault);
            return default;
        }
    }

    bool MayTry()
    {
        lock (_gate)
        {
            if (!_isAway)
                return true;
            if (_clock.GetTimestamp() < _nextTry)
                return false;
            // One read finds out; the others go on to the primary meanwhile.
            _nextTry = After(RestTime);
            return true;
        }
    }

    void Found(bool isAway, Exception? fault)
    {
        lock (_gate)
        {
            if (isAway)
                _nextTry = After(RestTime);
            if (_isAway == isAway)
                return;
            _isAway = isAway;
        }

        if (isAway)
            _log.LogWarning("The replica does not answer, reads go to the primary meanwhile: {Reason}", fault!.Message);
        else
            _log.LogInformation("The replica answers again");
    }

    long After(TimeSpan time) => _clock.GetTimestamp() + (long)(time.TotalSeconds * _clock.TimestampFrequency);

    public ValueTask DisposeAsync() => _dataSource?.DisposeAsync() ?? ValueTask.CompletedTask;
}
