using Streaming.Configuration;
using Streaming.Messages;

namespace Streaming.Subscriptions;

/// <summary>
/// The live end of one transform that has subscribers here: a bounded window of framed messages that are on their way
/// out. It exists only while somebody is connected and answers nothing else, so it is no cache. A subscriber whose cursor
/// has fallen out of the window reads pages from the database until it is back in.
/// </summary>
/// <remarks>
/// <code>
///   messages   0 … | start ………… next-1 | next …
///      in the      |  framed, in the   |  not read yet; Missing says
///      database    |  window           |  whether they are known to exist
/// </code>
/// </remarks>
public sealed class LiveReader(StreamTarget target, SubscriptionOptions options)
{
    const int RingMin = 8;

    readonly Lock _gate = new();
    // Grows with what it holds: most streams are quiet most of the time.
    Frame[] _ring = new Frame[Math.Min(RingMin, options.WindowMessagesMax)];
    readonly List<Subscriber> _subscribers = [];
    int _start = target.Head + 1;
    int _next = target.Head + 1;
    int _bytes;
    int _announced = target.Head;
    // Rows from the one to the other are being committed by this process, and will be handed over; -1: none.
    int _expectedFrom;
    int _expected = -1;
    // Suspicion 1: nobody knows what was committed between the look-up of the head and the subscription.
    int _suspicions = 1;
    int _suspicionsCleared;
    volatile int _subscriberCount;
    volatile bool _hasVanished;

    public StreamTarget Target { get; } = target;

    /// <summary>Whether the messages have gone from the table: what is not in the window will never come.</summary>
    public bool HasVanished => _hasVanished;

    /// <summary>What a subscriber that wants everything from <c>next</c> on gets.</summary>
    public enum Position
    {
        /// <summary>Nothing new.</summary>
        Current,

        /// <summary>Everything there is was added to the list.</summary>
        Collected,

        /// <summary>As much as one flush should carry was added to the list: come again.</summary>
        More,

        /// <summary>Its next message is no longer in the window: read a page.</summary>
        Behind,
    }

    /// <summary>Index of the last message in the window or before it.</summary>
    public int Head
    {
        get
        {
            lock (_gate)
                return _next - 1;
        }
    }

    /// <summary>Its subscribers, for whom one that has just joined or left may be missing.</summary>
    public int SubscriberCount => _subscriberCount;

    /// <summary>Index of the first message in the window. The primary has shown every message before it.</summary>
    public int Start
    {
        get
        {
            lock (_gate)
                return _start;
        }
    }

    public void Add(Subscriber subscriber)
    {
        lock (_gate)
        {
            _subscribers.Add(subscriber);
            _subscriberCount = _subscribers.Count;
        }
    }

    /// <summary>Takes a subscriber off; true if nobody is left.</summary>
    public bool Remove(Subscriber subscriber)
    {
        lock (_gate)
        {
            _subscribers.Remove(subscriber);
            _subscriberCount = _subscribers.Count;
            return _subscriberCount == 0;
        }
    }

    /// <summary>What may be missing in the window, as it stood at one moment.</summary>
    /// <param name="After">Index of the last message that is there.</param>
    /// <param name="Announced">Last index that somebody has announced.</param>
    /// <param name="Suspicions">How often there was reason to look without an announcement.</param>
    public readonly record struct Gap(int After, int Announced, int Suspicions);

    /// <summary>What to read from the table; null if nothing is known, or suspected, to be missing.</summary>
    public Gap? Missing
    {
        get
        {
            lock (_gate)
                return HasUnexpected || _suspicions > _suspicionsCleared ? new Gap(_next - 1, _announced, _suspicions) : null;
        }
    }

    /// <summary>Whether messages are missing here that are not handed over in a moment.</summary>
    bool HasUnexpected => _announced >= _next && (_announced > _expected || _next < _expectedFrom);

    /// <summary>The transform has messages up to <paramref name="head"/>; true if some of them have to be read.</summary>
    public bool Grew(int head)
    {
        lock (_gate)
        {
            _announced = Math.Max(_announced, head);
            return HasUnexpected;
        }
    }

    /// <summary>
    /// These messages are being committed by this process; <see cref="TakeExpected"/> follows. A commit may be sent before the one
    /// before it is handed over.
    /// </summary>
    public void Expect(int first, int last)
    {
        lock (_gate)
        {
            if (_expected < 0 || first != _expected + 1)
                _expectedFrom = first;
            _expected = last;
        }
    }

