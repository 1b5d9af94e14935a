using System.Diagnostics;
using System.Text.Json;
using Streaming.Configuration;
using Streaming.Database;
using Streaming.Messages;
using Streaming.Protocol;
using Streaming.Telemetry;

namespace Streaming.Transforms;

/// <summary>
/// What a pipeline sees of its run: the input, what is there already, and the messages it can send. One call at a time.
/// Every call waits while the appender's queue is full, and throws <see cref="LeaseLostException"/> when the run has lost
/// its lease. No message is larger than <c>Messages:DataBytesMax</c>: text is sent in pieces, anything else that is larger
/// throws <see cref="TransformFault"/> <c>output_too_large</c>, and is not sent.
/// </summary>
public sealed class RunContext(
    RunLease lease, StoredRun stored, RunGuidance guidance, RunTimes times, IReadOnlyList<StageInfo> stages, MessageAppender appender,
    MessageOptions options, TimeProvider clock) : IDisposable
{
    // A character is at most six bytes of JSON: a control character as \u001f, half of an emoji as \ud83d.
    const int JsonBytesPerCharacterMax = 6;

    static readonly TimeSpan DatabasePatience = TimeSpan.FromSeconds(1);

    readonly List<EarlierArtifact> _artifacts = [.. stored.Artifacts];
    readonly HashSet<string> _completed = [.. stored.CompletedStages];
    readonly double _totalWeight = stages.Sum(stage => stage.Weight);
    readonly long _openedAt = clock.GetTimestamp();
    double _completedWeight;
    double _stageWeight;
    double _progress = stored.Progress;
    double _progressSent = stored.Progress;
    long _progressAt;
    long _previewAt;
    long _stageStartedAt;
    Append? _last;
    Activity? _stageSpan;

    /// <summary>The session's input.</summary>
    public JsonElement Input => stored.Input;

    /// <summary>Since the transform was asked for, however often it was begun.</summary>
    public TimeSpan Elapsed => stored.Age + clock.GetElapsedTime(_openedAt);

    /// <summary>The session that is run.</summary>
    public Guid SessionId => lease.SessionId;

    /// <summary>Whose it is.</summary>
    public string UserId => stored.UserId;

    /// <summary>The stage that runs; null between stages.</summary>
    public string? Stage { get; private set; }

    /// <summary>Artifacts of this transform so far, earlier attempts' included, in the order they were made.</summary>
    public IReadOnlyList<EarlierArtifact> Artifacts => _artifacts;

    /// <summary>What the user has said to guide the generation and <see cref="TakeGuidanceAsync"/> has taken, in order.</summary>
    public IEnumerable<string> Guidance => guidance.Taken.Select(said => said.Text);

    /// <summary>Cancelled as soon as there is more to take.</summary>
    public CancellationToken GuidanceArrival => guidance.Arrival;

    /// <summary>Whether an earlier attempt has completed the stage.</summary>
    public bool IsCompleted(string stage) => _completed.Contains(stage);

    // Not async: the span is the current one for the pipeline that calls, and for the calls of the model that it makes.
    public Task BeginStageAsync(string stage, CancellationToken cancellation)
    {
        _stageSpan = Traces.BeginStage(stage);
        Stage = stage;
        (_completedWeight, _stageWeight) = (CompletedWeight, stages.First(one => one.Name == stage).Weight);
        _stageStartedAt = clock.GetTimestamp();
        times.Begin(stage);
        var message = Progress(0, Label(stage)) with { Estimate = times.Tell() };
        (_progressAt, _progressSent) = (clock.GetTimestamp(), message.Progress);
        return SendAsync(message, cancellation, stage: new StageChange(stage, "running"));
    }

    /// <summary>The stage's text begins anew: clients drop what they have of it.</summary>
    public Task RestartStageAsync(string reason, CancellationToken cancellation)
    {
        times.Restart();
        return SendAsync(new InfoMessage(InfoMessage.Restarted, reason, Stage), cancellation, stage: new StageChange(Stage!, "running"));
    }

    public Task CompleteStageAsync(CancellationToken cancellation)
    {
        var stage = Stage!;
        _completed.Add(stage);
        Stage = null;
        _progress = Math.Max(_progress, 100 * CompletedWeight / _totalWeight);
        var duration = clock.GetElapsedTime(_stageStartedAt);
        _stageSpan?.Dispose();
        return SendAsync(new StageCompleteMessage(stage, (long)duration.TotalMilliseconds, Math.Round(_progress, 1)), cancellation,
            stage: new StageChange(stage, "completed", times.Complete()));
    }

    /// <summary>The stage that runs fails, for those who read traces.</summary>
    /// <param name="code">Stable code of the error.</param>
    public void Trace(string code)
    {
        if (Stage is not null)
            _stageSpan.Fail(code);
    }

    /// <summary>A piece of generated text: one message, or several if it is too large for one.</summary>
    public Task ChunkAsync(string text, CancellationToken cancellation)
    {
        var message = new ChunkMessage(Stage!, text);
        var data = ProtocolJson.Utf8(message);
        return Fits(data) ? QueueAsync(new Append(lease, message.Type, data), cancellation) : ChunkInPiecesAsync(text, cancellation);
    }

    async Task ChunkInPiecesAsync(string text, CancellationToken cancellation)
    {
        var room = options.DataBytesMax - ProtocolJson.Utf8(new ChunkMessage(Stage!, "")).Length;
        var piece = room / JsonBytesPerCharacterMax;
        for (var start = 0; start < text.Length;)
        {
            var end = Math.Min(start + piece, text.Length);
            // Half of a surrogate pair cannot be stored.
            if (end < text.Length && char.IsLowSurrogate(text[end]))
                end--;
            await SendAsync(new ChunkMessage(Stage!, text[start..end]), cancellation);
            start = end;
        }
    }

    /// <summary>
    /// How far the stage is, 0-1. Sent when the whole has moved by a percent, or something at all after
    /// <c>Messages:ProgressInterval</c>; never backwards.
    /// </summary>
    public Task ProgressAsync(double fraction, string label, CancellationToken cancellation)
    {
        fraction = Math.Clamp(fraction, 0, 1);
        times.Report(fraction);
        Advance(fraction);
        var moved = Math.Round(_progress, 1) - _progressSent;
        if (moved < 0.1 || (moved < 1 && clock.GetElapsedTime(_progressAt) < options.ProgressInterval))
            return Task.CompletedTask;
        var message = Progress(fraction, label);
        (_progressAt, _progressSent) = (clock.GetTimestamp(), message.Progress);
        return SendAsync(message with { Estimate = times.Tell() }, cancellation);
    }

    /// <summary>A durable result: stored in the transaction of the message that tells of it.</summary>
    public async Task ArtifactAsync(string type, int position, JsonElement data, CancellationToken cancellation)
    {
        var id = Guid.CreateVersion7();
        await SendAsync(new ArtifactMessage(type, id, position, data), cancellation,
            artifact: new ArtifactChange(id, type, position, data.GetRawText()));
        _artifacts.Add(new EarlierArtifact(type, position, data.Clone()));
    }

    /// <summary>A durable file: its content is stored with the artifact, and is no part of the message.</summary>
    /// <param name="id">Id of the artifact, so that <paramref name="data"/> can have it.</param>
    /// <param name="type">Its type.</param>
    /// <param name="position">Its place among those of its type.</param>
    /// <param name="data">What the message tells of it.</param>
    /// <param name="file">The file.</param>
    /// <param name="cancellation">Ends the wait for room in the queue.</param>
    public async Task FileAsync(Guid id, string type, int position, JsonElement data, ArtifactFile file, CancellationToken cancellation)
    {
        await SendAsync(new ArtifactMessage(type, id, position, data), cancellation,
            artifact: new ArtifactChange(id, type, position, data.GetRawText(), file));
        _artifacts.Add(new EarlierArtifact(type, position, data.Clone(), file.Content));
    }

    /// <summary>Tells that an earlier result is used again: <c>full</c>, or <c>partial</c>.</summary>
    public Task CacheAsync(string source, CancellationToken cancellation) => SendAsync(new CacheMessage(source), cancellation);

    /// <summary>What the result looks like by now. Without its data where that is too large for a message: then its address has it.</summary>
    public Task PreviewAsync(PreviewMessage message, CancellationToken cancellation)
    {
        _previewAt = clock.GetTimestamp();
        return SendAsync(message.Data is null || Fits(ProtocolJson.Utf8(message)) ? message : message with { Data = null }, cancellation);
    }

    /// <summary>
    /// A preview of what is being drawn: sent only if it fits into a message, and <c>Messages:ProgressInterval</c> after the one before at the earliest.
    /// </summary>
    public Task PassingPreviewAsync(PreviewMessage message, CancellationToken cancellation) =>
        clock.GetElapsedTime(_previewAt) < options.ProgressInterval || !Fits(ProtocolJson.Utf8(message)) ? Task.CompletedTask : PreviewAsync(message, cancellation);

    /// <summary>
    /// Takes in what the user has said meanwhile, before the model is asked with it; clients are told of what is new to them.
    /// </summary>
    public async Task TakeGuidanceAsync(CancellationToken cancellation)
    {
        var news = guidance.Take();
        if (news.Count > 0)
            await SendAsync(Message(InfoMessage.GuidanceApplied, "What follows goes by your guidance.", news), cancellation,
                guidancePosition: news[^1].Position);
    }

    /// <summary>
    /// After the last stage, when no more can come: tells of what came when nothing was left to be written.
    /// </summary>
    /// <param name="readAsync">Offers what is stored by now; called when the last stage's end is durable.</param>
    /// <param name="cancellation">Ends it.</param>
    public async Task CloseGuidanceAsync(Func<Task> readAsync, CancellationToken cancellation)
    {
        await UntilDurableAsync(cancellation);
        await readAsync();
        var late = guidance.Take();
        if (late.Count > 0)
            await SendAsync(Message(InfoMessage.GuidanceNotApplied, "Your guidance came when everything was written.", late), cancellation);
    }

    InfoMessage Message(string code, string text, IReadOnlyList<StoredGuidance> said) =>
        new(code, text, Stage, [.. said.Select(one => new Guidance(one.Id, one.Text))]);

    /// <summary>
    /// Reads what the run needs, all that it has sent among it; a database that is away is waited for: nothing that was made must fail for it.
    /// </summary>
    public async Task<T> ReadAsync<T>(Func<CancellationToken, Task<T>> readAsync, CancellationToken cancellation)
    {
        await UntilDurableAsync(cancellation);
        while (true)
        {
            try
            {
                return await readAsync(cancellation);
            }
            catch (DatabaseUnavailableException)
            {
                await Task.Delay(DatabasePatience, clock, cancellation);
            }
        }
    }

    // What is sent waits in the appender's queue: until its commit, no query shows it.
    Task UntilDurableAsync(CancellationToken cancellation) => _last?.Committed.WaitAsync(cancellation) ?? Task.CompletedTask;

    public Task WarningAsync(string code, string category, string text, int attempt, TimeSpan retryAfter, CancellationToken cancellation) =>
        SendAsync(new WarningMessage(code, category, text, Stage!, attempt, (long)retryAfter.TotalMilliseconds), cancellation);

    /// <summary>The result and the end, in one transaction with the status; returns when it is durable.</summary>
    public async Task CompleteAsync(ResultMessage result, CancellationToken cancellation)
    {
        await SendAsync(result, cancellation);
        await EndAsync(new Finish("completed", null), cancellation);
    }

    /// <summary>The error and the end, in one transaction with the status; returns when it is durable.</summary>
    public async Task FailAsync(ErrorMessage error, CancellationToken cancellation)
    {
        // Not measured: its text is the service's own, and a run must be able to fail.
        await QueueAsync(new Append(lease, error.Type, ProtocolJson.Utf8(error)) { Stage = Stage is null ? null : new StageChange(Stage, "failed") }, cancellation);
        await EndAsync(new Finish("failed", ProtocolJson.Data(error)), cancellation);
    }

    async Task EndAsync(Finish finish, CancellationToken cancellation)
    {
        var message = new EndMessage(finish.Status);
        var append = new Append(lease, message.Type, ProtocolJson.Utf8(message)) { Finish = finish };
        await appender.EnqueueAsync(append, cancellation);
        await append.Committed.WaitAsync(cancellation);
    }

    Task SendAsync(
        Message message, CancellationToken cancellation, ArtifactChange? artifact = null, StageChange? stage = null, int? guidancePosition = null)
    {
        var data = ProtocolJson.Utf8(message);
        if (!Fits(data))
            throw new TransformFault("output_too_large", "invalid_output",
                $"The model wrote {(message is ResultMessage ? "a result" : "a part")} of more than {options.DataBytesMax} bytes. What it wrote before was kept.",
                recoverable: true);
        return QueueAsync(
            new Append(lease, message.Type, data) { Artifact = artifact, Stage = stage, GuidancePosition = guidancePosition }, cancellation);
    }

    Task QueueAsync(Append append, CancellationToken cancellation)
    {
        _last = append;
        return appender.EnqueueAsync(append, cancellation).AsTask();
    }

    bool Fits(byte[] data) => data.Length <= options.DataBytesMax;

    ProgressMessage Progress(double fraction, string label)
    {
        Advance(fraction);
        return new ProgressMessage(Stage!, Math.Round(100 * fraction, 1), Math.Round(_progress, 1), label);
    }

    /// <summary>Called for each delta of the model: no query, nothing allocated.</summary>
    void Advance(double fraction) => _progress = Math.Max(_progress, 100 * (_completedWeight + fraction * _stageWeight) / _totalWeight);

    /// <summary>Ends the span of a stage that did not complete; of one that did it is ended.</summary>
    public void Dispose() => _stageSpan?.Dispose();

    double CompletedWeight => stages.Where(stage => _completed.Contains(stage.Name)).Sum(stage => stage.Weight);

    string Label(string stage) => stages.First(s => s.Name == stage).Label;
}
