using Dapper;
using Npgsql;
using Streaming.Database;
using Streaming.Protocol;

namespace Streaming.Sessions;

/// <summary>A message as another program gives it: its type and its own fields as a JSON object, UTF-8.</summary>
public readonly record struct RelayMessage(string Type, byte[] Data);

/// <summary>Messages that are written together, once for each sequence of a producer.</summary>
public sealed record RelayAppend(string? ProducerId, long? Sequence, IReadOnlyList<RelayMessage> Messages);

/// <summary>What became of a request to append; <see cref="Appended"/> is null if the relay has ended.</summary>
public sealed record RelayOutcome(RelayAppended? Appended);

/// <summary>Writes the messages of relays for programs that speak HTTP. Others call <c>append_message</c> themselves.</summary>
public sealed class RelayWriter(Postgres postgres, SessionReader reader, RelayAppender appender)
{
    /// <summary>
    /// Appends in one transaction and returns when it is durable; null if the user has no such relay. With a producer and a
    /// sequence it may be asked again: nothing is written twice. Without them a fault that hides a commit is not tried again.
    /// </summary>
    /// <exception cref="DatabaseUnavailableException"/>
    public async Task<RelayOutcome?> AppendAsync(Guid sessionId, string userId, IReadOnlyList<RelayAppend> appends, CancellationToken cancellation)
    {
        // Several sequences of one request are stored whole or not at all.
        if (appends is [var single] && await appender.AppendAsync(sessionId, userId, single, cancellation) is { IsDecided: true } answer)
            return answer.Outcome;
        if (await reader.ReadVersionAsync(RelayKind.KindName, sessionId, userId, cancellation) is not { } version)
            return null;
        Task<RelayOutcome> Work(NpgsqlConnection connection) => AppendAsync(connection, version, appends, cancellation);
        return appends.All(append => append.ProducerId is not null)
            ? await postgres.RunAsync(Work, cancellation)
            : await postgres.RunOnceAsync(Work, cancellation);
    }

    static async Task<RelayOutcome> AppendAsync(
        NpgsqlConnection connection, SessionVersion version, IReadOnlyList<RelayAppend> appends, CancellationToken cancellation)
    {
        // A pipelined batch is one transaction: an array with sequences of its own is stored whole or not at all.
        await using var batch = new NpgsqlBatch(connection);
        foreach (var append in appends)
            batch.BatchCommands.Add(new NpgsqlBatchCommand(Sql.Named("messages/append_to_relay"))
            {
                Parameters =
                {
                    new NpgsqlParameter<Guid> { TypedValue = version.TransformId },
                    new NpgsqlParameter { Value = (object?)append.ProducerId ?? DBNull.Value, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Text },
                    new NpgsqlParameter { Value = (object?)append.Sequence ?? DBNull.Value, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Bigint },
                    new NpgsqlParameter<string[]> { TypedValue = [.. append.Messages.Select(message => message.Type)] },
                    new NpgsqlParameter<byte[][]> { TypedValue = [.. append.Messages.Select(message => message.Data)], NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Array | NpgsqlTypes.NpgsqlDbType.Text },
                },
            });

        var (first, last, duplicates, read) = (int.MaxValue, -1, 0, 0);
        await using var rows = await batch.ExecuteReaderAsync(cancellation);
        do
        {
            while (await rows.ReadAsync(cancellation))
            {
                read++;
                first = Math.Min(first, rows.GetInt32(0));
                last = Math.Max(last, rows.GetInt32(1));
                duplicates += rows.GetBoolean(2) ? 1 : 0;
            }
        } while (await rows.NextResultAsync(cancellation));

        // Fewer rows than sequences: the relay has ended, and only sequences from before that were answered.
        return new RelayOutcome(read < appends.Count ? null : new RelayAppended(
            new Sse.EventId(version.Ordinal, last).ToString(), first, last, duplicates == appends.Count));
    }

    /// <summary>Ends a relay; returns the status it had before, null if the user has no such relay.</summary>
    /// <exception cref="DatabaseUnavailableException"/>
    public Task<string?> EndAsync(Guid sessionId, string userId, string status, CancellationToken cancellation)
    {
        var end = new EndMessage(status);
        return postgres.RunAsync(connection => connection.QuerySingleOrDefaultAsync<string>(new CommandDefinition(Sql.Named("transforms/end_relay"), new
        {
            session = sessionId,
            user = userId,
            status,
            error = (string?)null,
            types = new[] { end.Type },
            data = new[] { ProtocolJson.Data(end) },
        }, cancellationToken: cancellation)), cancellation);
    }
}
