using System.Text.Json;
using Dapper;
using Npgsql;
using Streaming.Database;
using Streaming.Estimation;
using Streaming.Sessions;

namespace Streaming.Transforms;

/// <summary>
/// A transform that this process has just claimed; <c>Traceparent</c> is the request that asked for it, for traces. <see cref="IsAged"/>:
/// ahead of more urgent ones, because it had waited too long.
/// </summary>
public sealed record ClaimedTransform(Guid Id, Guid SessionId, string Kind, int Ordinal, int Attempt, string? Traceparent, bool IsAged);

/// <summary>An output of an earlier attempt of the same transform.</summary>
/// <param name="Type">Its type.</param>
/// <param name="Position">Its place among those of its type.</param>
/// <param name="Data">What its message told.</param>
/// <param name="Content">The bytes of its file; null if it has none.</param>
public sealed record EarlierArtifact(string Type, int Position, JsonElement Data, byte[]? Content = null)
{
    public StoredArtifact Stored => new(Type, Data.GetRawText());
}

/// <summary>What a run begins with: the input, and what earlier attempts have left.</summary>
/// <param name="Input">The session's input.</param>
/// <param name="UserId">Whose session it is.</param>
/// <param name="CompletedStages">Stages that need not run again.</param>
/// <param name="UnfinishedStage">The stage that an earlier attempt broke off; null if none had begun.</param>
/// <param name="Artifacts">Outputs so far, in the order of their position.</param>
/// <param name="Progress">Overall percentage that clients were last told.</param>
/// <param name="Model">Who generates: provider and model with a slash between.</param>
/// <param name="History">How long earlier runs of the kind took.</param>
/// <param name="Age">How long ago the transform was asked for.</param>
public sealed record StoredRun(
    JsonElement Input, string UserId, IReadOnlySet<string> CompletedStages, string? UnfinishedStage, IReadOnlyList<EarlierArtifact> Artifacts, double Progress,
    string Model, StageHistory History, TimeSpan Age)
{
    sealed record Row(Guid SessionId, string UserId, string Input, string Model, string Stages, string Artifacts, string? Progress, double AgeSeconds);

    public static async Task<StoredRun> ReadAsync(NpgsqlConnection connection, Guid transformId, IPipeline pipeline, CancellationToken cancellation)
    {
        var history = await StageHistory.ReadAsync(connection, pipeline.Name, pipeline.SizeProperty, cancellation, sizedStages: pipeline.SizedStages);
        var row = await connection.QuerySingleAsync<Row>(new CommandDefinition(
            Sql.Named("transforms/read_run"), new { transform = transformId }, cancellationToken: cancellation));
        return new StoredRun(
            Parse(row.Input),
            row.UserId,
            Parse(row.Stages).EnumerateArray()
                .Where(stage => stage.GetProperty("status").GetString() == "completed")
                .Select(stage => stage.GetProperty("stage").GetString()!).ToHashSet(),
            Parse(row.Stages).EnumerateArray()
                .Where(stage => stage.GetProperty("status").GetString() == "running")
                .Select(stage => stage.GetProperty("stage").GetString()).FirstOrDefault(),
            [.. Parse(row.Artifacts).EnumerateArray().Select(artifact => new EarlierArtifact(
                artifact.GetProperty("type").GetString()!, artifact.GetProperty("position").GetInt32(), artifact.GetProperty("data"),
                artifact.GetProperty("content").GetString() is { } content ? Convert.FromBase64String(content) : null))],
            row.Progress is null ? 0 : Parse(row.Progress).GetProperty("progress").GetDouble(),
            row.Model,
            history,
            TimeSpan.FromSeconds(Math.Max(0, row.AgeSeconds)));
    }

    static JsonElement Parse(string json)
    {
        using var document = JsonDocument.Parse(json);
        return document.RootElement.Clone();
    }
}
