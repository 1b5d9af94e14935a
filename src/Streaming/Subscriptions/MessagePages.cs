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
public sealed class MessagePages
{
    // Of one statement; they share the bytes of a page, so that memory is bounded by the statements under way.
    const int PagesMax = 16;

    readonly Postgres _postgres;
    readonly Replica _replica;
    readonly SubscriptionOptions _options;
    readonly GroupedReads<(Guid TransformId, int After), MessagePage> _pages;

    public MessagePages(Postgres postgres, Replica replica, IOptions<SubscriptionOptions> options, IOptions<DatabaseOptions> database, TimeProvider clock)
    {
        (_postgres, _replica, _options) = (postgres, replica, options.Value);
        _pages = new((asked, token) => postgres.InTurnAsync(
            connection => ReadAsync(connection, asked, _options.PageMessagesMax, _options.PageBytesMax / asked.Count, token), token),
            database.Value.CatchUpReadsMax, PagesMax, database.Value.RequestPatience, clock);
    }

    /// <summary>The page of a transform after index <paramref name="after"/>.</summary>
    /// <exception cref="DatabaseUnavailableException"/>
    public Task<MessagePage> ReadAsync(Guid transformId, int after, CancellationToken cancellation) =>
        _postgres.PatientlyAsync(token => _pages.ReadAsync((transformId, after), token), cancellation);

    /// <summary>
    /// The page of the <paramref name="known"/> messages after index <paramref name="after"/>, from the replica; null if it is no
    /// help. They must be known to exist: what a replica shows, the primary may not show yet, and whoever has been told of it
    /// could not resume there. All or nothing, so that a replica that lags is not asked for the rest bit by bit.
    /// </summary>
    public async Task<MessagePage?> ReadReplicaAsync(Guid transformId, int after, int known, CancellationToken cancellation)
    {
        if (!_replica.IsConfigured)
            return null;
        var count = Math.Min(known, _options.PageMessagesMax);
        var (answered, pages) = await _replica.TryAsync(
            (connection, token) => ReadAsync(connection, [(transformId, after)], count, _options.PageBytesMax, token), cancellation);
        var page = pages?.GetValueOrDefault((transformId, after));
        var isWhole = answered && page is { IsFull: true, Rows: [{ Index: var first }, ..] } && first == after + 1;
        _replica.Count("page", isWhole ? "replica" : answered ? "lags" : "away");
        return isWhole ? page : null;
    }

    /// <summary>What many transforms have grown by, a page of each that has; one query for all.</summary>
    public Task<IReadOnlyDictionary<(Guid TransformId, int After), MessagePage>> ReadNewAsync(
        IReadOnlyCollection<(Guid TransformId, int After)> grown, CancellationToken cancellation) =>
        _postgres.RunOnAsync(OwnConnection.LiveReads, connection => ReadAsync(connection, grown, _options.PageMessagesMax, _options.PageBytesMax, cancellation), cancellation);

    static async Task<IReadOnlyDictionary<(Guid TransformId, int After), MessagePage>> ReadAsync(
        NpgsqlConnection connection, IReadOnlyCollection<(Guid TransformId, int After)> asked, int messagesMax, int bytesMax, CancellationToken cancellation)
    {
        (Guid TransformId, int After)[] keys = [.. asked];
        var (rowsLimit, bytesLimit) = (new NpgsqlParameter<int> { TypedValue = messagesMax }, new NpgsqlParameter<int> { TypedValue = bytesMax });
        await using var command = keys is [var (transformId, after)]
            ? Command(connection, "messages/read_page",
                new NpgsqlParameter<Guid> { TypedValue = transformId }, new NpgsqlParameter<int> { TypedValue = after }, rowsLimit, bytesLimit)
            : Command(connection, "messages/read_messages",
                new NpgsqlParameter<Guid[]> { TypedValue = [.. keys.Select(key => key.TransformId)] },
                new NpgsqlParameter<int[]> { TypedValue = [.. keys.Select(key => key.After)] }, rowsLimit, bytesLimit);
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        var pages = keys.ToDictionary(key => key, _ => new MessagePage([], IsFull: false));
        var (current, bytes) = (0, 0);
        List<MessageRow> rows = [];
        while (await reader.ReadAsync(cancellation))
        {
            var number = reader.GetInt32(0);
            if (number != current)
                (current, bytes, rows) = (number, 0, pages[keys[number - 1]].Rows);
            rows.Add(Row(reader, 1, ref bytes));
            if (rows.Count == messagesMax || bytes >= bytesMax)
                pages[keys[number - 1]] = new MessagePage(rows, IsFull: true);
        }

        return pages;
    }

    /// <summary>
    /// Of those transforms that have grown beyond what is known, or whose messages do not stay because retention or a delete
    /// takes them: index of the last message, and whether they stay.
    /// </summary>
    public Task<List<(Guid TransformId, int Head, bool Stays)>> ReadHeadsAsync(
        IReadOnlyList<(Guid TransformId, int Head)> known, CancellationToken cancellation) =>
        _postgres.RunAheadAsync(async connection =>
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
        var data = reader.GetFieldValue<byte[]>(column + 2);
        bytes += data.Length;
        return new MessageRow(
            reader.GetInt32(column), reader.GetString(column + 1), MessageData.Normalize(data), reader.GetFieldValue<DateTimeOffset>(column + 3));
    }
}
