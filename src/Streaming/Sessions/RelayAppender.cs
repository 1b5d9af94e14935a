using System.Threading.Channels;
using Microsoft.Extensions.Options;
using Npgsql;
using NpgsqlTypes;
using Streaming.Configuration;
using Streaming.Database;
using Streaming.Messages;
using Streaming.Protocol;
using Streaming.Telemetry;

namespace Streaming.Sessions;

/// <summary>
/// Group commit of relays: one loop takes what the requests of the moment append and commits it in one transaction with one
/// notification. Commits that notify are serialised by PostgreSQL, so a commit for each request would be some 1,400 a second.
/// </summary>
/// <remarks>
/// A commit has a relay once: what else is appended to it waits for the next one. What does not fit is left to the caller, who
/// writes it in a transaction of its own: a relay that somebody has locked, or all of a commit that the database refused.
/// </remarks>
public sealed class RelayAppender(
    Postgres postgres, IOptions<MessageOptions> options, IOptions<DatabaseOptions> database, IEnumerable<ICommitObserver> observers,
    ServiceMetrics metrics, TimeProvider clock) : BackgroundService
{
    readonly Channel<Request> _queue = Channel.CreateBounded<Request>(new BoundedChannelOptions(options.Value.QueueMax)
    {
        SingleReader = true,
        FullMode = BoundedChannelFullMode.Wait,
    });

    readonly ICommitObserver[] _observers = [.. observers];

    /// <summary>Requests that wait for the loop.</summary>
    public int QueueLength => _queue.Reader.Count;

    /// <summary>What became of an append.</summary>
    /// <param name="IsDecided">Whether it is known; otherwise nothing is written, or it may be written again because it has a sequence.</param>
    /// <param name="Outcome">As of <see cref="RelayWriter"/>.</param>
    public readonly record struct Answer(bool IsDecided, RelayOutcome? Outcome);

    sealed class Request(Guid sessionId, string userId, RelayAppend append, CancellationToken aborted)
    {
        readonly TaskCompletionSource<Answer> _answered = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Guid SessionId => sessionId;
        public string UserId => userId;
        public RelayAppend Append => append;
        public bool IsAborted => aborted.IsCancellationRequested;
        public Task<Answer> Answered => _answered.Task;

        public void Undecided() => _answered.TrySetResult(default);

        public void Decided(RelayOutcome? outcome) => _answered.TrySetResult(new Answer(true, outcome));

        public void Fail(Exception fault)
        {
            _answered.TrySetException(fault);
            // The client may have gone.
            _ = _answered.Task.Exception;
        }
    }

    /// <summary>Appends with whatever else is appended at the moment; waits while <c>Messages:QueueMax</c> requests are waiting.</summary>
    /// <exception cref="DatabaseUnavailableException">The fault hides whether it is written, and it has no sequence.</exception>
    /// <exception cref="OperationCanceledException">The client has gone; it may be written.</exception>
    public async Task<Answer> AppendAsync(Guid sessionId, string userId, RelayAppend append, CancellationToken cancellation)
    {
        var request = new Request(sessionId, userId, append, cancellation);
        try
        {
            await _queue.Writer.WriteAsync(request, cancellation);
        }
        catch (ChannelClosedException)
        {
            return default;
        }

        return await request.Answered.WaitAsync(cancellation);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // The stop closes the queue instead of breaking off: what was accepted is committed first.
        var batch = new List<Request>();
        var later = new Queue<Request>();
        var relays = new HashSet<Guid>();
        while (later.Count > 0 || await _queue.Reader.WaitToReadAsync(CancellationToken.None))
        {
            batch.Clear();
            relays.Clear();
            var messages = 0;
            for (var waiting = later.Count; waiting > 0; waiting--)
                Take(later.Dequeue());
            while (messages < options.Value.BatchMessagesMax && later.Count < options.Value.QueueMax && _queue.Reader.TryRead(out var request))
                Take(request);
            if (batch.Count > 0)
                await CommitAsync(batch);

            void Take(Request request)
            {
                if (request.IsAborted)
                {
                    request.Undecided();
                }
                else if (messages >= options.Value.BatchMessagesMax || !relays.Add(request.SessionId))
                {
                    later.Enqueue(request);
                }
                else
                {
                    batch.Add(request);
                    messages += request.Append.Messages.Count;
                }
            }
        }
    }

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        _queue.Writer.TryComplete();
        await base.StopAsync(cancellationToken);
    }

    async Task CommitAsync(List<Request> requests)
    {
        var hasBegun = false;
        try
        {
            using var patience = new CancellationTokenSource(database.Value.RequestPatience, clock);
            await using var connection = await postgres.ConnectAsync(patience.Token);
            hasBegun = true;
            await WriteAsync(connection, requests);
        }
        catch (Exception fault)
        {
            // A lost answer hides whether it is written. A refusal is for all of them: whose fault it is shows when each is alone.
            var isUnknown = hasBegun && Postgres.IsTransient(fault);
            foreach (var request in requests)
                if (isUnknown && request.Append.ProducerId is null)
                    request.Fail(new DatabaseUnavailableException(fault));
                else
                    request.Undecided();
        }
    }

    async Task WriteAsync(NpgsqlConnection connection, List<Request> requests)
    {
        var began = clock.GetTimestamp();
        var committed = 0;
        var outcomes = new RelayOutcome?[requests.Count];
        var isBusy = new bool[requests.Count];
        var handedOver = new List<(Guid TransformId, List<MessageRow> Rows)>();
        await using (var command = Command(connection, requests))
        {
            await using var reader = await command.ExecuteReaderAsync();
            while (await reader.ReadAsync())
            {
                var number = reader.GetInt32(0) - 1;
                var outcome = reader.GetString(3);
                isBusy[number] = outcome == "busy";
                outcomes[number] = new RelayOutcome(null);
                if (outcome is not ("written" or "duplicate"))
                    continue;
                var (first, last) = (reader.GetInt32(4), reader.GetInt32(5));
                outcomes[number] = new RelayOutcome(new RelayAppended(new Sse.EventId(reader.GetInt32(2), last).ToString(), first, last, outcome == "duplicate"));
                if (outcome != "written")
                    continue;
                var messages = requests[number].Append.Messages;
                var time = reader.GetFieldValue<DateTimeOffset>(6);
                handedOver.Add((reader.GetGuid(1), [.. messages.Select((message, i) => new MessageRow(first + i, message.Type, message.Data, time))]));
                committed += messages.Count;
            }

            // The rows come before the commit does.
            while (await reader.NextResultAsync())
            {
            }
        }

        foreach (var (transformId, rows) in handedOver)
            foreach (var observer in _observers)
                observer.Committed(transformId, rows);
        for (var i = 0; i < requests.Count; i++)
            if (isBusy[i])
                requests[i].Undecided();
            else
                requests[i].Decided(outcomes[i]);
        metrics.Committed(committed, clock.GetElapsedTime(began));
    }

    NpgsqlCommand Command(NpgsqlConnection connection, List<Request> requests)
    {
        var count = requests.Sum(request => request.Append.Messages.Count);
        var (numbers, positions, types, data) = (new int[count], new int[count], new string[count], new byte[count][]);
        var row = 0;
        for (var i = 0; i < requests.Count; i++)
            for (var position = 0; position < requests[i].Append.Messages.Count; position++)
            {
                var message = requests[i].Append.Messages[position];
                (numbers[row], positions[row], types[row], data[row]) = (i + 1, position + 1, message.Type, message.Data);
                row++;
            }

        return new NpgsqlCommand(Sql.Named("messages/append_to_relays"), connection)
        {
            Parameters =
            {
                new NpgsqlParameter<Guid[]> { TypedValue = [.. requests.Select(request => request.SessionId)] },
                new NpgsqlParameter<string[]> { TypedValue = [.. requests.Select(request => request.UserId)] },
                new NpgsqlParameter { Value = requests.Select(request => request.Append.ProducerId).ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text },
                new NpgsqlParameter { Value = requests.Select(request => request.Append.Sequence).ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Bigint },
                new NpgsqlParameter<int[]> { TypedValue = numbers },
                new NpgsqlParameter<int[]> { TypedValue = positions },
                new NpgsqlParameter<string[]> { TypedValue = types },
                new NpgsqlParameter<byte[][]> { TypedValue = data, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text },
                new NpgsqlParameter<int> { TypedValue = (int)options.Value.LockPatience.TotalMilliseconds },
            },
        };
    }
}
