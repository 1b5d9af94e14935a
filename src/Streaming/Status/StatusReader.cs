using System.Text.Json;
using Dapper;
using Microsoft.Extensions.Options;
using Streaming.Configuration;
using Streaming.Database;
using Streaming.Pipelines.Upload;
using Streaming.Sessions;

namespace Streaming.Status;

/// <summary>What the database knows of all instances together.</summary>
public sealed class StatusReader(Postgres postgres, IOptions<StatusOptions> options, IOptions<UploadOptions> uploads, TimeProvider clock)
{
    // What is more is counted, and averaged, no further: the figures are read every few seconds.
    const int CountMax = 10_000;

    // Samples of all instances within two and a half intervals.
    const int InstancesMax = 1000;

    static readonly TimeSpan Hour = TimeSpan.FromHours(1);
    static readonly TimeSpan AnalysisTime = TimeSpan.FromSeconds(12);

    // A sample is complete when all instances have had the time to write theirs.
    static readonly TimeSpan SettleMax = TimeSpan.FromSeconds(3);

    static StatusReader() => DefaultTypeMap.MatchNamesWithUnderscores = true;

    /// <summary>What is in progress, and what has ended within the last hour.</summary>
    /// <exception cref="DatabaseUnavailableException"/>
    public Task<Activity> ReadActivityAsync(CancellationToken cancellation) => postgres.RunAheadAsync(async connection => new Activity(
        (await connection.QueryAsync<InProgress>(Command("status/count_in_progress", new { max = CountMax }))).AsList(),
        (await connection.QueryAsync<Ended>(Command("status/read_ended", new { since = Hour, max = CountMax, within = AnalysisTime, targets = Targets }))).AsList()), cancellation);

    /// <exception cref="DatabaseUnavailableException"/>
    public Task<DatabaseFigures> ReadDatabaseAsync(CancellationToken cancellation) =>
        postgres.RunAheadAsync(connection => connection.QuerySingleAsync<DatabaseFigures>(Command("status/read_database", null)), cancellation);

    /// <summary>The newest sample of each instance that still writes some.</summary>
    /// <exception cref="DatabaseUnavailableException"/>
    public Task<List<InstanceSample>> ReadInstancesAsync(CancellationToken cancellation) => postgres.RunAheadAsync(async connection =>
        (await connection.QueryAsync<InstanceSample>(Command("status/read_instances", new { fresh = 2.5 * options.Value.SampleInterval, max = InstancesMax }))).AsList(), cancellation);

    /// <summary>What all instances together were in the last hour, or after a moment of it.</summary>
    /// <exception cref="DatabaseUnavailableException"/>
    public async Task<History> ReadHistoryAsync(DateTimeOffset? after, CancellationToken cancellation)
    {
        var interval = options.Value.SampleInterval;
        var from = clock.GetUtcNow() - Hour;
        if (after > from)
            from = after.Value;
        var settle = interval / 4 < SettleMax ? interval / 4 : SettleMax;
        var points = await postgres.RunAheadAsync(async connection =>
            (await connection.QueryAsync<HistoryPoint>(Command("status/read_history", new { after = from.UtcDateTime, settle }))).AsList(), cancellation);
        return new History(from, interval.TotalSeconds, points);
    }

    /// <summary>A page of the transforms of all users, the newest first.</summary>
    /// <exception cref="DatabaseUnavailableException"/>
    public Task<RunPage> ReadRunsAsync(Guid? before, int count, CancellationToken cancellation) => postgres.RunAsync(async connection =>
    {
        // One more than asked for tells whether there is a next page.
        var rows = (await connection.QueryAsync<RunRow>(Command("status/read_runs", new { before, count = count + 1 }))).AsList();
        var page = rows.Take(count).Select(row => row with { Status = SessionVersion.Public(row.Status) }).ToList();
        return new RunPage(page, rows.Count > count ? page[^1].Id.ToString("N") : null);
    }, cancellation);

