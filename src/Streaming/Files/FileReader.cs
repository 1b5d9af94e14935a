using System.Runtime.CompilerServices;

namespace Streaming.Files;

/// <summary>Reads a file as a stream of chunks, at the size and pace of its operation.</summary>
public static class FileReader
{
    // A file below it is one chunk.
    const int WholeBytesMax = 1024 * 1024;

    /// <summary>
    /// The bytes from one place to another, in order. Each chunk is the caller's to dispose. When the file is changed in the
    /// middle, that ends it with a fault, and no byte of the changed file is given out.
    /// </summary>
    /// <param name="source">The file.</param>
    /// <param name="operation">The stream that was let in.</param>
    /// <param name="from">First byte.</param>
    /// <param name="to">The byte after the last.</param>
    /// <param name="cancellation">Looked at between two chunks.</param>
    /// <exception cref="FileFaultException"/>
    public static async IAsyncEnumerable<FileChunk> ReadAsync(
        FileSource source, FileOperation operation, long from, long to, [EnumeratorCancellation] CancellationToken cancellation)
    {
        for (var position = from; position < to;)
        {
            cancellation.ThrowIfCancellationRequested();
            var length = (int)Math.Min(to - position, source.Stamp.Size < WholeBytesMax ? WholeBytesMax : operation.ChunkSize);
            var chunk = operation.Rent(position, length);
            var begun = operation.Clock.GetTimestamp();
            try
            {
                await source.ReadAsync(position, chunk.Bytes, cancellation);
            }
            catch
            {
                chunk.Dispose();
                throw;
            }

            var processing = operation.Clock.GetElapsedTime(begun);
            yield return chunk;
            position += length;
            await operation.PaceAsync(length, processing, cancellation);
        }
    }
}
