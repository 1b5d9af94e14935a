using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text.Json;

namespace Streaming.Benchmarks.Files;

/// <summary>
/// Sends a file up, over cuts of its own and whatever else happens, gets it down again in the same way, compares, deletes it, and begins with the next
/// one, until it is told to stop.
/// </summary>
/// <param name="http">To the service.</param>
/// <param name="folder">Where the service keeps the bytes: to touch them.</param>
/// <param name="size">Bytes of each file.</param>
/// <param name="seed">Of its chances and its bytes.</param>
/// <param name="tally">What became of it.</param>
sealed class RecoveringClient(HttpClient http, string folder, long size, int seed, RecoveryTally tally)
{
    const int FailuresMax = 600;
    const double TouchShare = 0.03;
    static readonly TimeSpan RetryDelay = TimeSpan.FromMilliseconds(100);
    static readonly byte[] Block = RandomBlock();

    readonly Random _random = new(seed);
    readonly byte[] _buffer = new byte[RecoveryTally.ChunkBytes];
    long _shift;

    long Size => size;

    RecoveryTally Tally => tally;

    /// <summary>About five cuts in a large file, some in a small one.</summary>
    long NextCut() => _random.NextDouble() < 0.3 ? long.MaxValue : (long)(size * (0.05 + 0.4 * _random.NextDouble()));

    public async Task RunAsync(CancellationToken cancellation)
    {
        try
        {
            while (true)
            {
                _shift = _random.NextInt64(Block.Length);
                var expected = Hash();
                var path = await UploadAsync(cancellation);
                var arrived = await DownloadAsync(path, cancellation);
                if (!expected.AsSpan().SequenceEqual(arrived))
                    tally.Failed($"{path}: what arrived is not what was sent");
                using var deleted = await PatientlyAsync(() => http.SendAsync(new HttpRequestMessage(HttpMethod.Delete, path), cancellation), cancellation);
            }
        }
        catch (Exception fault) when (cancellation.IsCancellationRequested && fault is OperationCanceledException or HttpRequestException or IOException)
        {
            // What is under way is neither complete nor failed.
        }
    }

    async Task<string> UploadAsync(CancellationToken cancellation)
    {
        using var made = await PatientlyAsync(() => http.SendAsync(Tus(HttpMethod.Post, "/api/files", ("Upload-Length", $"{size}")), cancellation), cancellation);
        var path = made.Headers.Location!.ToString();
        var (counted, isInterrupted) = (0L, false);
        var busy = new Stopwatch();
        while (true)
        {
            using (var head = await PatientlyAsync(() => http.SendAsync(Tus(HttpMethod.Head, path), cancellation), cancellation))
            {
                var offset = long.Parse(head.Headers.GetValues("Upload-Offset").Single(), CultureInfo.InvariantCulture);
                if (isInterrupted && offset > 0)
                    tally.Recovered(offset >= counted ? "continued" : "lost");
                (counted, isInterrupted) = (offset, true);
            }

            if (counted == size)
                break;
            var cut = Math.Min(size, counted + Math.Min(NextCut(), size));
            busy.Start();
            try
            {
                var request = Tus(HttpMethod.Patch, path, ("Upload-Offset", $"{counted}"));
                request.Content = new CutContent(this, counted, cut) { Headers = { ContentType = new MediaTypeHeaderValue("application/offset+octet-stream") } };
                using (request)
                using (var response = await http.SendAsync(request, cancellation))
                    if (!response.IsSuccessStatusCode)
                        await Task.Delay(RetryDelay, TimeProvider.System, cancellation);
            }
            catch (Exception fault) when (!cancellation.IsCancellationRequested && fault is HttpRequestException or IOException or OperationCanceledException)
            {
            }

            busy.Stop();
        }

        tally.Completed("up", size, busy.Elapsed.TotalSeconds);
        return path;
    }

