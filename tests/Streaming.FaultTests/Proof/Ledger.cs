using System.Text.Json;
using Npgsql;
using Xunit;

namespace Streaming.FaultTests.Proof;

/// <summary>Compares what readers got, message by message, with what stands in <c>transform_chunks</c>.</summary>
public static class Ledger
{
    const string Rows =
        """
        select chunk_index, chunk_type, chunk_data from transform_chunks
        where transform_id = (select id from transforms where session_id = $1 order by ordinal desc limit 1)
        order by chunk_index
        """;

    sealed record Row(int Index, string Type, string Data);

    public static async Task<Account> CompareAsync(
        string connectionString, IReadOnlyCollection<ResumingReader> readers, CancellationToken cancellation)
    {
        await using var source = NpgsqlDataSource.Create(connectionString);
        var account = new Account();
        foreach (var session in readers.GroupBy(reader => reader.SessionId))
        {
            var rows = new List<Row>();
            await using var command = source.CreateCommand(Rows);
            command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = session.Key });
            await using var reader = await command.ExecuteReaderAsync(cancellation);
            while (await reader.ReadAsync(cancellation))
                rows.Add(new Row(reader.GetInt32(0), reader.GetString(1), reader.GetString(2)));
            account.Add(session.Count(), rows.Count);
            if (TornIdea(rows) is { } torn)
                account.AddFault($"{session.Key}: {torn}");
            var stored = new Dictionary<(int First, int Last), ulong>();
            foreach (var each in session)
                account.Add(each, Compare(each, rows, stored));
        }

        return account;
    }

    static (int Lost, int Repeated, int Different) Compare(ResumingReader reader, List<Row> rows, Dictionary<(int, int), ulong> stored)
    {
        var got = new int[rows.Count];
        var different = 0;
        foreach (var frame in reader.Frames)
        {
            if (frame.Last >= rows.Count || frame.First < 0)
            {
                // It was told something that nobody has committed.
                different++;
                continue;
            }

            if (!stored.TryGetValue((frame.First, frame.Last), out var digest))
                stored[(frame.First, frame.Last)] = digest = DigestOf(rows, frame.First, frame.Last);
            if (frame.Digest != digest || frame.Type != rows[frame.Last].Type)
                different++;
            for (var index = frame.First; index <= frame.Last; index++)
                got[index]++;
        }

        return (got.Count(times => times == 0), got.Sum(times => Math.Max(0, times - 1)), different);
    }

    /// <summary>
    /// A completed ideation says everything twice: as text, chunk by chunk, and as artifacts, which were made of the text in
    /// memory. A chunk that was committed twice or not at all makes the two differ. Null if they do not.
    /// </summary>
    static string? TornIdea(List<Row> rows)
    {
        if (rows.Count == 0 || rows[^1].Type != "end" || !rows.Exists(row => row.Type == "artifact"))
            return null;
        // From the last restart on: what was written before it was broken off.
        var from = rows.FindLastIndex(row => row.Type == "info") + 1;
        var text = string.Concat(rows.Skip(from).Where(row => row.Type == "chunk").Select(row => ReceivedFrame.Text(ReceivedFrame.Stored(row.Data), "text")));
        if (text.Length == 0)
            return null;
        try
        {
            var written = JsonElement.Parse(text).GetProperty("ideas").EnumerateArray().Select(Idea).ToList();
            var stored = rows.Skip(from).Where(row => row.Type == "artifact").Select(row => Idea(ReceivedFrame.Stored(row.Data).GetProperty("data"))).ToList();
            return written.SequenceEqual(stored) ? null : $"its text has {string.Join(", ", written.Except(stored))}, its artifacts {string.Join(", ", stored.Except(written))}";
        }
        catch (JsonException fault)
        {
            return $"its text is torn: {fault.Message}";
        }

        static (string?, string?) Idea(JsonElement idea) => (ReceivedFrame.Text(idea, "title"), ReceivedFrame.Text(idea, "body"));
    }

    static ulong DigestOf(List<Row> rows, int first, int last)
    {
        if (first == last)
            return ReceivedFrame.DigestOf(ReceivedFrame.Stored(rows[first].Data));
        var chunks = rows[first..(last + 1)].Select(row => ReceivedFrame.Stored(row.Data)).ToList();
        return ReceivedFrame.DigestOfText(
            ReceivedFrame.Text(chunks[0], "stage"), string.Concat(chunks.Select(chunk => ReceivedFrame.Text(chunk, "text"))));
    }
}

/// <summary>What a comparison found, summed up over readers.</summary>
public sealed class Account
{
    readonly List<string> _faults = [];

    public int Streams { get; private set; }

    public int Readers { get; private set; }

    /// <summary>Messages in the database, counted once for each reader of their stream.</summary>
    public long MessagesChecked { get; private set; }

    public long Lost { get; private set; }

    public long Repeated { get; private set; }

    /// <summary>Messages that say something else than their row does, or have none.</summary>
    public long Different { get; private set; }

    public long Reconnects { get; private set; }

    public void Add(int readers, int messages)
    {
        Streams++;
        Readers += readers;
        MessagesChecked += (long)readers * messages;
    }

    /// <summary>Something else that is wrong.</summary>
    public void AddFault(string fault) => _faults.Add(fault);

    public void Add(Account other)
    {
        Streams += other.Streams;
        Readers += other.Readers;
        MessagesChecked += other.MessagesChecked;
        Lost += other.Lost;
        Repeated += other.Repeated;
        Different += other.Different;
        Reconnects += other.Reconnects;
        _faults.AddRange(other._faults);
    }

    public void Add(ResumingReader reader, (int Lost, int Repeated, int Different) found)
    {
        Lost += found.Lost;
        Repeated += found.Repeated;
        Different += found.Different;
        Reconnects += reader.Reconnects;
        if (found != default || reader is not { HasEnd: true, Gaps: 0, Repeats: 0, Resets: 0, ClosedWithoutEnd: 0, FinalError: null })
            _faults.Add($"{reader.SessionId}: lost {found.Lost}, repeated {found.Repeated}, different {found.Different}; end {reader.HasEnd}, head {reader.Head}, "
                + $"gaps {reader.Gaps}, repeats {reader.Repeats}, resets {reader.Resets}, closed without end {reader.ClosedWithoutEnd}, final error {reader.FinalError}");
    }

    /// <summary>Every reader has every message once, in order, as it was committed, to the end, and no final error.</summary>
    public void AssertComplete()
    {
        Assert.True(MessagesChecked > 0, "nothing was compared");
        Assert.True(_faults.Count == 0, $"seed {Faults.Seed}: {_faults.Count} faults, {Readers} readers\n{string.Join('\n', _faults.Take(10))}");
    }

    public override string ToString() =>
        $"{Streams} streams, {Readers} readers, {MessagesChecked} messages, lost {Lost}, repeated {Repeated}, different {Different}, {Reconnects} reconnects";
}
