using System.Buffers;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using Streaming.Protocol;

namespace Streaming.Client;

/// <summary>How far a transfer of a file has come, in bytes that are there for sure.</summary>
public readonly record struct FileTransferProgress(long Bytes, long Size);

/// <summary>
/// Uploads by tus 1.0 and downloads by ranges, over as many connections as it takes: each goes on where the other side has got to. A fault that may
/// pass is waited out, until nothing has come through for <see cref="StreamingClientOptions.Patience"/>.
/// </summary>
sealed class FileTransfer(ServiceRequests requests, StreamingClientOptions options)
{
    const string Version = "1.0.0";
    const int BufferBytes = 128 * 1024;

    // Progress is known behind each. Of one that is cut the service keeps what has come.
    const int PieceBytes = 8 * 1024 * 1024;

    static readonly TimeSpan FirstDelay = TimeSpan.FromMilliseconds(250);

    readonly Backoff _backoff = new(options.RetryDelayMax, options.Random) { Retry = FirstDelay };
    long _succeededAt = options.Clock.GetTimestamp();

    /// <summary>Announces a file; returns its id.</summary>
    public async Task<Guid> CreateAsync(string name, long size, CancellationToken cancellation)
    {
        using var response = await AskAsync(() => Request(HttpMethod.Post, "api/files", request =>
        {
            request.Headers.Add("Upload-Length", Text(size));
            request.Headers.Add("Upload-Metadata", $"filename {Convert.ToBase64String(Encoding.UTF8.GetBytes(name))}");
        }), cancellation);
        return Guid.Parse(response.Headers.Location!.ToString().Split('/')[^1]);
    }

    /// <summary>Sends what the service does not have yet.</summary>
    public async Task UploadAsync(Guid fileId, Stream content, IProgress<FileTransferProgress>? progress, CancellationToken cancellation)
    {
        var piece = ArrayPool<byte>.Shared.Rent(PieceBytes);
        try
        {
            long? offset = null;
            await PatientlyAsync(async () =>
            {
                offset ??= await OffsetAsync(fileId, cancellation);
                progress?.Report(new FileTransferProgress(offset.Value, content.Length));
                if (offset == content.Length)
                    return true;
                content.Position = offset.Value;
                var length = await content.ReadAtLeastAsync(piece.AsMemory(0, PieceBytes), PieceBytes, throwOnEndOfStream: false, cancellation);
                var at = offset.Value;
                // Until it is answered nobody knows how much of it came.
                offset = null;
                using var response = await AskAsync(() => Request(HttpMethod.Patch, $"api/files/{fileId}", request =>
                {
                    request.Headers.Add("Upload-Offset", Text(at));
                    request.Content = new ByteArrayContent(piece, 0, length) { Headers = { ContentType = new MediaTypeHeaderValue("application/offset+octet-stream") } };
                }), cancellation);
                offset = Number(response, "Upload-Offset");
                return false;
            }, fault => fault.Status is HttpStatusCode.Conflict, cancellation);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(piece);
        }
    }

    /// <summary>Makes sure that what is stored is what was sent.</summary>
    public static async Task CheckAsync(Stream content, FileContent stored, CancellationToken cancellation)
    {
        content.Position = 0;
        if (await Crc32C.OfAsync(content, cancellation) != Checksum(stored))
            throw new StreamingException(null, "checksum_mismatch", "What is stored is not what was sent: it was changed meanwhile, or on the way. Delete it, and send it again.");
    }

    static uint Checksum(FileContent file) => uint.Parse(file.Crc32c, NumberStyles.HexNumber, CultureInfo.InvariantCulture);

