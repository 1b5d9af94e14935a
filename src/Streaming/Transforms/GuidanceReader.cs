using Dapper;
using Streaming.Database;

namespace Streaming.Transforms;

/// <summary>Reads what users have said to running transforms, and offers it to the runs.</summary>
public sealed class GuidanceReader(Postgres postgres)
{
    sealed record Row(Guid TransformId, int Position, Guid Id, string Text, bool Applied);

    /// <summary>Offers each of the runs what it does not know yet; one query for all.</summary>
    /// <exception cref="DatabaseUnavailableException"/>
    public async Task ReadAsync(IReadOnlyCollection<RunGuidance> runs, CancellationToken cancellation)
    {
        if (runs.Count == 0)
            return;
        var rows = await postgres.RunAheadAsync(connection => connection.QueryAsync<Row>(new CommandDefinition(Sql.Named("transforms/read_guidance"), new
        {
            transforms = runs.Select(run => run.TransformId).ToArray(),
            known = runs.Select(run => run.LastPosition).ToArray(),
        }, cancellationToken: cancellation)), cancellation);
        // Two attempts of one transform may be here at once, the older about to find that it is: both are told.
        var byTransform = runs.ToLookup(run => run.TransformId);
        foreach (var row in rows)
            foreach (var run in byTransform[row.TransformId])
                run.Offer(new StoredGuidance(row.Position, row.Id, row.Text, row.Applied));
    }
}