    async Task<byte[]> DownloadAsync(string path, CancellationToken cancellation)
    {
        string url;
        using (var made = await PatientlyAsync(() => http.PostAsync($"{path}/downloads", null, cancellation), cancellation))
            url = (await made.Content.ReadFromJsonAsync<JsonElement>(cancellation)).GetProperty("contentUrl").GetString()!;
        var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var (received, isTouched) = (0L, false);
        var busy = new Stopwatch();
        while (received < size)
        {
            busy.Start();
            var isAgain = received > 0;
            if (isAgain && _random.NextDouble() < TouchShare)
            {
                var name = Guid.Parse(path.Split('/')[^1]).ToString("N");
                File.SetLastWriteTimeUtc(Path.Combine(folder, name[^2..], name), DateTime.UnixEpoch.AddSeconds(_random.Next(1_000_000)));
                isTouched = true;
            }

            using var response = await PatientlyAsync(() =>
            {
                var request = new HttpRequestMessage(HttpMethod.Get, url);
                if (received > 0)
                    request.Headers.Range = new RangeHeaderValue(received, null);
                return http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellation);
            }, cancellation);
            if (isAgain)
                tally.Recovered(response.StatusCode == HttpStatusCode.PartialContent ? "continued" : isTouched ? "touched" : "reread");
            isTouched = false;
            if (response.StatusCode == HttpStatusCode.OK && received > 0)
            {
                received = 0;
                hash.GetHashAndReset();
            }

            var cut = received + Math.Min(NextCut(), size);
            try
            {
                await using var body = await response.Content.ReadAsStreamAsync(cancellation);
                while (received < Math.Min(size, cut))
                {
                    var begun = Stopwatch.GetTimestamp();
                    var read = await body.ReadAtLeastAsync(_buffer, _buffer.Length, throwOnEndOfStream: false, cancellation);
                    if (read == 0)
                        break;
                    hash.AppendData(_buffer, 0, read);
                    received += read;
                    if (read == _buffer.Length)
                        tally.Chunk("down", Stopwatch.GetElapsedTime(begun).TotalSeconds);
                }
            }
            catch (Exception fault) when (!cancellation.IsCancellationRequested && fault is HttpRequestException or IOException)
            {
            }

            busy.Stop();
        }

        tally.Completed("down", size, busy.Elapsed.TotalSeconds);
        return hash.GetHashAndReset();
    }

    /// <summary>An answer that is a success, however often it must be asked for: the service is killed now and then, and busy.</summary>
    static async Task<HttpResponseMessage> PatientlyAsync(Func<Task<HttpResponseMessage>> ask, CancellationToken cancellation)
    {
        for (var failures = 0; ; failures++)
        {
            try
            {
                var response = await ask();
                // Of a deletion that was done when its answer was lost.
                if (response.IsSuccessStatusCode || failures > 0 && response is { StatusCode: HttpStatusCode.NotFound, RequestMessage.Method.Method: "DELETE" })
                    return response;
                if (failures > FailuresMax || (int)response.StatusCode < 500 && response.StatusCode is not (HttpStatusCode.Conflict or HttpStatusCode.TooManyRequests))
                    throw new BenchmarkException($"{response.RequestMessage?.Method} {response.RequestMessage?.RequestUri} answered {(int)response.StatusCode}: {await response.Content.ReadAsStringAsync(cancellation)}");
                response.Dispose();
            }
            catch (Exception fault) when (failures < FailuresMax && !cancellation.IsCancellationRequested && fault is HttpRequestException or IOException)
            {
            }

            await Task.Delay(RetryDelay, TimeProvider.System, cancellation);
        }
    }

    static HttpRequestMessage Tus(HttpMethod method, string path, params (string Name, string Value)[] headers)
    {
        var request = new HttpRequestMessage(method, path);
        request.Headers.Add("Tus-Resumable", "1.0.0");
        foreach (var (name, value) in headers)
            request.Headers.Add(name, value);
        return request;
    }

    /// <summary>The bytes of the file from a place on: those of one block, again and again, shifted for each file.</summary>
    void Fill(Span<byte> bytes, long position)
    {
        while (bytes.Length > 0)
        {
            var at = (int)((position + _shift) % Block.Length);
            var length = Math.Min(bytes.Length, Block.Length - at);
            Block.AsSpan(at, length).CopyTo(bytes);
            bytes = bytes[length..];
            position += length;
        }
    }

    byte[] Hash()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        for (var position = 0L; position < size; position += _buffer.Length)
        {
            var part = _buffer.AsSpan(0, (int)Math.Min(_buffer.Length, size - position));
            Fill(part, position);
            hash.AppendData(part);
        }

        return hash.GetHashAndReset();
    }

    static byte[] RandomBlock()
    {
        // No multiple of what is sent at once.
        var block = new byte[3_000_017];
        new Random(1).NextBytes(block);
        return block;
    }

    /// <summary>A part of the file, and the end of the connection in the middle of it.</summary>
    sealed class CutContent(RecoveringClient client, long from, long cut) : HttpContent
    {
        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            for (var position = from; position < cut;)
            {
                var part = client._buffer.AsMemory(0, (int)Math.Min(client._buffer.Length, cut - position));
                client.Fill(part.Span, position);
                var begun = Stopwatch.GetTimestamp();
                await stream.WriteAsync(part);
                position += part.Length;
                if (part.Length == client._buffer.Length)
                    client.Tally.Chunk("up", Stopwatch.GetElapsedTime(begun).TotalSeconds);
            }

            if (cut < client.Size)
                throw new IOException("Cut.");
        }

        protected override bool TryComputeLength(out long length)
        {
            length = client.Size - from;
            return true;
        }
    }
}
