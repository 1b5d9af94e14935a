using System.Diagnostics;

namespace Streaming.Telemetry;

/// <summary>
/// Spans of the source <c>Streaming</c>, and how they hang together:
/// <code>
///   POST /api/… (the framework's) ──stored with the transform──> run ──> stage ──> chat
///        ▲                                                        (one for each attempt, whichever process runs it)
///        └──link── GET /api/stream/… (the framework's), with how far the stream came
/// </code>
/// Attributes are ids, names, codes and counts: nothing that a user or a model wrote.
/// </summary>
public static class Traces
{
    public const string SourceName = "Streaming";

    const string Messages = "streaming.stream.messages";
    const string CatchUpReads = "streaming.stream.catch_up_reads";

    static readonly ActivitySource Source = new(SourceName);

    /// <summary>The request under way as <c>traceparent</c> (W3C Trace Context), to be stored with what it asks for; null if there is none.</summary>
    public static string? Traceparent => Activity.Current is { IdFormat: ActivityIdFormat.W3C } request ? request.Id : null;

    /// <summary>
    /// Begins the span of one attempt, below the request that asked for the transform. Current from here on for the caller. Where
    /// nobody records spans there is one all the same, so that the log of a run has the trace id of its request.
    /// </summary>
    public static Activity BeginRun(string kind, Guid sessionId, Guid transformId, int attempt, string? traceparent)
    {
        var hasParent = ActivityContext.TryParse(traceparent, null, isRemote: true, out var parent);
        var run = Source.StartActivity($"run {kind}", ActivityKind.Consumer, parent);
        if (run is null)
        {
            run = new Activity($"run {kind}").SetIdFormat(ActivityIdFormat.W3C);
            if (hasParent)
                run.SetParentId(parent.TraceId, parent.SpanId, parent.TraceFlags);
            run.Start();
        }

        return run.SetTag("streaming.kind", kind).SetTag("streaming.session.id", sessionId).SetTag("streaming.transform.id", transformId)
            .SetTag("streaming.attempt", attempt)
            .SetTag("streaming.run.outcome", "stopped");
    }

    /// <summary>Begins the span of a stage; null if nobody records it. Current from here on for the caller, so not to be called in an async method of its own.</summary>
    public static Activity? BeginStage(string stage) =>
        Source.HasListeners() ? Source.StartActivity($"stage {stage}")?.SetTag("streaming.stage", stage) : null;

    /// <summary>Begins the span of a call of a model, by the conventions for generative AI; null if nobody records it.</summary>
    public static Activity? BeginModelCall(string provider, string model) => Source.HasListeners()
        ? Source.StartActivity($"chat {model}", ActivityKind.Client)?
            .SetTag("gen_ai.operation.name", "chat").SetTag("gen_ai.provider.name", provider).SetTag("gen_ai.request.model", model)
        : null;

    /// <summary>Marks a span as failed.</summary>
    /// <param name="span">The span; null: nobody records it.</param>
    /// <param name="code">A stable code, never a message.</param>
    public static void Fail(this Activity? span, string code) => span?.SetStatus(ActivityStatusCode.Error).SetTag("error.type", code);

    /// <summary>The request under way made this session, or acts on it.</summary>
    public static void About(Guid sessionId)
    {
        // The framework has an activity for each request, recorded or not, and what is tied to one stays as long as its stream is open.
        if (Source.HasListeners())
            Activity.Current?.SetTag("streaming.session.id", sessionId);
    }

    /// <summary>The stream under way follows a transform that another request has asked for.</summary>
    public static void Follow(Guid transformId, string? traceparent)
    {
        if (Source.HasListeners() && Activity.Current is { IsAllDataRequested: true } stream && ActivityContext.TryParse(traceparent, null, isRemote: true, out var asked))
            stream.AddLink(new ActivityLink(asked, new ActivityTagsCollection { ["streaming.transform.id"] = transformId }));
    }

    /// <summary>What was written to the stream under way; adds up when it is called again.</summary>
    /// <param name="messages">Messages sent.</param>
    /// <param name="catchUpReads">Pages read for it.</param>
    /// <param name="lastIndex">Index of the last message sent, -1 if there is none; of several transforms the first one's.</param>
    /// <param name="outcome">How it ended.</param>
    public static void StreamWritten(long messages, long catchUpReads, int lastIndex, string outcome)
    {
        if (Activity.Current is not { IsAllDataRequested: true } stream)
            return;
        stream.SetTag(Messages, messages + (stream.GetTagItem(Messages) as long? ?? 0))
            .SetTag(CatchUpReads, catchUpReads + (stream.GetTagItem(CatchUpReads) as long? ?? 0))
            .SetTag("streaming.stream.last_index", lastIndex).SetTag("streaming.stream.outcome", outcome);
    }
}
