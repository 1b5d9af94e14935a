using Npgsql;
using Streaming.Messages;
using Streaming.Sse;
using Streaming.Database;

namespace Streaming.Subscriptions;

/// <summary>Reads messages from the table: pages for a reader that is behind, growth and heads for the live readers.</summary>
public sealed class MessagePages(Postgres postgres, Replica replica)
{
    /// <summary>Up to <paramref name="count"/> messages of a transform after index <paramref name="after"/>, in order.</summary>
    /// <exception cref="DatabaseUnavailableException"/>
    public Task<List<MessageRow>> ReadAsync(Guid transformId, int after, int count, CancellationToken cancellation) =>
        postgres.RunAsync(connection => ReadAsync(connection, transformId, after, count, cancellation), cancellation);

    /// <summary>
    /// Exactly the <paramref name="count"/> messages after index <paramref name="after"/>, from the replica; null if it is no
    /// help. They must be known to exist: what a replica shows, the primary may not show yet, and whoever has been told of it
    /// could not resume there. All or nothing, so that a replica that lags is not asked for the rest bit by bit.
    /// </summary>
    public async Task<List<MessageRow>?> ReadReplicaAsync(Guid transformId, int after, int count, CancellationToken cancellation)
    {
        if (!replica.IsConfigured)
            return null;
        var (answered, rows) = await replica.TryAsync((connection, token) => ReadAsync(connection, transformId, after, count, token), cancellation);
        var isWhole = answered && rows!.Count == count && rows[0].Index == after + 1;
        replica.Count("page", isWhole ? "replica" : answered ? "lags" : "away");
        return isWhole ? rows : null;
    }

    static async Task<List<MessageRow>> ReadAsync(NpgsqlConnection connection, Guid transformId, int after, int count, CancellationToken cancellation)
    {
        await using var command = Command(connection, "messages/read_messages",
            new NpgsqlParameter<Guid> { TypedValue = transformId },
            new NpgsqlParameter<int> { TypedValue = after },
            new NpgsqlParameter<int> { TypedValue = count });
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        var rows = new List<MessageRow>();
        while (await reader.ReadAsync(cancellation))
            rows.Add(Row(reader, 0));
        return rows;
    }

    /// <summary>What many transforms have grown by, at most <paramref name="count"/> messages of each; one query for all.</summary>
    public Task<Dictionary<Guid, List<MessageRow>>> ReadNewAsync(
        IReadOnlyList<(Guid TransformId, int After)> grown, int count, CancellationToken cancellation) =>
        postgres.RunAsync(async connection =>
        {
            await using var command = Command(connection, "messages/read_new_messages",
                new NpgsqlParameter<Guid[]> { TypedValue = [.. grown.Select(g => g.TransformId)] },
                new NpgsqlParameter<int[]> { TypedValue = [.. grown.Select(g => g.After)] },
                new NpgsqlParameter<int> { TypedValue = count });
            await using var reader = await command.ExecuteReaderAsync(cancellation);
            var rows = new Dictionary<Guid, List<MessageRow>>();
            while (await reader.ReadAsync(cancellation))
            {
                var transformId = reader.GetGuid(0);
                if (!rows.TryGetValue(transformId, out var list))
                    rows.Add(transformId, list = []);
                list.Add(Row(reader, 1));
            }

            return rows;
        }, cancellation);

    /// <summary>Index of the last message of each transform, and whether its messages stay: not if retention or a delete takes them.</summary>
    public Task<List<(Guid TransformId, int Head, bool Stays)>> ReadHeadsAsync(Guid[] transformIds, CancellationToken cancellation) =>
        postgres.RunAsync(async connection =>
        {
            await using var command = Command(connection, "messages/read_heads", new NpgsqlParameter<Guid[]> { TypedValue = transformIds });
            await using var reader = await command.ExecuteReaderAsync(cancellation);
            var heads = new List<(Guid, int, bool)>();
            while (await reader.ReadAsync(cancellation))
                heads.Add((reader.GetGuid(0), reader.GetInt32(1), reader.GetBoolean(2)));
            return heads;
        }, cancellation);

    static NpgsqlCommand Command(NpgsqlConnection connection, string name, params ReadOnlySpan<NpgsqlParameter> parameters)
    {
        var command = new NpgsqlCommand(Sql.Named(name), connection);
        foreach (var parameter in parameters)
            command.Parameters.Add(parameter);
        return command;
    }

    static MessageRow Row(NpgsqlDataReader reader, int column) => new(
        reader.GetInt32(column), reader.GetString(column + 1), MessageData.Normalize(reader.GetString(column + 2)),
        reader.GetFieldValue<DateTimeOffset>(column + 3));
}
