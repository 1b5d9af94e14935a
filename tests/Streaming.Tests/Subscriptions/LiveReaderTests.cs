using System.Text;
using Streaming.Configuration;
using Streaming.Messages;
using Streaming.Subscriptions;
using Xunit;

namespace Streaming.Tests.Subscriptions;

public sealed class LiveReaderTests
{
    static readonly DateTimeOffset Time = DateTimeOffset.UnixEpoch;

    static LiveReader Reader(int head = -1, int messagesMax = 8, int bytesMax = 1 << 20) =>
        new(new StreamTarget(Guid.NewGuid(), Guid.NewGuid(), 1, head), new SubscriptionOptions { WindowMessagesMax = messagesMax, WindowBytesMax = bytesMax });

    static List<MessageRow> Rows(int first, int last, string text = "x") =>
        [.. Enumerable.Range(first, last - first + 1).Select(i => new MessageRow(i, "chunk", Encoding.UTF8.GetBytes($$"""{"text":"{{text}}"}"""), Time))];

    static int[] Collected(LiveReader reader, int next)
    {
        var frames = new List<Frame>();
        reader.Collect(next, frames);
        return [.. frames.Select(frame => frame.Index)];
    }

    [Fact]
    public void New_reader_suspects_that_it_has_missed_something() => Assert.Equal(4, Reader(head: 4).Missing!.Value.After);

    [Fact]
    public void Rows_are_collected_from_the_cursor_on()
    {
        var reader = Reader();
        reader.Add(Rows(0, 4));
        Assert.Equal([2, 3, 4], Collected(reader, 2));
        Assert.Empty(Collected(reader, 5));
    }

    [Fact]
    public void Rows_that_are_there_already_are_passed_over()
    {
        var reader = Reader();
        reader.Add(Rows(0, 3));
        reader.Add(Rows(1, 5));
        Assert.Equal([0, 1, 2, 3, 4, 5], Collected(reader, 0));
    }

    [Fact]
    public void Gap_is_not_filled_with_what_comes_after_it()
    {
        var reader = Reader();
        reader.AddLast([], reader.Missing!.Value);
        Assert.Null(reader.Missing);
        reader.Add(Rows(2, 3));
        Assert.Empty(Collected(reader, 0));
        Assert.Equal(-1, reader.Missing!.Value.After);
    }

    [Fact]
    public void Full_window_lets_the_oldest_go()
    {
        var reader = Reader(messagesMax: 4);
        reader.Add(Rows(0, 9));
        Assert.Equal(LiveReader.Position.Behind, reader.Collect(5, []));
        Assert.Equal([6, 7, 8, 9], Collected(reader, 6));
    }

    [Fact]
    public void What_the_only_subscriber_has_taken_is_held_no_longer()
    {
        var reader = Reader();
        reader.Add(new Subscriber(TimeProvider.System));
        reader.Add(Rows(0, 4));
        Assert.Equal([0, 1, 2, 3, 4], Collected(reader, 0));
        Assert.Equal(5, reader.Start);
        Assert.Empty(Collected(reader, 5));
        // Whoever comes now with an older cursor reads a page.
        Assert.Equal(LiveReader.Position.Behind, reader.Collect(4, []));
        reader.Add(Rows(5, 6));
        Assert.Equal([5, 6], Collected(reader, 5));
    }

    [Fact]
    public void Only_subscriber_that_is_ahead_of_the_window_leaves_it_whole()
    {
        var reader = Reader();
        reader.Add(new Subscriber(TimeProvider.System));
        reader.Add(Rows(0, 1));
        Assert.Empty(Collected(reader, 4));
        reader.Add(Rows(2, 5));
        Assert.Equal([4, 5], Collected(reader, 4));
    }

    [Fact]
    public void What_one_of_two_subscribers_has_taken_is_there_for_the_other()
    {
        var reader = Reader();
        reader.Add(new Subscriber(TimeProvider.System));
        reader.Add(new Subscriber(TimeProvider.System));
        reader.Add(Rows(0, 4));
        Assert.Equal([0, 1, 2, 3, 4], Collected(reader, 0));
        Assert.Equal([0, 1, 2, 3, 4], Collected(reader, 0));
    }

    [Fact]
    public void Window_is_bounded_in_bytes_but_holds_one_message_of_any_size()
    {
        var reader = Reader(bytesMax: 2000);
        reader.Add(Rows(0, 0, new string('y', 5000)));
        Assert.Equal([0], Collected(reader, 0));
        reader.Add(Rows(1, 8, new string('z', 500)));
        var frames = new List<Frame>();
        Assert.Equal(LiveReader.Position.Behind, reader.Collect(0, frames));
        reader.Collect(6, frames);
        Assert.True(frames.Sum(frame => frame.Bytes.Length) <= 2000, Encoding.UTF8.GetString(frames[0].Bytes));
    }

    [Fact]
    public void Announcement_during_a_read_is_not_lost()
    {
        var reader = Reader();
        var gap = reader.Missing!.Value;
        reader.Grew(7);
        reader.AddLast(Rows(0, 5), gap);
        Assert.Equal(5, reader.Missing!.Value.After);
    }

    [Fact]
    public void Suspicion_during_a_read_is_not_lost()
    {
        var reader = Reader();
        var gap = reader.Missing!.Value;
        reader.Suspect();
        reader.AddLast(Rows(0, 5), gap);
        Assert.Equal(5, reader.Missing!.Value.After);
    }

