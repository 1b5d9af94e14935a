using System.Text.Json;
using Dapper;
using Streaming.Database;

namespace Streaming.Sessions;

/// <summary>An earlier analysis with the same model.</summary>
/// <param name="Strategy">That it was made with.</param>
/// <param name="Seconds">From the worker to the end.</param>
/// <param name="Load">When it began: running and queued analyses as a share of the places.</param>
/// <param name="AgeSeconds">Since its end.</param>
public sealed record PastAnalysis(string Strategy, double Seconds, double Load, double AgeSeconds);

/// <summary>What an analysis that begins goes by.</summary>
/// <param name="Running">Analyses that run in the same process, this one included.</param>
/// <param name="Queued">Analyses that wait.</param>
/// <param name="Past">Earlier ones, newest first.</param>
public sealed record AnalysisHistory(int Running, int Queued, IReadOnlyList<PastAnalysis> Past);

/// <summary>An artifact of an earlier analysis. <see cref="IsFull"/>: all of that analysis may be used again, not only what was seen in the picture.</summary>
public sealed record ReusableArtifact(bool IsFull, string Type, int Position, string Data);

/// <summary>A line of the metrics: <see cref="Part"/> is <c>all</c>, <c>status</c> or <c>strategy</c>.</summary>
public sealed record AnalysisMetric(
    string Part, string? Name, int Count, int Completed, int InTime, int WithinBudget, int Reused, double? MedianSeconds, double? P95Seconds);

/// <summary>What analyses need of the database besides their own state.</summary>
public sealed class AnalysisReader(Postgres postgres)
{
    static AnalysisReader() => DefaultTypeMap.MatchNamesWithUnderscores = true;

    const int HistoryMax = 200;

    /// <summary>Analyses that the metrics are of, at most: the newest.</summary>
    public const int MetricsMax = 1000;

    sealed record HistoryRow(int Running, int Queued, string? Strategy, double? Seconds, double? Load, double? AgeSeconds);

    /// <summary>The <c>received</c> of a user's upload; null if there is no such upload.</summary>
    /// <exception cref="DatabaseUnavailableException"/>
    public async Task<JsonElement?> FindUploadAsync(Guid uploadId, string userId, CancellationToken cancellation) =>
        await postgres.RunAsync(connection => connection.QuerySingleOrDefaultAsync<string?>(new CommandDefinition(
            Sql.Named("analyses/find_upload"), new { upload = uploadId, user = userId }, cancellationToken: cancellation)), cancellation) is { } received
            ? JsonElement.Parse(received) : null;

    /// <summary>The picture of an analysis; null: it is not stored any more.</summary>
    /// <exception cref="DatabaseUnavailableException"/>
    public Task<byte[]?> ReadImageAsync(Guid sessionId, CancellationToken cancellation) =>
        postgres.RunAheadAsync(connection => connection.QuerySingleOrDefaultAsync<byte[]?>(new CommandDefinition(
            Sql.Named("analyses/read_image"), new { session = sessionId }, cancellationToken: cancellation)), cancellation);

    /// <exception cref="DatabaseUnavailableException"/>
    public Task<AnalysisHistory> ReadHistoryAsync(Guid sessionId, string queue, TimeSpan age, CancellationToken cancellation) =>
        postgres.RunAheadAsync(async connection =>
        {
            var rows = (await connection.QueryAsync<HistoryRow>(new CommandDefinition(
                Sql.Named("analyses/read_history"), new { session = sessionId, queue, age, max = HistoryMax }, cancellationToken: cancellation))).AsList();
            return new AnalysisHistory(rows[0].Running, rows[0].Queued,
                [.. rows.Where(row => row.Strategy is not null).Select(row => new PastAnalysis(row.Strategy!, row.Seconds ?? 0, row.Load ?? 0, row.AgeSeconds ?? 0))]);
        }, cancellation);

    /// <summary>What of an earlier analysis of the same user can be used again; empty: nothing.</summary>
    /// <exception cref="DatabaseUnavailableException"/>
    public Task<List<ReusableArtifact>> FindReusableAsync(Guid sessionId, int rankMin, CancellationToken cancellation) =>
        postgres.RunAheadAsync(async connection => (await connection.QueryAsync<ReusableArtifact>(new CommandDefinition(
            Sql.Named("analyses/find_reusable"), new { session = sessionId, rankMin }, cancellationToken: cancellation))).AsList(), cancellation);

    /// <summary>How a user's newest <see cref="MetricsMax"/> analyses went.</summary>
    /// <exception cref="DatabaseUnavailableException"/>
    public Task<List<AnalysisMetric>> ReadMetricsAsync(string userId, TimeSpan budget, CancellationToken cancellation) =>
        postgres.RunAsync(async connection => (await connection.QueryAsync<AnalysisMetric>(new CommandDefinition(
            Sql.Named("analyses/read_metrics"), new { user = userId, max = MetricsMax, budget = budget.TotalSeconds }, cancellationToken: cancellation))).AsList(), cancellation);
}
