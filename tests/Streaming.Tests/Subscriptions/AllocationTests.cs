using System.Buffers;
using System.Text;
using Streaming.Configuration;
using Streaming.Messages;
using Streaming.Sse;
using Streaming.Subscriptions;
using Xunit;

namespace Streaming.Tests.Subscriptions;

/// <summary>What a message costs in memory on its way out: bytes allocated, counted on one thread, which no slow machine changes.</summary>
public sealed class AllocationTests
{
    const int MessageCount = 1_000;
    const int SubscriberCount = 100;
    const int BytesPerMessageMax = 1_500;

    static readonly List<MessageRow> Rows =
    [
        .. Enumerable.Range(0, MessageCount).Select(i => new MessageRow(i, "chunk", Encoding.UTF8.GetBytes($$"""{"stage":"ideas","text":"some words {{i}}"}"""), DateTimeOffset.UnixEpoch)),
    ];

    static LiveReader Reader() => new(new StreamTarget(Guid.NewGuid(), Guid.NewGuid(), 1, -1), new SubscriptionOptions { WindowMessagesMax = 2 * MessageCount });

    static long AllocatedBy(Action action)
    {
        action();
        var before = GC.GetAllocatedBytesForCurrentThread();
        action();
        return GC.GetAllocatedBytesForCurrentThread() - before;
    }

    [Fact]
    public void Message_is_framed_once_however_many_subscribers_it_has()
    {
        var allocated = AllocatedBy(() =>
        {
            var reader = Reader();
            for (var i = 0; i < SubscriberCount; i++)
                reader.Add(new Subscriber(TimeProvider.System));
            foreach (var row in Rows)
                reader.Add([row]);
        });
        Assert.InRange(allocated, 1, MessageCount * BytesPerMessageMax);
    }

    [Fact]
    public void Delivery_to_a_subscriber_allocates_nothing()
    {
        var reader = Reader();
        reader.Add(Rows);
        var (frames, output) = (new List<Frame>(), new ArrayBufferWriter<byte>(1 << 20));
        var allocated = AllocatedBy(() =>
        {
            for (var next = 0; next < MessageCount;)
            {
                reader.Collect(next, frames);
                foreach (var frame in frames)
                    output.Write(frame.Bytes);
                next = frames[^1].Index + 1;
                frames.Clear();
                output.ResetWrittenCount();
            }
        });
        Assert.Equal(0, allocated);
    }

    [Fact]
    public async Task Waking_a_subscriber_allocates_nothing()
    {
        var subscriber = new Subscriber(TimeProvider.System);
        var before = 0L;
        for (var i = 0; i < MessageCount; i++)
        {
            // The first may.
            if (i == 1)
                before = GC.GetAllocatedBytesForCurrentThread();
            subscriber.Wake.Set();
            await subscriber.Wake.WaitAsync();
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Fact]
    public void Clean_data_of_the_database_is_not_copied()
    {
        byte[] data = [.. """{"stage":"ideas","text":"some words"}"""u8];
        Assert.Equal(0, AllocatedBy(() => Assert.Same(data, MessageData.Normalize(data))));
    }
}
