using System.Buffers;
using System.Diagnostics;
using System.Text.Json;
using Microsoft.Extensions.Options;
using Npgsql;
using Streaming.Configuration;
using Streaming.Database;
using Streaming.Estimation;
using Streaming.Messages;
using Streaming.Models;
using Streaming.Protocol;
using Streaming.Telemetry;

namespace Streaming.Transforms;

/// <summary>
/// One attempt of one transform, from the claim to its end. However it ends, the transform is then completed, failed, handed
/// back, or somebody else's: never left running without a worker.
/// </summary>
/// <remarks>
/// <code>
///   claimed ──open──> running ──pipeline returns──> completed
///      │                 │ ├──ModelFault, TransformFault──> failed, with the parts that were made
///      │                 │ ├──any other exception──> failed (internal)
///      │                 │ ├──service stopping──> handed back to the queue (by the worker)
///      │                 └─lease lost──> stops without a word: the transform is another's, or has ended
///      ├──a fault of the database──> the lease runs out, another attempt follows
///      └──any other exception──> failed (internal), here too
/// </code>
/// </remarks>
public sealed class TransformRun(
    Postgres postgres, MessageAppender appender, GuidanceReader guidanceReader, IOptions<MessageOptions> messages,
    IOptions<TelemetryOptions> telemetry, ServiceMetrics metrics, ILogger<TransformRun> log, TimeProvider clock)
{
    /// <summary>
    /// Writes the first messages of the attempt and returns the lease; null if the transform was ended or taken over since the claim.
    /// </summary>
    /// <exception cref="DatabaseUnavailableException"/>
    public async Task<(RunLease Lease, StoredRun Stored)?> OpenAsync(IPipeline pipeline, ClaimedTransform claimed, RunGuidance guidance, CancellationToken cancellation)
    {
        await guidanceReader.ReadAsync([guidance], cancellation);
        var stored = await postgres.RunAheadAsync(connection => StoredRun.ReadAsync(connection, claimed.Id, pipeline, cancellation), cancellation);
        List<Message> opening = [new StatusMessage("streaming", claimed.Attempt)];
        if (claimed.Attempt > 1)
            opening.Insert(0, new InfoMessage(InfoMessage.Restarted, "Another worker goes on with this.", stored.UnfinishedStage));
        var last = await postgres.RunAheadAsync(async connection =>
        {
            await using var command = new NpgsqlCommand(Sql.Named("messages/open_attempt"), connection)
            {
                Parameters =
                {
                    new NpgsqlParameter<Guid> { TypedValue = claimed.Id },
                    new NpgsqlParameter<int> { TypedValue = claimed.Attempt },
                    new NpgsqlParameter<string[]> { TypedValue = [.. opening.Select(message => message.Type)] },
                    new NpgsqlParameter<string[]> { TypedValue = [.. opening.Select(ProtocolJson.Data)] },
                },
            };
            return (int?)await command.ExecuteScalarAsync(cancellation);
        }, cancellation);
        return last is { } head ? (new RunLease(claimed.Id, claimed.SessionId, claimed.Ordinal, claimed.Attempt, head + 1), stored) : null;
    }

    /// <summary>Runs the pipeline to its end. Throws when <paramref name="stopping"/> was cancelled, and for a fault outside of the pipeline.</summary>
    /// <param name="pipeline">What is run.</param>
    /// <param name="lease">Of the attempt.</param>
    /// <param name="stored">What it begins with.</param>
    /// <param name="guidance">What the user says meanwhile.</param>
    /// <param name="span">Of the attempt; the caller ends it.</param>
    /// <param name="stopping">Hand the run back.</param>
    public async Task RunAsync(IPipeline pipeline, RunLease lease, StoredRun stored, RunGuidance guidance, Activity span, CancellationToken stopping)
    {
        var began = clock.GetTimestamp();
        var outcome = "stopped";
        var times = new RunTimes(Estimator(pipeline, stored), clock);
        foreach (var stage in stored.CompletedStages)
            times.Skip(stage);
        using var run = new RunContext(lease, stored, guidance, times, pipeline.StagesOf(stored.Input), appender, messages.Value, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(stopping, lease.Lost);
        try
        {
            if (await RunAsync(pipeline, run, guidance, either.Token) is { } error)
            {
                log.LogWarning("Transform {Transform} fails in stage {Stage}: {Code}", lease.TransformId, error.Stage, error.Code);
                run.Trace(error.Code);
                span.Fail(error.Code);
                // Before it is known to be stored: the news of the end may be here first, and stop the run.
                outcome = "failed";
                await run.FailAsync(error with { TraceId = span.TraceId.ToHexString() }, either.Token);
                return;
            }

            outcome = "completed";
            if (lease.Attempt > 1)
                return;
            if (times.HalfTimeError() is { } off)
                metrics.EstimateEnded(pipeline.Name, off);
            await NoteAsync(lease.TransformId, times.Outcome(), stopping);
        }
        catch (Exception) when (lease.LostReason is { } reason)
        {
            log.LogInformation("Attempt {Attempt} of transform {Transform} stops: {Reason}", lease.Attempt, lease.TransformId, reason);
            if (lease.IsUnstorable)
                await FailFromOutsideAsync(lease.TransformId, lease.Attempt, span,
                    new ErrorMessage("storage_refused", "storage", "A message could not be stored.", false, Stage: run.Stage), stopping);
        }
        finally
        {
            span.SetTag("streaming.run.outcome", outcome);
            metrics.RunEnded(pipeline.Name, outcome, clock.GetElapsedTime(began));
        }
    }

    /// <summary>Runs the pipeline and completes the transform; returns what went wrong, null if nothing did.</summary>
    async Task<ErrorMessage?> RunAsync(IPipeline pipeline, RunContext run, RunGuidance guidance, CancellationToken cancellation)
    {
        try
        {
            await pipeline.RunAsync(run, cancellation);
            await run.CloseGuidanceAsync(() => ReadPatientlyAsync(guidance, cancellation), cancellation);
            await run.CompleteAsync(Result(pipeline, run), cancellation);
            return null;
        }
        catch (ModelFault fault)
        {
            if (telemetry.Value.LogProviderWords && fault.InnerException is { } words)
                log.LogWarning(words, "What the provider said");
            return new ErrorMessage(fault.Code, fault.Category, fault.Message, fault.Recoverable, (long?)fault.RetryAfter?.TotalMilliseconds, run.Stage);
        }
        catch (TransformFault fault)
        {
            return fault.ToMessage(run.Stage);
        }
        catch (Exception fault) when (fault is not (OperationCanceledException or LeaseLostException))
        {
            log.LogError(fault, "A pipeline has a fault of its own");
            return Internal() with { Stage = run.Stage };
        }
    }

    static RunEstimator Estimator(IPipeline pipeline, StoredRun stored)
    {
        var size = Size(pipeline.SizeProperty, stored.Input);
        return stored.History.Estimator(stored.Model, [.. pipeline.StagesOf(stored.Input).Select(
            stage => new PlannedStage(stage.Name, pipeline.SizedStages?.Contains(stage.Name) == false ? 1 : size, stage.Weight))]);
    }

    /// <summary>The number at a path with dots; 1 where there is none.</summary>
    static double Size(string? path, JsonElement input)
    {
        foreach (var name in path?.Split('.') ?? [])
            if (input.ValueKind != JsonValueKind.Object || !input.TryGetProperty(name, out input))
                return 1;
        return path is not null && input.ValueKind == JsonValueKind.Number && input.TryGetDouble(out var number) && number > 0 ? number : 1;
    }

    /// <summary>How well the time was told, for those who come after. The run is complete, whatever becomes of this.</summary>
    async Task NoteAsync(Guid transformId, EstimateOutcome outcome, CancellationToken cancellation)
    {
        try
        {
            await using var connection = await postgres.ConnectAsync(cancellation);
            await StageHistory.WriteOutcomeAsync(connection, transformId, outcome, cancellation);
        }
        catch (Exception fault) when (Postgres.IsTransient(fault) || fault is OperationCanceledException)
        {
            log.LogInformation("What came of the estimates of a run was not noted: {Reason}", fault.Message);
        }
    }

    /// <summary>Waits for a database that is away, as the appender does: what is complete must not fail for it.</summary>
    async Task ReadPatientlyAsync(RunGuidance guidance, CancellationToken cancellation)
    {
        while (true)
        {
            try
            {
                await guidanceReader.ReadAsync([guidance], cancellation);
                return;
            }
            catch (DatabaseUnavailableException fault)
            {
                log.LogWarning("A run waits for the database before it ends: {Reason}", fault.Message);
                await Task.Delay(TimeSpan.FromSeconds(1), clock, cancellation);
            }
        }
    }

    static ResultMessage Result(IPipeline pipeline, RunContext run)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            pipeline.WriteResult(writer, [.. run.Artifacts.OrderBy(artifact => artifact.Position).Select(artifact => artifact.Stored)]);
            writer.WriteEndObject();
        }

        return new ResultMessage { Parts = JsonSerializer.Deserialize<Dictionary<string, JsonElement>>(buffer.WrittenSpan)! };
    }

    /// <summary>Fails an attempt that has a fault outside of its pipeline, wherever that was; nothing if it was ended or taken over.</summary>
    /// <exception cref="DatabaseUnavailableException"/>
    public Task FailBrokenAsync(ClaimedTransform claimed, Activity span, CancellationToken cancellation)
    {
        var error = Internal();
        span.Fail(error.Code);
        span.SetTag("streaming.run.outcome", "failed");
        metrics.RunEnded(claimed.Kind, "failed", clock.GetUtcNow() - span.StartTimeUtc);
        return FailFromOutsideAsync(claimed.Id, claimed.Attempt, span, error, cancellation);
    }

    static ErrorMessage Internal() => new ErrorMessage("internal", "internal", "Something went wrong inside the service.", true);

    /// <summary>The run cannot write: it never began, or the database refused what a message holds.</summary>
    async Task FailFromOutsideAsync(Guid transformId, int attempt, Activity span, ErrorMessage error, CancellationToken cancellation)
    {
        error = error with { TraceId = span.TraceId.ToHexString() };
        await postgres.RunAheadAsync(async connection =>
        {
            await using var command = new NpgsqlCommand(Sql.Named("transforms/end_from_outside"), connection)
            {
                Parameters =
                {
                    new NpgsqlParameter<Guid> { TypedValue = transformId },
                    new NpgsqlParameter<int> { TypedValue = attempt },
                    new NpgsqlParameter<string> { TypedValue = ProtocolJson.Data(error), NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Jsonb },
                    new NpgsqlParameter<string[]> { TypedValue = [error.Type, MessageTypes.End] },
                    new NpgsqlParameter<string[]> { TypedValue = [ProtocolJson.Data(error), ProtocolJson.Data(new EndMessage("failed"))] },
                },
            };
            return await command.ExecuteNonQueryAsync(cancellation);
        }, cancellation);
    }
}
