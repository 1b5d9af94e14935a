using System.IO.Pipelines;
using System.Text.Json;
using Dapper;
using Microsoft.Extensions.Options;
using Streaming.Configuration;
using Streaming.Database;
using Streaming.Protocol;

namespace Streaming.Files;

/// <summary>
/// Gives the bytes of stored files out. A download with progress is a transform of the file's session: it has checkpoints, and
/// whoever comes back to it is given the rest only if the file is still the same, byte for byte.
/// </summary>
public sealed class FileDownloads(
    Postgres postgres, FileStore store, FileMetrics metrics, IOptions<FilesOptions> options, IOptions<MessageOptions> messages, TimeProvider clock,
    ILogger<FileDownloads> log)
{
    /// <summary>Begins a download with progress; the one before it ends. Returns its transform, or the status of a file that is not stored.</summary>
    /// <exception cref="DatabaseUnavailableException"/>
    public async Task<(Guid Id, string? Status)> CreateAsync(Guid fileId, string userId, CancellationToken cancellation)
    {
        var transformId = Guid.CreateVersion7();
        var outcome = await postgres.RunAsync(connection => connection.QuerySingleAsync<string?>(new CommandDefinition(
            Sql.Named("files/create_download"), new { file = fileId, user = userId, transform = transformId, start = FileKind.Start(transformId) },
            cancellationToken: cancellation)), cancellation);
        return (transformId, outcome);
    }

    /// <summary>Opens a stored file and makes sure that it is what was stored.</summary>
    /// <exception cref="FileFaultException">It is not there, or not what it was.</exception>
    public async Task<FileSource> OpenAsync(StoredFile file, FileOperation operation, CancellationToken cancellation)
    {
        var source = FileSource.Open(store.PathOf(file.Id), null, clock);
        try
        {
            // A backup that was restored has other times: then its bytes decide.
            if (source.Stamp != file.Stamp && (source.Stamp.Size != file.Size
                || await FileCheckpoints.SumAsync(source, operation, 0, file.Size, Crc32C.Empty, cancellation) != file.Crc32C))
                throw new FileFaultException(FileFault.Changed, "The file is not what was stored.");
            return source;
        }
        catch
        {
            source.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Takes a download with progress up again. From a later place on it is given only if size and time of the file, and the
    /// checksum of what was sent, are as they were: else it must begin at 0. Null: there is no such download, or it has ended.
    /// </summary>
    /// <exception cref="DatabaseUnavailableException"/>
    /// <exception cref="FileFaultException"/>
    public async Task<FileProgress?> ResumeAsync(
        StoredFile file, string userId, Guid transformId, long from, FileSource source, FileOperation operation, CancellationToken cancellation)
    {
        if (await FileCheckpoints.OpenAsync(postgres, file.Id, userId, transformId, cancellation) is not { } last)
            return null;
        var reason = last.Stamp.Size != source.Stamp.Size ? "size" : last.Stamp != source.Stamp ? "timestamp" : null;
        var sum = Crc32C.Empty;
        if (from > 0 && reason is null)
        {
            var (near, far) = (Math.Min(from, last.Position), Math.Max(from, last.Position));
            var nearSum = await FileCheckpoints.SumAsync(source, operation, 0, near, Crc32C.Empty, cancellation);
            var farSum = await FileCheckpoints.SumAsync(source, operation, near, far, nearSum, cancellation);
            (sum, var lastSum) = from < last.Position ? (nearSum, farSum) : (farSum, nearSum);
            reason = lastSum == last.Crc32C ? null : "checksum";
        }

        if (from > 0)
            metrics.Resume(reason ?? "continued");
        if (reason is not null)
            (from, sum) = (0, Crc32C.Empty);
        var progress = new FileProgress(postgres, options.Value, messages.Value.ProgressInterval, clock, transformId, "download", file.Size,
            last with { Position = from, Crc32C = sum, Stamp = source.Stamp });
        Message[] says = reason is not null ? [FileCheckpoints.Reread(reason)] : from > 0 ? [FileCheckpoints.Continued(from)] : [];
        if (says.Length > 0 || last.Position > 0)
            await progress.SaveAsync(() => source.Stamp, says);
        return progress;
    }

    /// <summary>Writes a part of a file, chunk by chunk, at the pace of its operation.</summary>
    /// <exception cref="FileFaultException">The file was changed; nothing of the changed one was written.</exception>
    /// <exception cref="OperationCanceledException">The client has gone, or stood still while memory was short.</exception>
    public async Task SendAsync(
        FileSource source, FileOperation operation, PipeWriter output, long from, long to, FileProgress? progress, CancellationToken cancellation)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, operation.Stalled);
        for (var position = from; position < to;)
        {
            either.Token.ThrowIfCancellationRequested();
            var length = (int)Math.Min(operation.ChunkSize, to - position);
            var begun = clock.GetTimestamp();
            // Straight into the buffer of the connection.
            var buffer = output.GetMemory(length)[..length];
            await source.ReadAsync(position, buffer, either.Token);
            progress?.Advance(buffer.Span);
            var processing = clock.GetElapsedTime(begun);
            output.Advance(length);
            if ((await output.FlushAsync(either.Token)).IsCompleted)
                throw new OperationCanceledException("The client has gone.");
            position += length;
            try
            {
                if (progress is not null)
                    await progress.TickAsync(operation.ChunkSize, () => source.Stamp);
            }
            catch (DatabaseUnavailableException)
            {
                // The bytes do not depend on it.
                progress = null;
            }

            await operation.PaceAsync(length, processing, either.Token);
        }

        operation.Complete();
    }

    /// <summary>Writes down what became of a download with progress. One that broke off stays open, to be taken up again.</summary>
    public async Task EndAsync(StoredFile file, FileSource source, FileProgress progress, FileFault? fault)
    {
        try
        {
            if (fault is null && progress.Position < file.Size)
            {
                await progress.SaveAsync(() => source.Stamp);
                return;
            }

            await progress.SettleAsync();
            var error = new ErrorMessage("file_changed", "storage", "The file was changed while it was sent.", false);
            var status = fault is null ? "completed" : "failed";
            Message[] last = fault is null
                ? [progress.Message(), FileCheckpoints.Result(JsonSerializer.Deserialize<JsonElement>(file.Result())), new EndMessage(status)]
                : [error, new EndMessage(status)];
            await postgres.RunAsync(connection => connection.ExecuteAsync(new CommandDefinition(Sql.Named("files/end_download"), new
            {
                transform = progress.TransformId,
                attempt = progress.Attempt,
                status,
                error = fault is null ? null : ProtocolJson.Data(error),
                types = last.Select(message => message.Type).ToArray(),
                data = last.Select(ProtocolJson.Data).ToArray(),
            })), CancellationToken.None);
        }
        catch (DatabaseUnavailableException)
        {
            // The bytes are with the client. It stays open, and is ended after Files:DownloadExpiry.
            log.LogWarning("The end of download {Transform} could not be written down", progress.TransformId);
        }
    }
}