    [Fact]
    public void False_announcement_is_looked_up_once()
    {
        var reader = Reader();
        reader.Grew(1_000_000);
        reader.AddLast(Rows(0, 5), reader.Missing!.Value);
        Assert.Null(reader.Missing);
        Assert.True(reader.Grew(6));
    }

    [Fact]
    public void What_is_handed_over_in_a_moment_is_not_read()
    {
        var reader = Reader();
        reader.AddLast([], reader.Missing!.Value);
        reader.Expect(0, 3);
        Assert.False(reader.Grew(3));
        Assert.Null(reader.Missing);
        reader.TakeExpected(Rows(0, 3));
        Assert.Null(reader.Missing);
        Assert.True(reader.Grew(4));
    }

    [Fact]
    public void What_another_has_written_is_read_beside_what_is_expected()
    {
        var reader = Reader();
        reader.AddLast([], reader.Missing!.Value);
        reader.Expect(0, 3);
        Assert.True(reader.Grew(4));
    }

    [Fact]
    public void Expected_messages_that_were_given_up_are_read_if_they_were_announced()
    {
        var reader = Reader();
        reader.AddLast([], reader.Missing!.Value);
        reader.Expect(0, 3);
        reader.Grew(3);
        reader.TakeExpected([]);
        Assert.Equal(-1, reader.Missing!.Value.After);
    }

    [Fact]
    public void Gap_before_what_is_expected_is_read_though_the_next_commit_is_always_under_way()
    {
        var reader = Reader();
        reader.AddLast([], reader.Missing!.Value);
        // Rows 0 and 1 are somebody else's, and nobody has said so.
        reader.Expect(2, 3);
        reader.Expect(4, 5);
        reader.TakeExpected(Rows(2, 3));
        Assert.Equal(-1, reader.Missing!.Value.After);
    }

    [Fact]
    public void Commit_that_is_sent_before_the_last_is_handed_over_is_expected_too()
    {
        var reader = Reader();
        reader.AddLast([], reader.Missing!.Value);
        reader.Expect(0, 1);
        reader.Expect(2, 3);
        Assert.False(reader.Grew(3));
        reader.TakeExpected(Rows(0, 1));
        Assert.Null(reader.Missing);
        reader.TakeExpected(Rows(2, 3));
        Assert.Null(reader.Missing);
        Assert.True(reader.Grew(4));
    }

    [Fact]
    public void Suspicion_does_not_wait_for_what_is_expected()
    {
        var reader = Reader();
        reader.AddLast([], reader.Missing!.Value);
        reader.Expect(0, 3);
        reader.Suspect();
        Assert.NotNull(reader.Missing);
    }

    /// <summary>Random histories of commits, lost and late hand-overs, reads and readers, against the list itself.</summary>
    [Fact]
    public void Every_reader_gets_every_message_once_and_in_order_whatever_happens()
    {
        var seed = Environment.TickCount;
        TestContext.Current.SendDiagnosticMessage($"seed {seed}");
        for (var run = 0; run < 200; run++)
        {
            var random = new Random(seed + run);
            var reader = Reader(messagesMax: 1 + random.Next(8), bytesMax: 100 + random.Next(2000));
            var (committed, cursors) = (0, new int[3]);
            for (var step = 0; step < 300; step++)
            {
                switch (random.Next(6))
                {
                    // A commit of this process: announced or not before it is handed over, or given up.
                    case 5:
                        var first = committed;
                        committed += 1 + random.Next(5);
                        reader.Expect(first, committed - 1);
                        if (random.Next(2) == 0)
                            reader.Grew(committed - 1);
                        Read(random.Next(cursors.Length));
                        if (random.Next(2) == 0)
                        {
                            // The next one is sent before this one is handed over.
                            var second = committed;
                            committed += 1 + random.Next(5);
                            reader.Expect(second, committed - 1);
                            reader.TakeExpected(Rows(first, second - 1));
                            first = second;
                        }

                        reader.TakeExpected(random.Next(4) == 0 ? [] : Rows(first, committed - 1));
                        break;
                    case 0:
                        committed += 1 + random.Next(5);
                        break;
                    case 1 when committed > 0:
                        var from = random.Next(committed);
                        reader.Add(Rows(from, Math.Min(committed - 1, from + random.Next(6))));
                        break;
                    case 2 when committed > 0:
                        reader.Grew(random.Next(committed));
                        break;
                    case 3 when reader.Missing is { } gap && committed > 0:
                        reader.AddLast(gap.After + 1 <= committed - 1 ? Rows(gap.After + 1, committed - 1) : [], gap);
                        break;
                    default:
                        Read(random.Next(cursors.Length));
                        break;
                }
            }

            reader.Suspect();
            reader.AddLast(reader.Missing!.Value.After + 1 <= committed - 1 ? Rows(reader.Missing!.Value.After + 1, committed - 1) : [], reader.Missing!.Value);
            for (var i = 0; i < cursors.Length; i++)
            {
                while (cursors[i] < committed)
                    Read(i);
            }

            void Read(int i)
            {
                var frames = new List<Frame>();
                if (reader.Collect(cursors[i], frames) == LiveReader.Position.Behind)
                {
                    // What the writer does then: one page from the table.
                    Assert.True(cursors[i] < committed, $"seed {seed + run}: behind, with nothing to read");
                    cursors[i]++;
                    return;
                }

                foreach (var frame in frames)
                    Assert.True(frame.Index == cursors[i]++, $"seed {seed + run}: got {frame.Index}, wanted {cursors[i] - 1}");
                Assert.True(cursors[i] <= committed, $"seed {seed + run}: a message that was never committed");
            }
        }
    }
}
