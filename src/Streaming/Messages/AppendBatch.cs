using System.Security.Cryptography;
using Npgsql;
using NpgsqlTypes;
using Streaming.Database;

namespace Streaming.Messages;

/// <summary>The messages of one commit, grouped by run, and how they are written.</summary>
public sealed class AppendBatch
{
    readonly Dictionary<RunLease, List<Append>> _runs = [];

    public IReadOnlyDictionary<RunLease, List<Append>> Runs => _runs;
    public int Count { get; private set; }

    public void Add(Append append)
    {
        if (!_runs.TryGetValue(append.Lease, out var messages))
            _runs.Add(append.Lease, messages = []);
        messages.Add(append);
        Count++;
    }

    /// <summary>Takes a run out, because it is done or lost.</summary>
    public void Remove(RunLease lease)
    {
        if (_runs.Remove(lease, out var messages))
            Count -= messages.Count;
    }

    public void Clear()
    {
        _runs.Clear();
        Count = 0;
    }

    /// <summary>
    /// Writes everything in one transaction and one round trip; returns the leases that are lost, whose messages were not
    /// written. A process may have taken over a run of its own: then both leases are here, and the later one is the one that stands.
    /// </summary>
    /// <param name="connection">Of the pool.</param>
    /// <param name="lockPatience">How long it waits for a lock that somebody else holds.</param>
    /// <param name="cancellation">Ends the wait for the answer; whether it was written is then unknown.</param>
    /// <exception cref="PostgresException">Among others 55P03: the patience was used up, and nothing is written.</exception>
    public async Task<HashSet<RunLease>> WriteAsync(NpgsqlConnection connection, TimeSpan lockPatience, CancellationToken cancellation)
    {
        // Without an explicit transaction PostgreSQL runs a pipelined batch as one.
        await using var batch = new NpgsqlBatch(connection);
        var patience = new NpgsqlParameter<int> { TypedValue = (int)lockPatience.TotalMilliseconds };
        var changes = new List<Append>();
        foreach (var messages in _runs.Values)
            foreach (var append in messages)
                if (append.ChangesMoreThanMessages)
                    changes.Add(append);
        if (changes.Count > 0)
            Statement(batch, "lock_leases", Of(NpgsqlDbType.Uuid, changes.Select(c => c.Lease.TransformId).Distinct()), patience.Clone());
        AddMessages(batch, patience);
        if (changes.Count > 0)
            AddChanges(batch, changes);

        var written = new HashSet<Guid>(_runs.Count);
        await using var reader = await batch.ExecuteReaderAsync(cancellation);
        if (changes.Count > 0)
            await reader.NextResultAsync(cancellation);
        while (await reader.ReadAsync(cancellation))
            written.Add(reader.GetGuid(0));
        while (await reader.NextResultAsync(cancellation))
        {
        }

        var newest = new Dictionary<Guid, int>(_runs.Count);
        foreach (var lease in _runs.Keys)
            newest[lease.TransformId] = Math.Max(lease.Attempt, newest.GetValueOrDefault(lease.TransformId));
        return [.. _runs.Keys.Where(lease => !written.Contains(lease.TransformId) || lease.Attempt < newest[lease.TransformId])];
    }

    void AddMessages(NpgsqlBatch batch, NpgsqlParameter patience)
    {
        var row = 0;
        var transforms = new Guid[Count];
        var attempts = new int[Count];
        var indexes = new int[Count];
        var types = new string[Count];
        var data = new byte[Count][];
        var times = new DateTimeOffset[Count];
        foreach (var (lease, messages) in _runs)
            foreach (var message in messages)
            {
                transforms[row] = lease.TransformId;
                attempts[row] = lease.Attempt;
                indexes[row] = message.Index;
                types[row] = message.Type;
                data[row] = message.Data;
                times[row++] = message.Time;
            }

        Statement(batch, "append_messages", Array(NpgsqlDbType.Uuid, transforms), Array(NpgsqlDbType.Integer, attempts),
            Array(NpgsqlDbType.Integer, indexes), Array(NpgsqlDbType.Text, types), Array(NpgsqlDbType.Text, data),
            Array(NpgsqlDbType.TimestampTz, times), patience);
    }

