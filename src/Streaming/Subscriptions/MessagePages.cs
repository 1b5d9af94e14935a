using System.Text;
using Microsoft.Extensions.Options;
using Npgsql;
using Streaming.Configuration;
using Streaming.Database;
using Streaming.Messages;
using Streaming.Sse;

namespace Streaming.Subscriptions;

/// <summary>A page of messages, in order.</summary>
/// <param name="Rows">The messages.</param>
/// <param name="IsFull">It ended at a limit: there may be more.</param>
public readonly record struct MessagePage(List<MessageRow> Rows, bool IsFull);

/// <summary>
/// Reads messages from the table: pages for a reader that is behind, growth and heads for the live readers. A page ends at
/// <c>Subscriptions:PageMessagesMax</c>, or with the message that reaches <c>Subscriptions:PageBytesMax</c>.
/// </summary>
public sealed class MessagePages(Postgres postgres, Replica replica, IOptions<SubscriptionOptions> options)
{
    readonly SubscriptionOptions _options = options.Value;

    /// <summary>The page of a transform after index <paramref name="after"/>.</summary>
    /// <exception cref="DatabaseUnavailableException"/>
    public Task<MessagePage> ReadAsync(Guid transformId, int after, CancellationToken cancellation) =>
        postgres.CatchUpAsync(connection => ReadAsync(connection, transformId, after, _options.PageMessagesMax, cancellation), cancellation);

    /// <summary>
    /// The page of the <paramref name="known"/> messages after index <paramref name="after"/>, from the replica; null if it is no
    /// help. They must be known to exist: what a replica shows, the primary may not show yet, and whoever has been told of it
    /// could not resume there. All or nothing, so that a replica that lags is not asked for the rest bit by bit.
    /// </summary>
    public async Task<MessagePage?> ReadReplicaAsync(Guid transformId, int after, int known, CancellationToken cancellation)
    {
        if (!replica.IsConfigured)
            return null;
        var count = Math.Min(known, _options.PageMessagesMax);
        var (answered, page) = await replica.TryAsync((connection, token) => ReadAsync(connection, transformId, after, count, token), cancellation);
        var isWhole = answered && page is { IsFull: true, Rows: [{ Index: var first }, ..] } && first == after + 1;
        replica.Count("page", isWhole ? "replica" : answered ? "lags" : "away");
        return isWhole ? page : null;
    }

    async Task<MessagePage> ReadAsync(NpgsqlConnection connection, Guid transformId, int after, int count, CancellationToken cancellation)
    {
        await using var command = Command(connection, "messages/read_messages",
            new NpgsqlParameter<Guid> { TypedValue = transformId },
            new NpgsqlParameter<int> { TypedValue = after },
            new NpgsqlParameter<int> { TypedValue = count },
            new NpgsqlParameter<int> { TypedValue = _options.PageBytesMax });
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        var rows = new List<MessageRow>();
        var bytes = 0;
        while (await reader.ReadAsync(cancellation))
            rows.Add(Row(reader, 0, ref bytes));
        return new MessagePage(rows, rows.Count == count || bytes >= _options.PageBytesMax);
    }

    /// <summary>What many transforms have grown by, a page of each that has; one query for all.</summary>
    public Task<Dictionary<Guid, MessagePage>> ReadNewAsync(IReadOnlyList<(Guid TransformId, int After)> grown, CancellationToken cancellation) =>
        postgres.RunWarmAsync(async connection =>
        {
            await using var command = Command(connection, "messages/read_new_messages",
                new NpgsqlParameter<Guid[]> { TypedValue = [.. grown.Select(g => g.TransformId)] },
                new NpgsqlParameter<int[]> { TypedValue = [.. grown.Select(g => g.After)] },
                new NpgsqlParameter<int> { TypedValue = _options.PageMessagesMax },
                new NpgsqlParameter<int> { TypedValue = _options.PageBytesMax });
            await using var reader = await command.ExecuteReaderAsync(cancellation);
            var pages = new Dictionary<Guid, MessagePage>();
            var (current, bytes) = (Guid.Empty, 0);
            while (await reader.ReadAsync(cancellation))
            {
                var transformId = reader.GetGuid(0);
                if (transformId != current)
                    (current, bytes) = (transformId, 0);
                var rows = pages.TryGetValue(transformId, out var page) ? page.Rows : [];
                rows.Add(Row(reader, 1, ref bytes));
                pages[transformId] = new MessagePage(rows, rows.Count == _options.PageMessagesMax || bytes >= _options.PageBytesMax);
            }

            return pages;
        }, cancellation);

    /// <summary>
    /// Of those transforms that have grown beyond what is known, or whose messages do not stay because retention or a delete
    /// takes them: index of the last message, and whether they stay.
    /// </summary>
    public Task<List<(Guid TransformId, int Head, bool Stays)>> ReadHeadsAsync(
        IReadOnlyList<(Guid TransformId, int Head)> known, CancellationToken cancellation) =>
        postgres.RunAheadAsync(async connection =>
        {
            await using var command = Command(connection, "messages/read_heads",
                new NpgsqlParameter<Guid[]> { TypedValue = [.. known.Select(k => k.TransformId)] },
                new NpgsqlParameter<int[]> { TypedValue = [.. known.Select(k => k.Head)] });
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

    static MessageRow Row(NpgsqlDataReader reader, int column, ref int bytes)
    {
        var data = reader.GetString(column + 2);
        bytes += Encoding.UTF8.GetByteCount(data);
        return new MessageRow(
            reader.GetInt32(column), reader.GetString(column + 1), MessageData.Normalize(data), reader.GetFieldValue<DateTimeOffset>(column + 3));
    }
}
