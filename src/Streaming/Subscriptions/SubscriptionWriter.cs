using System.Buffers;
using System.IO.Pipelines;
using Microsoft.Extensions.Options;
using Streaming.Configuration;
using Streaming.Database;
using Streaming.Sse;

namespace Streaming.Subscriptions;

/// <summary>How a stream that was written came to its end.</summary>
public enum StreamOutcome
{
    /// <summary><c>end</c> was sent: close.</summary>
    Ended,

    /// <summary>The reader was told to reconnect: wait a moment, then abort.</summary>
    Recycled,

    /// <summary>The messages that it wanted next are no longer in the table: look what became of the session.</summary>
    Vanished,
}

/// <summary>
/// Writes one subscriber's stream: pages from the table while its cursor is behind the window, then frames from the window,
/// all that are waiting in one flush, and a heartbeat after a silence.
/// </summary>
/// <remarks>
/// <code>
///   ┌─> collect ──behind──> page from the table ──> write, flush ─┐
///   │     │ └─────more────> write, flush ─────────────────────────┤──end──> Ended
///   │     └─all or none───> write, flush, wait ──woken──> pace ───┤
///   └─────────────────────────────────────────────────────────────┘──stopping──> Recycled, ──messages gone──> Vanished
/// </code>
/// </remarks>
public sealed class SubscriptionWriter(
    LiveReaders readers, MessagePages pages, Drain drain, IOptions<SubscriptionOptions> options, TimeProvider clock)
{
    readonly SubscriptionOptions _options = options.Value;

    /// <summary>Writes until the stream ends, the service stops, or the client goes.</summary>
    /// <param name="target">The transform.</param>
    /// <param name="next">Index of the first message to send.</param>
    /// <param name="output">The response body; headers and <c>retry:</c> are already out.</param>
    /// <param name="aborted">Cancelled when the client has gone.</param>
    /// <exception cref="OperationCanceledException">The client has gone.</exception>
    public async Task<StreamOutcome> WriteAsync(StreamTarget target, int next, PipeWriter output, CancellationToken aborted)
    {
        // Subscribe first, then read, then drain: nothing that is committed from here on can be missed.
        var subscriber = readers.Subscribe(target, next);
        using var turn = drain.Take(aborted);
        var stop = turn.Token;
        await using var wakeOnStop = stop.UnsafeRegister(static s => ((Subscriber)s!).Wake.Set(), subscriber);
        try
        {
            var frames = new List<Frame>();
            while (!stop.IsCancellationRequested)
            {
                frames.Clear();
                var position = subscriber.Reader.Collect(subscriber.Next, frames);
                if (position == LiveReader.Position.Behind && !await ReadPageAsync(subscriber, frames, stop))
                    return StreamOutcome.Vanished;

                if (frames.Count > 0)
                {
                    foreach (var frame in frames)
                        output.Write(frame.Bytes);
                    await FlushAsync(subscriber, output, stop);
                    subscriber.Next = frames[^1].Index + 1;
                    if (frames[^1].IsEnd)
                        return StreamOutcome.Ended;
                }
                else if (position == LiveReader.Position.Current && subscriber.Reader.HasVanished)
                {
                    return StreamOutcome.Vanished;
                }
                else if (subscriber.Silence >= _options.HeartbeatInterval)
                {
                    FrameWriter.WriteHeartbeat(output, Now);
                    await FlushAsync(subscriber, output, stop);
                }

                // A wake may have been for what is left: it does not come again.
                if (position is LiveReader.Position.Behind or LiveReader.Position.More)
                    continue;
                await subscriber.Wake.WaitAsync();
                await PaceAsync(subscriber, stop);
            }
        }
        catch (OperationCanceledException) when (!aborted.IsCancellationRequested && stop.IsCancellationRequested)
        {
            // The service is stopping: the same as seen at the top of the loop.
        }
        finally
        {
            readers.Unsubscribe(subscriber);
        }

        aborted.ThrowIfCancellationRequested();
        FrameWriter.WriteReconnect(output, target.SessionId, Now);
        await output.FlushAsync(aborted);
        return StreamOutcome.Recycled;
    }

    long Now => clock.GetUtcNow().ToUnixTimeMilliseconds();

    /// <summary>
    /// A page after the cursor; none while the database is away, which the stream outlives. False if the message after the
    /// cursor, which was there once, is there no more: messages are removed from index 0 upwards.
    /// </summary>
    async Task<bool> ReadPageAsync(Subscriber subscriber, List<Frame> frames, CancellationToken cancellation)
    {
        try
        {
            var target = subscriber.Reader.Target;
            var known = subscriber.Reader.Start - subscriber.Next;
            // What was removed must not go on being told from a replica that has not heard of it.
            var page = subscriber.Reader.HasVanished ? null
                : await pages.ReadReplicaAsync(target.TransformId, subscriber.Next - 1, known, cancellation);
            page ??= await pages.ReadAsync(target.TransformId, subscriber.Next - 1, cancellation);
            var rows = page.Value.Rows;
            if (rows.Count == 0 || rows[0].Index != subscriber.Next)
                return false;
            frames.AddRange(ChunkMerger.Merge(target, rows, _options.MergedBytesMax));
        }
        catch (DatabaseUnavailableException)
        {
        }

        return true;
    }

    static async ValueTask FlushAsync(Subscriber subscriber, PipeWriter output, CancellationToken cancellation)
    {
        subscriber.Written();
        var flushed = await output.FlushAsync(cancellation);
        // Kestrel says so when the client has gone, instead of throwing.
        if (flushed.IsCompleted || flushed.IsCanceled)
            throw new OperationCanceledException("The client has gone.");
    }

    /// <summary>
    /// The first message after a pause leaves at once; those that come sooner than <c>Subscriptions:FlushInterval</c> after
    /// a flush wait for it together, because a socket write costs as much for one frame as for fifty.
    /// </summary>
    ValueTask PaceAsync(Subscriber subscriber, CancellationToken cancellation)
    {
        var rest = _options.FlushInterval - subscriber.Silence;
        return rest <= TimeSpan.Zero ? ValueTask.CompletedTask : new ValueTask(Task.Delay(rest, clock, cancellation));
    }
}
