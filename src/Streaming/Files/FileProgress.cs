using System.Globalization;
using Npgsql;
using Streaming.Configuration;
using Streaming.Database;
using Streaming.Protocol;

namespace Streaming.Files;

/// <summary>How far a stream came at its last checkpoint: bytes, their checksum, the file as it was then, and the percentage that clients were last told.</summary>
public sealed record FileCheckpoint(int Attempt, long Position, uint Crc32C, FileStamp Stamp, double Told);

/// <summary>
/// How far one stream has come: kept in the database every five chunks, with the <c>progress</c> messages that are due. A
/// checkpoint is written beside the stream, one at a time: while one is under way the stream goes on.
/// </summary>
/// <param name="postgres">Where to.</param>
/// <param name="options">How often, and how long an upload may stand still.</param>
/// <param name="progressInterval">Shortest time between two messages within a percent.</param>
/// <param name="clock">Times both.</param>
/// <param name="transformId">The stream.</param>
/// <param name="stage"><c>upload</c> or <c>download</c>.</param>
/// <param name="size">Bytes of the whole file.</param>
/// <param name="begin">Where it goes on from.</param>
public sealed class FileProgress(
    Postgres postgres, FilesOptions options, TimeSpan progressInterval, TimeProvider clock, Guid transformId, string stage, long size, FileCheckpoint begin)
{
    const int ChunksBetween = 5;

    Task<bool> _saving = Task.FromResult(true);
    long _savingPosition = begin.Position;
    long _savedAt = clock.GetTimestamp();
    long? _toldAt;
    int _toldPercent = (int)Percent(begin.Position, size);

    public Guid TransformId => transformId;

    public int Attempt => begin.Attempt;

    public long Position { get; private set; } = begin.Position;

    public uint Crc32C { get; private set; } = begin.Crc32C;

    /// <summary>The last checkpoint that is sure.</summary>
    public (long Position, uint Crc32C) Saved { get; private set; } = (begin.Position, begin.Crc32C);

    /// <summary>These bytes follow.</summary>
    public void Advance(ReadOnlySpan<byte> bytes)
    {
        Crc32C = Files.Crc32C.Append(Crc32C, bytes);
        Position += bytes.Length;
    }

    /// <summary>Begins a checkpoint if one is due. False: the stream is somebody else's by now.</summary>
    /// <param name="chunkSize">Present size of a chunk.</param>
    /// <param name="stamp">Makes sure that what was told to <see cref="Advance"/> is on disk, and says what the file is then.</param>
    /// <exception cref="DatabaseUnavailableException"/>
    public async ValueTask<bool> TickAsync(int chunkSize, Func<FileStamp> stamp)
    {
        if (Position - _savingPosition < ChunksBetween * chunkSize || !_saving.IsCompleted || clock.GetElapsedTime(_savedAt) < options.CheckpointInterval)
            return true;
        var stands = await _saving;
        if (stands)
            Begin(stamp);
        return stands;
    }

    /// <summary>A checkpoint of everything so far. False: the stream is somebody else's by now.</summary>
    /// <exception cref="DatabaseUnavailableException"/>
    public async Task<bool> SaveAsync(Func<FileStamp> stamp, params Message[] messages)
    {
        if (!await _saving)
            return false;
        if (Position != Saved.Position || messages.Length > 0)
            Begin(stamp, messages);
        return await _saving;
    }

    /// <summary>Waits for the checkpoint that is under way, whatever comes of it.</summary>
    public Task SettleAsync() => Task.WhenAny(_saving);

    /// <summary>The message that says how far it is; of all together never less than before, also when the stream has begun anew.</summary>
    public ProgressMessage Message()
    {
        var percent = Math.Round(Percent(Position, size), 1);
        return new ProgressMessage(stage, percent, Math.Max(percent, begin.Told), string.Create(CultureInfo.InvariantCulture,
            $"{(stage == "upload" ? "Received" : "Sent")} {Position / 1e6:0.0} of {size / 1e6:0.0} MB"));
    }

    void Begin(Func<FileStamp> stamp, params Message[] messages)
    {
        var (position, crc, percent) = (Position, Crc32C, (int)Percent(Position, size));
        if (percent > _toldPercent || _toldAt is not { } told || clock.GetElapsedTime(told) >= progressInterval)
        {
            messages = [.. messages, Message()];
            (_toldPercent, _toldAt) = (percent, clock.GetTimestamp());
        }

        _savingPosition = position;
        _saving = Task.Run(async () =>
        {
            var file = stamp();
            var stands = await SaveAsync(position, crc, file, messages);
            if (stands)
                Saved = (position, crc);
            _savedAt = clock.GetTimestamp();
            return stands;
        });
    }

    Task<bool> SaveAsync(long position, uint crc, FileStamp file, Message[] messages) => postgres.RunAsync(async connection =>
    {
        await using var command = new NpgsqlCommand(Sql.Named("files/checkpoint_file"), connection)
        {
            Parameters =
            {
                new NpgsqlParameter<Guid> { TypedValue = transformId },
                new NpgsqlParameter<int> { TypedValue = begin.Attempt },
                new NpgsqlParameter<long> { TypedValue = position },
                new NpgsqlParameter<long> { TypedValue = crc },
                new NpgsqlParameter<long> { TypedValue = file.Size },
                new NpgsqlParameter<DateTime> { TypedValue = file.ModifiedAt },
                new NpgsqlParameter<TimeSpan> { TypedValue = options.UploadExpiry },
                new NpgsqlParameter<string[]> { TypedValue = [.. messages.Select(message => message.Type)] },
                new NpgsqlParameter<string[]> { TypedValue = [.. messages.Select(ProtocolJson.Data)] },
            },
        };
        return (bool)(await command.ExecuteScalarAsync())!;
    }, CancellationToken.None);

    static double Percent(long position, long size) => size == 0 ? 100 : 100.0 * position / size;
}
