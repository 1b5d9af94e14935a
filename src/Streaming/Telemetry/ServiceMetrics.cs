using System.Diagnostics.Metrics;

namespace Streaming.Telemetry;

/// <summary>
/// The instruments of the meter <c>Streaming</c>; docs/operations.md has their table. Nothing that a user wrote may become an
/// attribute, and no id: each value of an attribute is a time series.
/// </summary>
/// <remarks>
/// Messages come by the ten thousands a second: measured is once for each commit, flush, or call of a model. Attributes are strings, so that a
/// measurement allocates nothing.
/// </remarks>
public sealed class ServiceMetrics
{
    public const string MeterName = "Streaming";

    const string Provider = "gen_ai.provider.name";
    const string Model = "gen_ai.request.model";
    const string Kind = "streaming.kind";

    static readonly InstrumentAdvice<double> FastSeconds =
        new() { HistogramBucketBoundaries = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] };

    static readonly InstrumentAdvice<double> SlowSeconds =
        new() { HistogramBucketBoundaries = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 80, 160, 320, 640, 1280] };

    static readonly InstrumentAdvice<double> Shares = new() { HistogramBucketBoundaries = [0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 2, 5] };

    static readonly InstrumentAdvice<long> Tokens =
        new() { HistogramBucketBoundaries = [1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576] };

    readonly Meter _meter;
    readonly Counter<long> _appended;
    readonly Counter<long> _delivered;
    readonly Counter<long> _catchUpReads;
    readonly Counter<long> _behind;
    readonly Counter<long> _faults;
    readonly Counter<long> _webSocketSent;
    readonly Counter<long> _webSocketReceived;
    readonly Counter<long> _webSocketCloses;
    readonly Histogram<double> _commit;
    readonly Histogram<double> _delivery;
    readonly Histogram<double> _run;
    readonly Histogram<double> _estimateError;
    readonly Histogram<double> _modelCall;
    readonly Histogram<long> _tokens;

    public ServiceMetrics(IMeterFactory meters)
    {
        _meter = meters.Create(MeterName);
        _appended = _meter.CreateCounter<long>("streaming.messages.appended", "{message}", "Messages that the runs of this process have committed");
        _commit = _meter.CreateHistogram("streaming.commit.duration", "s", "How long a commit of messages took, with the wait for a connection", null, FastSeconds);
        _delivered = _meter.CreateCounter<long>("streaming.messages.delivered", "{message}", "Messages that were written to streams, for each of their readers");
        _delivery = _meter.CreateHistogram(
            "streaming.delivery.duration", "s", "From the time of a live message to the end of the write that carried it, of the oldest message of each write", null, FastSeconds);
        _catchUpReads = _meter.CreateCounter<long>("streaming.catch_up.reads", "{read}", "Pages read for readers that were behind the window");
        _behind = _meter.CreateCounter<long>("streaming.readers.behind", "{reader}", "Readers that were live and fell out of the window, because they were too slow");
        _run = _meter.CreateHistogram("streaming.run.duration", "s", "How long an attempt of a transform ran", null, SlowSeconds);
        _estimateError = _meter.CreateHistogram(
            "streaming.estimate.error", "1", "Of a completed run: how far the total that was told at its half time was off, as a share of the total", null, Shares);
        _faults = _meter.CreateCounter<long>("streaming.model.faults", "{fault}", "Faults of a model's provider, those that were tried again included");
        _webSocketSent = _meter.CreateCounter<long>("streaming.websocket.messages.sent", "{message}", "Messages that were sent on WebSocket connections, of all types");
        _webSocketReceived = _meter.CreateCounter<long>("streaming.websocket.messages.received", "{message}", "Messages of clients on WebSocket connections");
        _webSocketCloses = _meter.CreateCounter<long>("streaming.websocket.closes", "{connection}", "WebSocket connections that have ended");
        _modelCall = _meter.CreateHistogram("gen_ai.client.operation.duration", "s", "How long a call of a model took", null, SlowSeconds);
        _tokens = _meter.CreateHistogram("gen_ai.client.token.usage", "{token}", "Tokens of a call, as far as the provider tells them", null, Tokens);
    }

    public void Committed(int messages, TimeSpan duration)
    {
        _appended.Add(messages);
        _commit.Record(duration.TotalSeconds);
    }

    /// <summary>A write to a stream.</summary>
    /// <param name="messages">How many it carried.</param>
    /// <param name="latency">Since the oldest of those that came live; null if none did.</param>
    public void Delivered(long messages, TimeSpan? latency)
    {
        _delivered.Add(messages);
        if (latency is { } known)
            // The time of a message is that of the process which wrote it: its clock may be ahead of ours.
            _delivery.Record(Math.Max(0, known.TotalSeconds));
    }

    public void CatchUpRead() => _catchUpReads.Add(1);

    public void ReaderFellBehind() => _behind.Add(1);

    /// <param name="type">Its type: one of docs/protocol.md.</param>
    public void WebSocketMessageSent(string type) => _webSocketSent.Add(1, new KeyValuePair<string, object?>("streaming.websocket.message.type", type));

    public void WebSocketMessageReceived() => _webSocketReceived.Add(1);

    /// <param name="reason">Its code: one of docs/protocol.md.</param>
    public void WebSocketClosed(string reason) => _webSocketCloses.Add(1, new KeyValuePair<string, object?>("streaming.websocket.close.reason", reason));

    /// <param name="kind">Name of the kind.</param>
    /// <param name="outcome"><c>completed</c>, <c>failed</c>, or <c>stopped</c>: cancelled, paused, handed back or lost.</param>
    /// <param name="duration">Of the attempt.</param>
    public void RunEnded(string kind, string outcome, TimeSpan duration) =>
        _run.Record(duration.TotalSeconds, new(Kind, kind), new("streaming.run.outcome", outcome));

    public void EstimateEnded(string kind, double error) => _estimateError.Record(error, new KeyValuePair<string, object?>(Kind, kind));

    public void ModelFailed(string provider, string code, string category) =>
        _faults.Add(1, new(Provider, provider), new("error.type", code), new("streaming.fault.category", category));

    /// <param name="provider">Name of the provider.</param>
    /// <param name="model">Name of the model.</param>
    /// <param name="duration">From the request to the end of the answer.</param>
    /// <param name="error">Code of the fault that ended it; null if none did.</param>
    public void ModelCalled(string provider, string model, TimeSpan duration, string? error)
    {
        if (error is null)
            _modelCall.Record(duration.TotalSeconds, new("gen_ai.operation.name", "chat"), new(Provider, provider), new(Model, model));
        else
            _modelCall.Record(duration.TotalSeconds, [new("gen_ai.operation.name", "chat"), new(Provider, provider), new(Model, model), new("error.type", error)]);
    }

    /// <param name="provider">Name of the provider.</param>
    /// <param name="model">Name of the model.</param>
    /// <param name="type"><c>input</c> or <c>output</c>.</param>
    /// <param name="count">How many.</param>
    public void TokensUsed(string provider, string model, string type, long count) =>
        _tokens.Record(count, [new("gen_ai.operation.name", "chat"), new(Provider, provider), new(Model, model), new("gen_ai.token.type", type)]);

    /// <summary>What is looked at when somebody collects; called once.</summary>
    /// <param name="openConnections">WebSocket connections that are open.</param>
    public void ObserveWebSockets(Func<int> openConnections) => _meter.CreateObservableUpDownCounter(
        "streaming.websocket.connections.open", openConnections, "{connection}", "WebSocket connections that are open; they are among the streams too");

    /// <summary>What is looked at when somebody collects; called once.</summary>
    /// <param name="openStreams">Streams and waiting reads that are open.</param>
    /// <param name="appendQueue">Messages that wait for their commit.</param>
    /// <param name="runs">Transforms that run here.</param>
    /// <param name="queued">Transforms that wait for a worker; null: not known to this process.</param>
    /// <param name="receiving">Uploads whose bytes are being received.</param>
    /// <param name="circuit">State of the provider's circuit breaker: 0 closed, 1 half open, 2 open.</param>
    public void Observe(Func<int> openStreams, Func<int> appendQueue, Func<int> runs, Func<int?> queued, Func<int> receiving, Func<(string Provider, int State)> circuit)
    {
        _meter.CreateObservableUpDownCounter("streaming.streams.open", openStreams, "{stream}", "Streams and waiting reads that are open, as Limits:StreamsMax counts them");
        _meter.CreateObservableGauge("streaming.append.queue", appendQueue, "{message}", "Messages that wait for their commit, of Messages:QueueMax");
        _meter.CreateObservableUpDownCounter("streaming.runs.running", runs, "{run}", "Transforms that run in this process, of Transforms:Concurrency");
        _meter.CreateObservableGauge("streaming.runs.queued", () => queued() is { } count ? [new Measurement<int>(count)] : Enumerable.Empty<Measurement<int>>(),
            "{run}", "Transforms that wait for a worker, whichever: the same in every worker, so take the maximum");
        _meter.CreateObservableUpDownCounter("streaming.uploads.receiving", receiving, "{upload}", "Uploads whose bytes are being received, of Uploads:ReceivedAtOnceMax");
        _meter.CreateObservableGauge("streaming.model.circuit.state", () => circuit() is var (provider, state) ? new Measurement<int>(state, new KeyValuePair<string, object?>(Provider, provider)) : default,
            "1", "Circuit breaker of a model's provider: 0 closed, 1 half open, 2 open");
    }
}
