using System.Buffers;
using System.IO.Pipelines;
using Microsoft.Extensions.Options;
using Streaming.Configuration;
using Streaming.Database;
using Streaming.Sse;
using Streaming.Telemetry;

namespace Streaming.Subscriptions;

/// <summary>How a stream that was written came to its end.</summary>
public enum StreamOutcome
{
    /// <summary><c>end</c> was sent, of all there are: close.</summary>
    Ended,

    /// <summary>The reader was told to reconnect: wait a moment, then abort.</summary>
    Recycled,

    /// <summary>The messages that it wanted next are no longer in the table: look what became of the session.</summary>
    Vanished,
}

/// <summary>
/// Writes what one subscriber follows, one transform or several: pages from the table while its cursor is behind the window,
/// then frames from the window, all that are waiting in one flush, and a heartbeat after a silence.
/// </summary>
/// <remarks>
/// <code>
///   ┌─> collect ──behind──> page from the table ──> write, flush ─┐
///   │     │ └─────more────> write, flush ─────────────────────────┤──all at their end──> Ended
///   │     └─all or none───> write, flush, wait ──woken──> pace ───┤
///   └─────────────────────────────────────────────────────────────┘──stopping──> Recycled, ──messages gone──> Vanished
/// </code>
/// Of several transforms each is collected in turn, before the flush.
/// </remarks>
public sealed class SubscriptionWriter(
    LiveReaders readers, MessagePages pages, Drain drain, ServiceMetrics metrics, IOptions<SubscriptionOptions> options, TimeProvider clock)
{
    // What may wait for the flush while the other transforms of a connection are collected.
    const int UnflushedBytesMax = 64 * 1024;
    const int FramesKeptMax = 16;

    readonly SubscriptionOptions _options = options.Value;

    /// <summary>Writes one transform until its stream ends, the service stops, or the client goes.</summary>
    /// <param name="target">The transform.</param>
    /// <param name="next">Index of the first message to send.</param>
    /// <param name="output">The response body; headers and <c>retry:</c> are already out.</param>
    /// <param name="aborted">Cancelled when the client has gone.</param>
    /// <exception cref="OperationCanceledException">The client has gone.</exception>
    public Task<StreamOutcome> WriteAsync(StreamTarget target, int next, PipeWriter output, CancellationToken aborted) =>
        WriteAsync([new Subscription(target, next)], null, output, aborted);

    /// <summary>
    /// Writes several until all have ended, the messages of one have vanished, the service stops, or the client goes. Each
    /// subscription holds how far it has come, and its own outcome.
    /// </summary>
    /// <param name="subscriptions">The transforms; none of them has an outcome.</param>
    /// <param name="cursor">Goes along, and is the id of every event; null: the events keep their own.</param>
    /// <param name="output">The response body; headers and <c>retry:</c> are already out.</param>
    /// <param name="aborted">Cancelled when the client has gone.</param>
    /// <exception cref="OperationCanceledException">The client has gone.</exception>
    public async Task<StreamOutcome> WriteAsync(
        IReadOnlyList<Subscription> subscriptions, MultiCursor? cursor, PipeWriter output, CancellationToken aborted)
    {
        var subscriber = new Subscriber(clock);
        var ending = "gone";
        // Subscribe first, then read, then drain: nothing that is committed from here on can be missed.
        var open = subscriptions.Select(subscription => (Subscription: subscription, Reader: readers.Subscribe(subscriber, subscription.Target))).ToList();
        await using var leaving = drain.Register(subscriber);
        await using var gone = aborted.UnsafeRegister(static s => ((Subscriber)s!).Wake.Set(), subscriber);
        try
        {
            var frames = new List<Frame>();
            while (!subscriber.IsLeaving)
            {
                aborted.ThrowIfCancellationRequested();
                var (hasMore, hasVanished) = (false, false);
                for (var i = 0; i < open.Count; i++)
                {
                    var (subscription, reader) = open[i];
                    var (isMore, isLive) = await CollectAsync(subscriber, subscription, reader, frames, aborted);
                    // A wake may have been for what is left: it does not come again.
                    hasMore |= isMore;
                    hasVanished |= subscription.Outcome == StreamOutcome.Vanished;
                    foreach (var frame in frames)
                        Write(frame, subscriber, subscription, isLive, cursor, output);
                    // A stream may now be silent for long: it holds no page meanwhile.
                    frames.Clear();
                    if (frames.Capacity > FramesKeptMax)
                        frames.Capacity = 0;
                    if (subscription.Outcome == StreamOutcome.Ended)
                    {
                        open.RemoveAt(i--);
                        readers.Unsubscribe(subscriber, reader);
                    }

                    if (subscriber.UnflushedBytes >= UnflushedBytesMax)
                        await FlushAsync(subscriber, output);
                }

                if (subscriber.UnflushedBytes > 0)
                {
                    await FlushAsync(subscriber, output);
                }
                else if (!hasVanished && subscriber.Silence >= _options.HeartbeatInterval)
                {
                    FrameWriter.WriteHeartbeat(output, Now);
                    await FlushAsync(subscriber, output);
                }

                if (hasVanished)
                {
                    ending = "vanished";
                    return StreamOutcome.Vanished;
                }

                if (open.Count == 0)
                {
                    ending = "ended";
                    return StreamOutcome.Ended;
                }

                if (hasMore)
                    continue;
                await subscriber.Wake.WaitAsync();
                await PaceAsync(subscriber, open);
            }

            FrameWriter.WriteReconnect(output, cursor is null ? subscriptions[0].Target.SessionId : null, Now);
            await output.FlushAsync(aborted);
            ending = "recycled";
            return StreamOutcome.Recycled;
        }
        finally
        {
            foreach (var (_, reader) in open)
                readers.Unsubscribe(subscriber, reader);
            Traces.StreamWritten(subscriber.Messages, subscriber.CatchUpReads, subscriptions[0].Next - 1, ending);
        }
    }

    /// <summary>
    /// Takes what is next of one transform: from the window, or a page from the table. The subscription's outcome is set if that
    /// is in neither any more.
    /// </summary>
    /// <param name="subscriber">Who reads.</param>
    /// <param name="subscription">How far it has come; left there.</param>
    /// <param name="reader">The transform's live reader, which the subscriber has joined.</param>
    /// <param name="frames">What it gets, in order; what is in it before is dropped.</param>
    /// <param name="cancellation">Ends the wait for the database.</param>
    /// <returns>Whether there is more at once, and whether this came live.</returns>
    public async ValueTask<(bool HasMore, bool IsLive)> CollectAsync(
        Subscriber subscriber, Subscription subscription, LiveReader reader, List<Frame> frames, CancellationToken cancellation)
    {
        frames.Clear();
        var position = reader.Collect(subscription.Next, frames);
        var isLive = Follow(subscriber, subscription, position);
        if (position == LiveReader.Position.Behind ? !await ReadPageAsync(subscription, reader, frames, cancellation)
            : position == LiveReader.Position.Current && reader.HasVanished)
            subscription.Outcome = StreamOutcome.Vanished;
        return (position is LiveReader.Position.Behind or LiveReader.Position.More, isLive);
    }

    long Now => clock.GetUtcNow().ToUnixTimeMilliseconds();

    /// <summary>Whether what was collected came live: the subscription had been sent everything before, and is not behind.</summary>
    bool Follow(Subscriber subscriber, Subscription subscription, LiveReader.Position position)
    {
        var wasLive = subscription.IsLive;
        if (position == LiveReader.Position.Behind)
        {
            if (wasLive)
                metrics.ReaderFellBehind();
            metrics.CatchUpRead();
            subscriber.CatchUpReads++;
            subscription.IsLive = false;
        }
        else if (position != LiveReader.Position.More)
        {
            subscription.IsLive = true;
        }

        return wasLive && subscription.IsLive;
    }

    static void Write(Frame frame, Subscriber subscriber, Subscription subscription, bool isLive, MultiCursor? cursor, PipeWriter output)
    {
        if (cursor is null)
            output.Write(frame.Bytes);
        else
            WriteWithId(frame, subscription, cursor, output);
        subscriber.Add(frame.Bytes.Length, frame.Index + 1 - subscription.Next, isLive ? frame.Time : null);
        subscription.Next = frame.Index + 1;
        if (frame.IsEnd)
            subscription.Outcome = StreamOutcome.Ended;
    }

    /// <summary>Writes a frame on a connection of several, and moves its cursor.</summary>
    public static void WriteWithId(Frame frame, Subscription subscription, MultiCursor cursor, PipeWriter output)
    {
        cursor.Advance(subscription.Place, new EventId(subscription.Target.Ordinal, frame.Index));
        FrameWriter.WriteWithId(output, frame.Bytes, cursor);
    }

    /// <summary>
    /// A page after the cursor; none while the database is away, which the stream outlives. False if the message after the
    /// cursor, which was there once, is there no more: messages are removed from index 0 upwards.
    /// </summary>
    async Task<bool> ReadPageAsync(Subscription subscription, LiveReader reader, List<Frame> frames, CancellationToken cancellation)
    {
        try
        {
            var target = reader.Target;
            var known = reader.Start - subscription.Next;
            // What was removed must not go on being told from a replica that has not heard of it.
            var page = reader.HasVanished ? null
                : await pages.ReadReplicaAsync(target.TransformId, subscription.Next - 1, known, cancellation);
            page ??= await pages.ReadAsync(target.TransformId, subscription.Next - 1, cancellation);
            var rows = page.Value.Rows;
            if (rows.Count == 0 || rows[0].Index != subscription.Next)
                return false;
            ChunkMerger.Merge(target, rows, _options.MergedBytesMax, frames);
        }
        catch (DatabaseUnavailableException)
        {
        }

        return true;
    }

    async ValueTask FlushAsync(Subscriber subscriber, PipeWriter output)
    {
        subscriber.Written();
        // Without a token, which would be registered with for each flush: Kestrel says so when the client has gone.
        var flushed = await output.FlushAsync(CancellationToken.None);
        if (flushed.IsCompleted || flushed.IsCanceled)
            throw new OperationCanceledException("The client has gone.");
        if (subscriber.UnflushedMessages == 0)
            return;
        metrics.Delivered(subscriber.UnflushedMessages, subscriber.OldestLiveTime is { } time ? TimeSpan.FromMilliseconds(Now - time) : null);
        subscriber.Flushed();
    }

    /// <summary>
    /// The first message after a pause leaves at once; those that come sooner than <c>Subscriptions:FlushInterval</c> after
    /// a flush wait for it together, because a socket write costs as much for one frame as for fifty.
    /// </summary>
    ValueTask PaceAsync(Subscriber subscriber, List<(Subscription Subscription, LiveReader Reader)> open)
    {
        var subscribers = 0;
        foreach (var (_, reader) in open)
            subscribers = Math.Max(subscribers, reader.SubscriberCount);
        var rest = _options.FlushIntervalOf(subscribers) - subscriber.Silence;
        return rest <= TimeSpan.Zero ? ValueTask.CompletedTask : new ValueTask(Task.Delay(rest, clock));
    }
}