    /// <summary>How far an upload is; null if there is none, or none of this user's.</summary>
    /// <param name="sessionId">The session.</param>
    /// <param name="userId">Whose it must be; null: anybody's.</param>
    /// <param name="cancellation">Ends the read.</param>
    /// <exception cref="DatabaseUnavailableException"/>
    public async Task<UploadStatus?> ReadUploadAsync(Guid sessionId, string? userId, CancellationToken cancellation)
    {
        var row = await postgres.RunAsync(connection => connection.QuerySingleOrDefaultAsync<UploadRow>(
            Command("status/read_upload", new { session = sessionId, user = userId, max = CountMax })), cancellation);
        if (row is null)
            return null;
        var now = clock.GetUtcNow().UtcDateTime;
        using var image = row.Image is null ? null : JsonDocument.Parse(row.Image);
        using var progress = row.Progress is null ? null : JsonDocument.Parse(row.Progress);
        var result = image?.RootElement;
        return new UploadStatus(
            sessionId, SessionVersion.Public(row.Status), NameOf(row.Priority), row.Attempt, row.Ahead, row.Status == "completed" ? 100 : progress?.RootElement.GetProperty("progress").GetDouble(),
            row.CreatedAt, row.StartedAt, row.EndedAt, Seconds((row.StartedAt ?? row.EndedAt ?? now) - row.CreatedAt), Seconds((row.EndedAt ?? now) - row.CreatedAt),
            TargetOf(row.Priority)?.TotalSeconds, row.Error, Whole("originalSize"), Whole("compressedSize"), Number("compressionRatio"),
            result?.GetProperty("strategy").GetString(), Number("ssim"), $"/api/uploads/{sessionId}");

        double? Number(string name) => result?.GetProperty(name) is { ValueKind: JsonValueKind.Number } value ? value.GetDouble() : null;
        long? Whole(string name) => (long?)Number(name);
    }

    /// <summary>Priorities, the most urgent first.</summary>
    public static IEnumerable<UploadPriority> Priorities => Enum.GetValues<UploadPriority>().OrderDescending();

    public static string NameOf(int priority) => ((UploadPriority)priority).ToString().ToLowerInvariant();

    public TimeSpan? TargetOf(int priority) => (UploadPriority)priority switch
    {
        UploadPriority.Urgent => uploads.Value.UrgentTarget,
        UploadPriority.High => uploads.Value.HighTarget,
        UploadPriority.Normal => uploads.Value.NormalTarget,
        _ => null,
    };

    /// <summary>By priority from 0 on.</summary>
    TimeSpan?[] Targets => [.. Enum.GetValues<UploadPriority>().Order().Select(priority => TargetOf((int)priority))];

    static double Seconds(TimeSpan time) => Math.Round(Math.Max(0, time.TotalSeconds), 3);

    static CommandDefinition Command(string statement, object? parameters) => new(Sql.Named(statement), parameters);

    sealed record UploadRow
    {
        public Guid Id { get; init; }
        public required string Status { get; init; }
        public int Priority { get; init; }
        public int Ordinal { get; init; }
        public int Attempt { get; init; }
        public DateTime CreatedAt { get; init; }
        public DateTime? StartedAt { get; init; }
        public DateTime? EndedAt { get; init; }
        public string? Error { get; init; }
        public int? Ahead { get; init; }
        public string? Progress { get; init; }
        public string? Image { get; init; }
    }
}

/// <summary>What is in progress, and what has ended within the last hour, whichever instance runs it.</summary>
public sealed record Activity(IReadOnlyList<InProgress> InProgress, IReadOnlyList<Ended> Ended)
{
    const string Upload = UploadPipeline.KindName;
    const string Analysis = "analysis";

    // They have no text that streams: files of users, and what another program writes at a pace of its own.
    static readonly string[] NotStreamed = [Upload, "file"];
    static readonly string[] NotRun = [Upload, "file", RelayKind.KindName];

    public int ActiveStreams => InProgress.Where(one => one.Status == "running" && !NotStreamed.Contains(one.Kind)).Sum(one => one.Count);

    public int ActiveUploads => InProgress.Where(one => one.Status == "running" && one.Kind == Upload).Sum(one => one.Count);

    public int Queued => InProgress.Where(one => one.Status == "queued").Sum(one => one.Count);

    /// <summary>Seconds that the completed generations ran; null: none was completed.</summary>
    public double? AverageStreamDuration => Average(Ended.Where(one => one.Status == "completed" && !NotRun.Contains(one.Kind)));

    /// <summary>Share of the analyses that were complete in time; null: none has ended.</summary>
    public double? Sub12sSuccessRate
    {
        get
        {
            var analyses = Ended.Where(one => one.Kind == Analysis).ToList();
            return analyses.Count == 0 ? null : Math.Round((double)analyses.Where(one => one.Status == "completed").Sum(one => one.InTime) / analyses.Sum(one => one.Count), 4);
        }
    }

    /// <summary>Weighted by how many each stands for.</summary>
    public static double? Average(IEnumerable<Ended> ended)
    {
        var all = ended.ToList();
        return all.Count == 0 ? null : Math.Round(all.Sum(one => one.AverageSeconds * one.Count) / all.Sum(one => one.Count), 3);
    }
}
