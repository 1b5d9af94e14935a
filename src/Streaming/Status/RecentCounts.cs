namespace Streaming.Status;

/// <summary>
/// Counts of the last minute, whatever there is to count: a fixed number of slots of a few seconds each, the oldest of which is
/// emptied for what is new. Never grows. Any thread.
/// </summary>
/// <param name="width">Counters of each slot.</param>
/// <param name="clock">Tells the slot.</param>
public sealed class RecentCounts(int width, TimeProvider clock)
{
    const int Slots = 12;
    static readonly TimeSpan SlotTime = TimeSpan.FromSeconds(5);

    /// <summary>How far back they go.</summary>
    public static readonly TimeSpan Time = Slots * SlotTime;

    readonly long[] _counts = new long[Slots * width];
    readonly long _began = clock.GetTimestamp();
    readonly Lock _turning = new();
    long _slot;

    public void Add(int counter, long count) => Interlocked.Add(ref _counts[(int)(Turn() % Slots) * width + counter], count);

    /// <summary>Each counter, of all slots together.</summary>
    public long[] Sums()
    {
        Turn();
        var sums = new long[width];
        for (var i = 0; i < _counts.Length; i++)
            sums[i % width] += Volatile.Read(ref _counts[i]);
        return sums;
    }

    /// <summary>How long there has been something to count: the last minute, or the time since the beginning.</summary>
    public TimeSpan Elapsed
    {
        get
        {
            var elapsed = clock.GetElapsedTime(_began);
            return elapsed < Time ? elapsed : Time;
        }
    }

    /// <summary>The present slot, emptied when it is a new one.</summary>
    long Turn()
    {
        var slot = clock.GetElapsedTime(_began).Ticks / SlotTime.Ticks;
        if (slot > Volatile.Read(ref _slot))
            lock (_turning)
            {
                // After a long silence all of them are old.
                for (var old = Math.Max(_slot + 1, slot - Slots + 1); old <= slot; old++)
                    Array.Clear(_counts, (int)(old % Slots) * width, width);
                Volatile.Write(ref _slot, Math.Max(_slot, slot));
            }

        return slot;
    }
}