    static void AddChanges(NpgsqlBatch batch, List<Append> changes)
    {
        var artifacts = changes.Where(c => c.Artifact is not null).ToList();
        if (artifacts.Count > 0)
            Statement(batch, "write_artifacts", Transforms(artifacts), Attempts(artifacts),
                Of(NpgsqlDbType.Uuid, artifacts.Select(c => c.Artifact!.Id)),
                Of(NpgsqlDbType.Text, artifacts.Select(c => c.Artifact!.Type)),
                Of(NpgsqlDbType.Integer, artifacts.Select(c => c.Artifact!.Position)),
                Of(NpgsqlDbType.Jsonb, artifacts.Select(c => c.Artifact!.Data)),
                Of(NpgsqlDbType.Bytea, artifacts.Select(c => c.Artifact!.File?.Content)),
                Of(NpgsqlDbType.Text, artifacts.Select(c => c.Artifact!.File?.ContentType)),
                Of(NpgsqlDbType.Text, artifacts.Select(c => c.Artifact!.File is { } file ? Convert.ToHexStringLower(SHA256.HashData(file.Content)) : null)));

        // The last change of a stage counts: an update that meets a row twice would take either.
        var stages = changes.Where(c => c.Stage is not null)
            .GroupBy(c => (c.Lease.TransformId, c.Stage!.Stage)).Select(group => group.Last()).ToList();
        if (stages.Count > 0)
            Statement(batch, "write_stages", Transforms(stages), Attempts(stages),
                Of(NpgsqlDbType.Text, stages.Select(c => c.Stage!.Stage)),
                Of(NpgsqlDbType.Text, stages.Select(c => c.Stage!.Status)),
                Of(NpgsqlDbType.TimestampTz, stages.Select(c => c.Time)),
                Of(NpgsqlDbType.Double, stages.Select(c => c.Stage!.HalfSeconds)));

        var guided = changes.Where(c => c.GuidancePosition is not null).ToList();
        if (guided.Count > 0)
            Statement(batch, "apply_guidance", Transforms(guided), Attempts(guided), Of(NpgsqlDbType.Integer, guided.Select(c => c.GuidancePosition!.Value)));

        var finished = changes.Where(c => c.Finish is not null).ToList();
        if (finished.Count > 0)
            Statement(batch, "finish_transforms", Transforms(finished), Attempts(finished),
                Of(NpgsqlDbType.Text, finished.Select(c => c.Finish!.Status)),
                Of(NpgsqlDbType.Jsonb, finished.Select(c => c.Finish!.Error)),
                Of(NpgsqlDbType.TimestampTz, finished.Select(c => c.Time)));
    }

    static NpgsqlParameter<Guid[]> Transforms(List<Append> changes) => Of(NpgsqlDbType.Uuid, changes.Select(c => c.Lease.TransformId));

    static NpgsqlParameter<int[]> Attempts(List<Append> changes) => Of(NpgsqlDbType.Integer, changes.Select(c => c.Lease.Attempt));

    static NpgsqlParameter<T[]> Of<T>(NpgsqlDbType type, IEnumerable<T> values) => Array(type, values.ToArray());

    static NpgsqlParameter<T[]> Array<T>(NpgsqlDbType type, T[] values) =>
        new NpgsqlParameter<T[]> { TypedValue = values, NpgsqlDbType = NpgsqlDbType.Array | type };

    static void Statement(NpgsqlBatch batch, string name, params ReadOnlySpan<NpgsqlParameter> parameters)
    {
        var command = new NpgsqlBatchCommand(Sql.Named($"messages/{name}"));
        foreach (var parameter in parameters)
            command.Parameters.Add(parameter);
        batch.BatchCommands.Add(command);
    }
}
