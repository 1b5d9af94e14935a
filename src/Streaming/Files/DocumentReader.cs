using Microsoft.Extensions.Options;
using Streaming.Configuration;

namespace Streaming.Files;

/// <summary>Opens stored files as texts, for those who read them passage by passage.</summary>
public sealed class DocumentReader(FileUploads files, FileDownloads downloads, FileStreams streams, FileStore store, IOptions<DocumentOptions> options)
{
    /// <summary>Opens a user's file and makes sure that it is the one that is meant.</summary>
    /// <param name="fileId">The file.</param>
    /// <param name="userId">Whose it must be.</param>
    /// <param name="crc32C">What its checksum must be.</param>
    /// <param name="cancellation">Ends the wait.</param>
    /// <exception cref="FileFaultException">It is gone, another one, or cannot be read.</exception>
    /// <exception cref="Database.DatabaseUnavailableException"/>
    public async Task<DocumentText> OpenAsync(Guid fileId, string userId, uint crc32C, CancellationToken cancellation)
    {
        if (await files.ReadAsync(fileId, userId, cancellation) is not { IsStored: true } file)
            throw new FileFaultException(FileFault.Gone, "The file is not there any more.");
        if (file.Crc32C != crc32C)
            throw new FileFaultException(FileFault.Changed, "The file is not the one that the outline was asked for.");
        using var operation = await DocumentText.AdmitAsync(streams, file.Size, cancellation);
        var source = await downloads.OpenAsync(file, operation, cancellation);
        operation.Complete();
        return new DocumentText(source, streams, store.PathOf(file.Id), options.Value.PassageCharacters);
    }
}
