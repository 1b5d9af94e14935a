using BenchmarkDotNet.Attributes;
using Streaming.Configuration;
using Streaming.Messages;
using Streaming.Subscriptions;

namespace Streaming.Benchmarks.Micro;

/// <summary>The window of a live reader: a message that comes in wakes all subscribers; one of them takes what waits.</summary>
[MemoryDiagnoser]
public class WindowBenchmarks
{
    readonly byte[] _data = [.. """{"stage":"ideas","text":"some words of the generated text"}"""u8];
    const int Waiting = 64;

    readonly List<Frame> _frames = [];
    readonly MessageRow[] _row = new MessageRow[1];
    LiveReader _reader = null!;
    int _next;

    /// <summary>Of the transform; two at least: what an only one has taken is let go.</summary>
    [Params(2, 1000)]
    public int Subscribers { get; set; }

    [GlobalSetup]
    public void Fill()
    {
        _reader = new LiveReader(new StreamTarget(Guid.NewGuid(), Guid.NewGuid(), 1, -1), new SubscriptionOptions());
        for (var i = 0; i < Subscribers; i++)
            _reader.Add(new Subscriber(TimeProvider.System));
        for (_next = 0; _next < Waiting;)
            Add();
    }

    [Benchmark]
    public int Add()
    {
        _row[0] = new MessageRow(_next++, "chunk", _data, DateTimeOffset.UnixEpoch);
        _reader.Add(_row);
        return _next;
    }

    [Benchmark(OperationsPerInvoke = Waiting)]
    public int Collect()
    {
        _frames.Clear();
        _reader.Collect(_next - Waiting, _frames);
        return _frames.Count;
    }
}