    /// <summary>Writes a stored file from a place of the target on, and checks all of it.</summary>
    public async Task DownloadAsync(FileContent file, Stream target, IProgress<FileTransferProgress>? progress, CancellationToken cancellation)
    {
        var tag = $"\"{file.Crc32c}-{file.Bytes:x}\"";
        if (target.Length > file.Bytes)
            target.SetLength(0);
        target.Position = target.Length;
        var isChecked = false;
        await PatientlyAsync(async () =>
        {
            if (target.Position < file.Bytes || file.Bytes == 0)
                await CopyAsync();
            if (target.Position < file.Bytes)
                return false;
            target.Position = 0;
            if (await Crc32C.OfAsync(target, cancellation) == Checksum(file))
                return true;
            // What was there before may have been of another file: once more, from the beginning.
            if (isChecked)
                throw new StreamingException(null, null, "What was downloaded is not what is stored.");
            isChecked = true;
            target.SetLength(0);
            return false;
        }, _ => false, cancellation);

        async Task CopyAsync()
        {
            using var response = await AskAsync(() =>
            {
                var request = new HttpRequestMessage(HttpMethod.Get, file.Url.TrimStart('/'));
                if (target.Position > 0)
                {
                    request.Headers.Range = new RangeHeaderValue(target.Position, null);
                    request.Headers.IfRange = new RangeConditionHeaderValue(new EntityTagHeaderValue(tag));
                }

                return request;
            }, cancellation);
            if (response.StatusCode != HttpStatusCode.PartialContent)
                target.SetLength(0);
            await using var body = await response.Content.ReadAsStreamAsync(cancellation);
            var buffer = new byte[BufferBytes];
            using var silence = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            while (true)
            {
                silence.CancelAfter(options.SilenceMax);
                var read = await body.ReadAsync(buffer, silence.Token);
                if (read == 0)
                    break;
                await target.WriteAsync(buffer.AsMemory(0, read), cancellation);
                Succeed();
                progress?.Report(new FileTransferProgress(target.Position, file.Bytes));
            }
        }
    }

    async Task<long> OffsetAsync(Guid fileId, CancellationToken cancellation)
    {
        using var response = await AskAsync(() => Request(HttpMethod.Head, $"api/files/{fileId}", _ => { }), cancellation);
        return Number(response, "Upload-Offset");
    }

    /// <summary>Does steps until one says that it was the last.</summary>
    /// <param name="stepAsync">One step.</param>
    /// <param name="isStale">Of a problem: the next step sees what is so now.</param>
    /// <param name="cancellation">Ends it.</param>
    async Task PatientlyAsync(Func<Task<bool>> stepAsync, Func<StreamingException, bool> isStale, CancellationToken cancellation)
    {
        while (true)
        {
            try
            {
                if (await stepAsync())
                    return;
                Succeed();
            }
            catch (Exception fault) when (!cancellation.IsCancellationRequested && MayPass(fault, isStale))
            {
                if (options.Clock.GetElapsedTime(_succeededAt) >= options.Patience)
                    throw fault as StreamingException ?? new StreamingException(null, null, "The service cannot be reached.", fault);
                await Task.Delay(_backoff.Next(), options.Clock, cancellation);
            }
        }
    }

    void Succeed()
    {
        _backoff.Succeed();
        _succeededAt = options.Clock.GetTimestamp();
    }

    static bool MayPass(Exception fault, Func<StreamingException, bool> isStale) => fault switch
    {
        StreamingException { Status: { } status } problem => ServiceRequests.MayPass(status) || isStale(problem),
        HttpRequestException or IOException or OperationCanceledException => true,
        _ => false,
    };

    async Task<HttpResponseMessage> AskAsync(Func<HttpRequestMessage> make, CancellationToken cancellation)
    {
        var response = await requests.SendAsync(make, cancellation);
        if (response.IsSuccessStatusCode)
            return response;
        using (response)
            throw await ServiceRequests.FaultAsync(response, cancellation);
    }

    static HttpRequestMessage Request(HttpMethod method, string path, Action<HttpRequestMessage> complete)
    {
        var request = new HttpRequestMessage(method, path);
        request.Headers.Add("Tus-Resumable", Version);
        complete(request);
        return request;
    }

    static long Number(HttpResponseMessage response, string header) => long.Parse(response.Headers.GetValues(header).Single(), NumberStyles.None, CultureInfo.InvariantCulture);

    static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