    /// <summary><see cref="Add(IReadOnlyList{MessageRow})"/> of the rows that were expected; none if they were given up.</summary>
    public void TakeExpected(IReadOnlyList<MessageRow> rows)
    {
        lock (_gate)
        {
            if (rows.Count == 0 || rows[^1].Index >= _expected)
                _expected = -1;
            else
                _expectedFrom = rows[^1].Index + 1;
            Add(rows);
        }
    }

    /// <summary>Announcements may have been missed.</summary>
    public void Suspect()
    {
        lock (_gate)
            _suspicions++;
    }

    /// <summary>The messages are removed, or the whole transform is. Wakes the subscribers.</summary>
    public void Vanish()
    {
        _hasVanished = true;
        lock (_gate)
            foreach (var subscriber in _subscribers)
                subscriber.Wake.Set();
    }

    /// <summary>
    /// Adds rows that were committed, in order and without gaps among them; those that are there already are passed over,
    /// and so is everything after a gap, which leaves <see cref="Missing"/> set. Wakes the subscribers.
    /// </summary>
    public void Add(IReadOnlyList<MessageRow> rows)
    {
        lock (_gate)
        {
            var before = _next;
            // By index: an enumerator of the interface is a box a commit.
            for (var i = 0; i < rows.Count; i++)
            {
                var row = rows[i];
                if (row.Index > _next)
                {
                    _announced = Math.Max(_announced, row.Index);
                    break;
                }

                if (row.Index == _next)
                    Push(Frame.Of(Target, row));
            }

            if (_next > before)
                foreach (var subscriber in _subscribers)
                    subscriber.Wake.Set();
        }
    }

    /// <summary>
    /// Adds what a read of <paramref name="gap"/> returned when it returned everything there was: nothing is missing then,
    /// except what was announced or suspected since.
    /// </summary>
    public void AddLast(IReadOnlyList<MessageRow> rows, Gap gap)
    {
        lock (_gate)
        {
            Add(rows);
            _suspicionsCleared = Math.Max(_suspicionsCleared, gap.Suspicions);
            // An announcement that the table does not bear out (anybody may NOTIFY) is dropped, or it would be read for ever.
            if (_announced == gap.Announced)
                _announced = _next - 1;
        }
    }

    void Push(Frame frame)
    {
        if (_next - _start == _ring.Length && _ring.Length < options.WindowMessagesMax)
        {
            var larger = new Frame[Math.Min(2 * _ring.Length, options.WindowMessagesMax)];
            for (var index = _start; index < _next; index++)
                larger[index % larger.Length] = _ring[index % _ring.Length];
            _ring = larger;
        }

        while (_next - _start == _ring.Length || (_bytes + frame.Bytes.Length > options.WindowBytesMax && _next > _start))
            DropOldest();
        _ring[_next++ % _ring.Length] = frame;
        _bytes += frame.Bytes.Length;
    }

    void DropOldest()
    {
        ref var oldest = ref _ring[_start++ % _ring.Length];
        _bytes -= oldest.Bytes.Length;
        oldest = null!;
    }

    /// <summary>
    /// Takes the frames from index <paramref name="next"/> on, some 64 KiB at most, so that no flush grows without bound. What the only
    /// subscriber has taken is held no longer: most streams have one, and frames that grow old cost a collection its pause.
    /// </summary>
    public Position Collect(int next, List<Frame> frames)
    {
        const int BytesMax = 64 * 1024;
        lock (_gate)
        {
            if (next < _start)
                return Position.Behind;
            for (var bytes = 0; next < _next && bytes < BytesMax; next++)
            {
                var frame = _ring[next % _ring.Length];
                frames.Add(frame);
                bytes += frame.Bytes.Length;
            }

            while (_subscribers.Count == 1 && _start < Math.Min(next, _next))
                DropOldest();
            return frames.Count == 0 ? Position.Current : next < _next ? Position.More : Position.Collected;
        }
    }

    /// <summary>Wakes every subscriber that was written nothing for so long: it is time for a heartbeat.</summary>
    public void WakeSilent(TimeSpan silence)
    {
        lock (_gate)
            foreach (var subscriber in _subscribers)
                if (subscriber.Silence >= silence)
                    subscriber.Wake.Set();
    }
}
