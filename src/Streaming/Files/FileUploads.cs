using System.IO.Pipelines;
using System.Security.Cryptography;
using System.Text.Json;
using Dapper;
using Microsoft.Extensions.Options;
using Microsoft.Win32.SafeHandles;
using Streaming.Configuration;
using Streaming.Database;
using Streaming.Protocol;

namespace Streaming.Files;

public enum AppendOutcome
{
    Appended,

    /// <summary>There is no such upload, or no longer.</summary>
    NotFound,

    /// <summary>The bytes do not begin where those that are there end.</summary>
    OffsetMismatch,

    /// <summary>More bytes than were announced.</summary>
    TooLarge,

    ChecksumMismatch,

    /// <summary>Too many streams at once.</summary>
    Busy,

    /// <summary>No room on the volume.</summary>
    Full,

    /// <summary>Another request goes on with this upload.</summary>
    Superseded,
}

/// <summary>What became of bytes, and how many of the file are surely on disk now.</summary>
public readonly record struct AppendResult(AppendOutcome Outcome, long Offset);

/// <summary>What a client says the bytes of one request sum up to.</summary>
public sealed record UploadChecksum(HashAlgorithmName Algorithm, byte[] Expected);

/// <summary>
/// Takes the bytes of files in. What the database says is there is on disk: bytes are flushed before they are counted. Of two
/// requests for one upload the later one goes on: in this process the other one is stopped first, in another it is fenced off
/// by the transform's attempt.
/// </summary>
/// <remarks>
/// <code>
///   create ──> uploading ──append*──> stored
///                  └── stands still, or is deleted ──> gone
/// </code>
/// </remarks>
public sealed class FileUploads(
    Postgres postgres, FileStore store, FileStreams streams, FileMetrics metrics, IOptions<FilesOptions> options, IOptions<MessageOptions> messages,
    TimeProvider clock, ILogger<FileUploads> log)
{
    const int HeadBytes = 512;

    readonly Dictionary<Guid, Turn> _turns = [];

    static FileUploads() => DefaultTypeMap.MatchNamesWithUnderscores = true;

    /// <summary>The right of one request to write a file, until another one wants it.</summary>
    sealed class Turn(FileUploads owner, Guid id) : IDisposable
    {
        readonly CancellationTokenSource _wanted = new();
        readonly TaskCompletionSource _over = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public CancellationToken Wanted => _wanted.Token;

        public Task GiveUpAsync()
        {
            _wanted.Cancel();
            return _over.Task;
        }

        public void Dispose()
        {
            lock (owner._turns)
                owner._turns.Remove(id);
            _over.SetResult();
        }
    }

    /// <summary>Announces a file. Returns its id, or which limit is in the way: <c>uploads</c>, <c>files</c>, <c>bytes</c>, <c>volume</c>.</summary>
    /// <exception cref="DatabaseUnavailableException"/>
    public async Task<(Guid Id, string? Refused)> CreateAsync(string userId, string name, string metadata, long size, CancellationToken cancellation)
    {
        if (!store.HasRoomFor(size))
            return (Guid.Empty, "volume");
        var (id, transformId) = (Guid.CreateVersion7(), Guid.CreateVersion7());
        var outcome = await postgres.RunAsync(connection => connection.QuerySingleAsync<string>(new CommandDefinition(Sql.Named("files/create_file"), new
        {
            id,
            transform = transformId,
            user = userId,
            metadata,
            size,
            input = JsonSerializer.Serialize(new { name, size }, ProtocolJson.Relaxed),
            start = FileKind.Start(transformId),
            expiry = options.Value.UploadExpiry,
            uploadsMax = options.Value.UploadsInProgressMax,
            filesMax = options.Value.FilesPerUserMax,
            bytesMax = options.Value.BytesPerUserMax,
        }, cancellationToken: cancellation)), cancellation);
        return outcome == "made" ? (id, null) : (Guid.Empty, outcome);
    }

    /// <summary>A user's file; null if he has none such.</summary>
    /// <exception cref="DatabaseUnavailableException"/>
    public Task<StoredFile?> ReadAsync(Guid id, string userId, CancellationToken cancellation) =>
        postgres.RunAsync(connection => connection.QuerySingleOrDefaultAsync<StoredFile>(new CommandDefinition(
            Sql.Named("files/read_file"), new { id, user = userId }, cancellationToken: cancellation)), cancellation);

    /// <summary>The same after a request that still writes has been stopped: whoever asks wants to go on with the upload.</summary>
    /// <exception cref="DatabaseUnavailableException"/>
    public async Task<StoredFile?> ReadToResumeAsync(Guid id, string userId, CancellationToken cancellation)
    {
        var file = await ReadAsync(id, userId, cancellation);
        if (file is null || !IsBeingWritten(id))
            return file;
        using (await TakeTurnAsync(id, cancellation))
            return await ReadAsync(id, userId, cancellation);
    }

    /// <summary>Waits until nobody writes a file any more, and lets nobody, until disposed.</summary>
    public async Task<IDisposable> StopWritingAsync(Guid id, CancellationToken cancellation) => await TakeTurnAsync(id, cancellation);

    /// <summary>
    /// Writes what the body has to the end of an upload, and stores the file with its last byte. Of a body that breaks off
    /// what came is kept, unless there is a checksum to check it by.
    /// </summary>
    /// <exception cref="DatabaseUnavailableException"/>
    public async Task<AppendResult> AppendAsync(
        StoredFile file, string userId, long offset, UploadChecksum? checksum, PipeReader body, CancellationToken cancellation)
    {
        using var turn = await TakeTurnAsync(file.Id, cancellation);
        using var operation = await streams.AdmitAsync(FileDirection.Upload, file.Size, cancellation);
        if (operation is null)
            return new AppendResult(AppendOutcome.Busy, offset);
        if (await FileCheckpoints.OpenAsync(postgres, file.Id, userId, file.TransformId, cancellation) is not { } begin)
        {
            // It ended while this request waited for its turn.
            var now = await ReadAsync(file.Id, userId, cancellation);
            return new AppendResult(now is null ? AppendOutcome.NotFound : AppendOutcome.OffsetMismatch, now?.Position ?? 0);
        }

        using var target = store.OpenForWriting(file.Id);
        if (!await IsIntactAsync(file, target, begin, operation, cancellation))
            return await BeginAnewAsync(file, begin, target);
        if (begin.Position != offset)
            return new AppendResult(AppendOutcome.OffsetMismatch, begin.Position);
        var progress = new FileProgress(postgres, options.Value, messages.Value.ProgressInterval, clock, file.TransformId, "upload", file.Size, begin);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, turn.Wanted, operation.Stalled);
        try
        {
            RandomAccess.SetLength(target, begin.Position);
            var outcome = await CopyAsync(file, target, checksum, body, operation, progress, either.Token);
            if (outcome == AppendOutcome.Appended && progress.Position == file.Size)
                outcome = await StoreAsync(file, target, progress) ? AppendOutcome.Appended : AppendOutcome.Superseded;
            else if (outcome == AppendOutcome.Appended && !await progress.SaveAsync(() => Durable(target)))
                outcome = AppendOutcome.Superseded;
            if (outcome == AppendOutcome.Appended)
                operation.Complete();
            else
                await GoBackAsync(target, progress);
            return new AppendResult(outcome, outcome == AppendOutcome.Appended ? progress.Position : progress.Saved.Position);
        }
        catch (Exception fault) when (FileFaultException.Classify(fault) == FileFault.Full)
        {
            log.LogWarning("No room for uploads: {Reason}", fault.Message);
            await GoBackAsync(target, progress);
            return new AppendResult(AppendOutcome.Full, progress.Saved.Position);
        }
        catch (Exception fault) when (fault is OperationCanceledException or IOException)
        {
            // The connection broke, or another request wants to go on: what came is worth keeping.
            if (checksum is null && !await progress.SaveAsync(() => Durable(target)) || turn.Wanted.IsCancellationRequested && !cancellation.IsCancellationRequested)
                return new AppendResult(AppendOutcome.Superseded, progress.Saved.Position);
            throw;
        }
        finally
        {
            await progress.SettleAsync();
        }
    }

    async Task<AppendOutcome> CopyAsync(
        StoredFile file, SafeFileHandle target, UploadChecksum? checksum, PipeReader body, FileOperation operation, FileProgress progress,
        CancellationToken cancellation)
    {
        using var hash = checksum is null ? null : IncrementalHash.CreateHash(checksum.Algorithm);
        var segments = new List<ReadOnlyMemory<byte>>();
        while (true)
        {
            var read = await body.ReadAsync(cancellation);
            var length = read.Buffer.Length;
            var begun = clock.GetTimestamp();
            try
            {
                if (length > file.Size - progress.Position)
                    return AppendOutcome.TooLarge;
                segments.Clear();
                foreach (var segment in read.Buffer)
                    segments.Add(segment);
                if (length > 0)
                    RandomAccess.Write(target, segments, progress.Position);
                foreach (var segment in segments)
                {
                    progress.Advance(segment.Span);
                    hash?.AppendData(segment.Span);
                }
            }
            finally
            {
                // Whatever comes of it: a body that is still being read cannot be answered.
                body.AdvanceTo(read.Buffer.End);
            }

            if (read.IsCompleted)
                break;
            // What may turn out to be wrong is not counted before it has turned out to be right.
            if (hash is null && !await progress.TickAsync(operation.ChunkSize, () => Durable(target)))
                return AppendOutcome.Superseded;
            await operation.PaceAsync((int)length, clock.GetElapsedTime(begun), cancellation);
        }

        return hash is null || CryptographicOperations.FixedTimeEquals(hash.GetHashAndReset(), checksum!.Expected)
            ? AppendOutcome.Appended
            : AppendOutcome.ChecksumMismatch;
    }

    /// <summary>Whether the bytes up to the checkpoint are those that were counted; beyond it there may be more, which were not.</summary>
    async Task<bool> IsIntactAsync(StoredFile file, SafeFileHandle target, FileCheckpoint begin, FileOperation operation, CancellationToken cancellation)
    {
        var stamp = FileStamp.Of(target);
        if (begin.Position == 0 || stamp == begin.Stamp && stamp.Size == begin.Position)
            return true;
        if (stamp.Size < begin.Position)
            return false;
        using var source = FileSource.Open(store.PathOf(file.Id), null, clock);
        var intact = await FileCheckpoints.SumAsync(source, operation, 0, begin.Position, Crc32C.Empty, cancellation) == begin.Crc32C;
        metrics.Resume(intact ? "continued" : "checksum");
        return intact;
    }

    /// <summary>Bytes that were counted are lost: the client is told to begin at 0.</summary>
    async Task<AppendResult> BeginAnewAsync(StoredFile file, FileCheckpoint lost, SafeFileHandle target)
    {
        log.LogWarning("Upload {File} begins anew: its {Bytes} bytes on disk are not those that were counted", file.Id, lost.Position);
        RandomAccess.SetLength(target, 0);
        var zero = lost with { Position = 0, Crc32C = Crc32C.Empty, Stamp = default };
        await new FileProgress(postgres, options.Value, messages.Value.ProgressInterval, clock, file.TransformId, "upload", file.Size, zero)
            .SaveAsync(() => Durable(target), FileCheckpoints.Reread("checksum"));
        return new AppendResult(AppendOutcome.OffsetMismatch, 0);
    }

    async Task<bool> StoreAsync(StoredFile file, SafeFileHandle target, FileProgress progress)
    {
        await progress.SettleAsync();
        var stamp = Durable(target);
        var head = new byte[Math.Min(HeadBytes, file.Size)];
        RandomAccess.Read(target, head, 0);
        var contentType = FileNames.ContentTypeOf(head, file.Name);
        var artifact = StoredFile.Result(file.Id, file.Name, contentType, file.Size, progress.Crc32C);
        var data = JsonSerializer.Deserialize<JsonElement>(artifact);
        Message[] last =
        [
            progress.Message(), new ArtifactMessage("file", file.Id, 0, data), FileCheckpoints.Result(data), new EndMessage("completed"),
        ];
        return await postgres.RunAsync(connection => connection.QuerySingleAsync<bool>(new CommandDefinition(Sql.Named("files/store_file"), new
        {
            transform = file.TransformId,
            attempt = progress.Attempt,
            crc = (long)progress.Crc32C,
            modified = stamp.ModifiedAt,
            contentType,
            artifact,
            types = last.Select(message => message.Type).ToArray(),
            data = last.Select(ProtocolJson.Data).ToArray(),
        })), CancellationToken.None);
    }

    static async Task GoBackAsync(SafeFileHandle target, FileProgress progress)
    {
        await progress.SettleAsync();
        RandomAccess.SetLength(target, progress.Saved.Position);
    }

    static FileStamp Durable(SafeFileHandle file)
    {
        RandomAccess.FlushToDisk(file);
        return FileStamp.Of(file);
    }

    bool IsBeingWritten(Guid id)
    {
        lock (_turns)
            return _turns.ContainsKey(id);
    }

    async Task<Turn> TakeTurnAsync(Guid id, CancellationToken cancellation)
    {
        while (true)
        {
            Turn? other;
            lock (_turns)
            {
                if (!_turns.TryGetValue(id, out other))
                    return _turns[id] = new Turn(this, id);
            }

            await other.GiveUpAsync().WaitAsync(cancellation);
        }
    }
}
