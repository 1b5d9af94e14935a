using Npgsql;
using NpgsqlTypes;
using Streaming.Database;

namespace Streaming.Estimation;

/// <summary>
/// What is known of a kind when a run starts, read in one round trip and kept for that run alone.
/// </summary>
/// <param name="Runs">Completed runs, newest first, <see cref="DurationModel.RunsMax"/> at most unless it says otherwise.</param>
/// <param name="Outcomes">How the estimates of <see cref="Calibration.RunsMax"/> runs turned out.</param>
public sealed record StageHistory(IReadOnlyList<PastRun> Runs, EstimateOutcome Outcomes)
{
    /// <summary>Reads the past of a kind.</summary>
    /// <param name="connection">An open connection.</param>
    /// <param name="kind">The kind.</param>
    /// <param name="sizeProperty">Property of the session's input that says how much was asked for, a path with dots; null: all are alike.</param>
    /// <param name="cancellation">Ends the wait.</param>
    /// <param name="runsMax">Newest completed runs that are read.</param>
    /// <param name="sizedStages">Stages whose time grows with the size; null: all.</param>
    public static async Task<StageHistory> ReadAsync(
        NpgsqlConnection connection, string kind, string? sizeProperty, CancellationToken cancellation, int runsMax = DurationModel.RunsMax,
        IReadOnlyList<string>? sizedStages = null)
    {
        await using var batch = new NpgsqlBatch(connection);
        batch.BatchCommands.Add(new NpgsqlBatchCommand(Sql.Named("estimation/read_stage_history"))
        {
            Parameters = { Of(kind), Of(sizeProperty ?? ""), Of(runsMax), Of<string[]>([.. sizedStages ?? []]) },
        });
        batch.BatchCommands.Add(new NpgsqlBatchCommand(Sql.Named("estimation/read_outcomes"))
        {
            Parameters = { Of(kind), Of(Calibration.RunsMax), Of(EstimateOutcome.Length) },
        });
        await using var reader = await batch.ExecuteReaderAsync(cancellation);
        var runs = await ReadRunsAsync(reader, cancellation);
        await reader.NextResultAsync(cancellation);
        var counts = new List<int>(EstimateOutcome.Length);
        while (await reader.ReadAsync(cancellation))
            counts.Add(reader.GetInt32(0));
        return new StageHistory(runs, counts.Count == 0 ? new EstimateOutcome() : new EstimateOutcome(counts));
    }

    /// <summary>Estimates for the run that now begins.</summary>
    /// <param name="model">Who generates, as in <see cref="PastRun.Model"/>: provider and model with a slash between.</param>
    /// <param name="planned">Its stages, in order.</param>
    public RunEstimator Estimator(string model, IReadOnlyList<PlannedStage> planned) =>
        new(DurationModel.Fit(Runs, model, planned), planned.Select(stage => stage.Stage), new Calibration(Outcomes));

    /// <summary>Notes how the estimates of a completed run turned out.</summary>
    public static async Task WriteOutcomeAsync(
        NpgsqlConnection connection, Guid transformId, EstimateOutcome outcome, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand(Sql.Named("estimation/write_outcome"), connection)
        {
            Parameters =
            {
                new NpgsqlParameter<Guid> { TypedValue = transformId },
                new NpgsqlParameter<int[]> { TypedValue = outcome.ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Integer },
            },
        };
        await command.ExecuteNonQueryAsync(cancellation);
    }

    static async Task<List<PastRun>> ReadRunsAsync(NpgsqlDataReader reader, CancellationToken cancellation)
    {
        var runs = new List<PastRun>();
        var stages = new List<PastStage>();
        Guid? current = null;
        while (await reader.ReadAsync(cancellation))
        {
            if (reader.GetGuid(0) != current)
                runs.Add(new PastRun(reader.GetString(1), stages = []));
            current = reader.GetGuid(0);
            stages.Add(new PastStage(
                reader.GetString(2), reader.GetDouble(3), reader.GetDouble(4), await reader.IsDBNullAsync(5, cancellation) ? null : reader.GetDouble(5)));
        }

        return runs;
    }

    static NpgsqlParameter<T> Of<T>(T value) => new() { TypedValue = value };
}
