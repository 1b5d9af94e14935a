using System.IO.Pipelines;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Npgsql;
using Streaming.IntegrationTests.Fixtures;
using Xunit;

namespace Streaming.IntegrationTests.Files;

/// <summary>tus 1.0.0, request by request.</summary>
public sealed class UploadTests(ServiceFixture service) : IClassFixture<ServiceFixture>
{
    const int MiB = 1024 * 1024;

    HttpClient Client => service.Host.Client;

    [Fact]
    public async Task Options_tell_what_there_is()
    {
        using var response = await Client.SendAsync(new HttpRequestMessage(HttpMethod.Options, "/api/files"));
        Assert.Equal(HttpStatusCode.NoContent, response.StatusCode);
        Assert.Equal(("1.0.0", "1.0.0", "2147483648"), (response.Header("Tus-Version"), response.Header("Tus-Resumable"), response.Header("Tus-Max-Size")));
        Assert.Equal("creation,creation-with-upload,expiration,termination,checksum", response.Header("Tus-Extension"));
        Assert.Equal("sha1,sha256,md5", response.Header("Tus-Checksum-Algorithm"));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(100_000)]
    [InlineData(3 * MiB + 1)]
    public async Task File_arrives_in_pieces_and_is_the_same(int size)
    {
        var bytes = TusRequests.Bytes(size);
        using var made = await Client.CreateFileAsync(size, "book.bin");
        Assert.Equal((HttpStatusCode.Created, ""), (made.StatusCode, made.Header("Upload-Offset")));
        Assert.NotEqual("", made.Header("Upload-Expires"));
        var path = made.Headers.Location!.ToString();

        var position = 0;
        foreach (var piece in bytes.Chunk(Math.Max(1, size / 3)))
        {
            Assert.Equal(position, await Client.OffsetAsync(path));
            using var patched = await Client.PatchFileAsync(path, position, piece);
            position += piece.Length;
            Assert.Equal((HttpStatusCode.NoContent, $"{position}", "1.0.0"), (patched.StatusCode, patched.Header("Upload-Offset"), patched.Header("Tus-Resumable")));
        }

        Assert.Equal(bytes, await Client.GetByteArrayAsync($"{path}/content"));
        var state = await Client.StateAsync(path);
        Assert.Equal(("completed", "upload", size, size), (state.Status(), state.GetProperty("operation").GetString(), state.GetProperty("size").GetInt32(), state.GetProperty("file").GetProperty("bytes").GetInt32()));
    }

    [Fact]
    public async Task Empty_file_is_complete_when_it_is_made()
    {
        using var made = await Client.CreateFileAsync(0);
        Assert.Equal(("", ""), (made.Header("Upload-Offset"), made.Header("Upload-Expires")));
        Assert.Empty(await Client.GetByteArrayAsync($"{made.Headers.Location}/content"));
    }

    [Fact]
    public async Task First_bytes_may_come_with_the_announcement()
    {
        var bytes = TusRequests.Bytes(1000);
        using var made = await Client.CreateFileAsync(1000, "a", bytes[..400]);
        Assert.Equal((HttpStatusCode.Created, "400"), (made.StatusCode, made.Header("Upload-Offset")));
        using var patched = await Client.PatchFileAsync(made.Headers.Location!.ToString(), 400, bytes[400..]);
        Assert.Equal(bytes, await Client.GetByteArrayAsync($"{made.Headers.Location}/content"));
    }

    [Fact]
    public async Task Head_tells_length_offset_and_metadata_as_given()
    {
        using var made = await Client.CreateFileAsync(10, "naïve.txt");
        using var head = await Client.SendAsync(TusRequests.Request(HttpMethod.Head, made.Headers.Location!.ToString(), null, []));
        Assert.Equal(("0", "10", $"filename {Convert.ToBase64String(Encoding.UTF8.GetBytes("naïve.txt"))}", "no-store"),
            (head.Header("Upload-Offset"), head.Header("Upload-Length"), head.Header("Upload-Metadata"), head.Header("Cache-Control")));
    }

    [Theory]
    [InlineData("Tus-Resumable", "", 412, "unsupported_tus_version")]
    [InlineData("Tus-Resumable", "0.2.2", 412, "unsupported_tus_version")]
    [InlineData("Upload-Defer-Length", "1", 400, "invalid_header")]
    [InlineData("Upload-Length", "", 400, "invalid_header")]
    [InlineData("Upload-Length", "-1", 400, "invalid_header")]
    [InlineData("Upload-Length", "1e3", 400, "invalid_header")]
    [InlineData("Upload-Length", "99999999999999999999", 400, "invalid_header")]
    [InlineData("Upload-Length", "2147483649", 413, "file_too_large")]
    [InlineData("Upload-Metadata", "filename !!!", 400, "invalid_header")]
    [InlineData("Upload-Concat", "partial", 400, "invalid_header")]
    public async Task Announcement_that_is_not_valid_is_refused(string header, string value, int status, string code)
    {
        using var request = TusRequests.Request(HttpMethod.Post, "/api/files", null, [("Upload-Length", "5"), (header, value)]);
        using var response = await Client.SendAsync(request);
        await AssertProblemAsync(response, status, code);
        if (status == 412)
            Assert.Equal("1.0.0", response.Header("Tus-Version"));
    }

    [Fact]
    public async Task Bytes_that_do_not_fit_are_refused_and_change_nothing()
    {
        var bytes = TusRequests.Bytes(1000);
        using var made = await Client.CreateFileAsync(1000, "a", bytes[..500]);
        var path = made.Headers.Location!.ToString();
        foreach (var (offset, length, status, code) in ((long, int, int, string)[])[(0, 10, 409, "offset_mismatch"), (501, 10, 409, "offset_mismatch"), (500, 501, 413, "file_too_large")])
        {
            using var refused = await Client.PatchFileAsync(path, offset, new byte[length]);
            await AssertProblemAsync(refused, status, code);
        }

        // Chunked: nobody knows how long it gets.
        using var content = new StreamContent(new MemoryStream(TusRequests.Bytes(700_000)));
        using var request = TusRequests.Request(HttpMethod.Patch, path, content, [("Upload-Offset", "500")]);
        request.Headers.TransferEncodingChunked = true;
        using var lying = await Client.SendAsync(request);
        await AssertProblemAsync(lying, 413, "file_too_large");
        using var typed = await Client.PatchFileAsync(path, 500, new StringContent("{}"));
        await AssertProblemAsync(typed, 415, "unsupported_media_type");
        using var nowhere = await Client.PatchFileAsync(path, -1, new byte[1]);
        await AssertProblemAsync(nowhere, 400, "invalid_header");

        Assert.Equal(500, await Client.OffsetAsync(path));
        using var rest = await Client.PatchFileAsync(path, 500, bytes[500..]);
        Assert.Equal(bytes, await Client.GetByteArrayAsync($"{path}/content"));
        using var more = await Client.PatchFileAsync(path, 1000, new byte[1]);
        await AssertProblemAsync(more, 413, "file_too_large");
    }

    [Fact]
    public async Task Checksum_keeps_wrong_bytes_out()
    {
        var bytes = TusRequests.Bytes(2 * MiB);
        using var made = await Client.CreateFileAsync(bytes.Length);
        var path = made.Headers.Location!.ToString();
        var half = bytes[..MiB];
        using var wrong = await Client.PatchFileAsync(path, 0, half, ("Upload-Checksum", $"sha1 {Convert.ToBase64String(Sha1([1]))}"));
        await AssertProblemAsync(wrong, 460, "checksum_mismatch");
        Assert.Equal(0, await Client.OffsetAsync(path));
        foreach (var bad in (string[])["sha1", "sha1 x", "crc99 AAAA", $"sha256 {Convert.ToBase64String(Sha1(half))}"])
        {
            using var malformed = await Client.PatchFileAsync(path, 0, half, ("Upload-Checksum", bad));
            await AssertProblemAsync(malformed, 400, "invalid_header");
        }

        using var first = await Client.PatchFileAsync(path, 0, half, ("Upload-Checksum", $"sha1 {Convert.ToBase64String(Sha1(half))}"));
        Assert.Equal(HttpStatusCode.NoContent, first.StatusCode);
        using var second = await Client.PatchFileAsync(path, MiB, bytes[MiB..], ("Upload-Checksum", $"sha256 {Convert.ToBase64String(SHA256.HashData(bytes[MiB..]))}"));
        Assert.Equal(bytes, await Client.GetByteArrayAsync($"{path}/content"));

        // With the announcement: who is refused keeps nothing.
        var files = (await Client.StateAsync("/api/files?limit=100")).GetProperty("items").GetArrayLength();
        using var refused = await Client.CreateFileAsync(5, "a", new byte[5], ("Upload-Checksum", $"md5 {Convert.ToBase64String(CryptographicOperations.HashData(HashAlgorithmName.MD5, [1]))}"));
        await AssertProblemAsync(refused, 460, "checksum_mismatch");
        Assert.Equal(files, (await Client.StateAsync("/api/files?limit=100")).GetProperty("items").GetArrayLength());
    }

    [Fact]
    public async Task Body_that_breaks_off_leaves_what_came()
    {
        var bytes = TusRequests.Bytes(4 * MiB);
        using var made = await Client.CreateFileAsync(bytes.Length);
        var path = made.Headers.Location!.ToString();
        await BreakOffAsync(path, 0, bytes[..(3 * MiB)]);
        var offset = await Client.OffsetAsync(path);
        Assert.InRange(offset, 1, 3 * MiB);
        using var rest = await Client.PatchFileAsync(path, offset, bytes[(int)offset..]);
        Assert.Equal(HttpStatusCode.NoContent, rest.StatusCode);
        Assert.Equal(bytes, await Client.GetByteArrayAsync($"{path}/content"));
    }

    [Fact]
    public async Task Request_that_wants_to_go_on_stops_one_that_hangs()
    {
        var bytes = TusRequests.Bytes(2 * MiB);
        using var made = await Client.CreateFileAsync(bytes.Length);
        var path = made.Headers.Location!.ToString();
        var pipe = new Pipe();
        var hanging = Client.PatchFileAsync(path, 0, new StreamContent(pipe.Reader.AsStream()));
        await pipe.Writer.WriteAsync(bytes.AsMemory(0, MiB));
        // The client keeps some of it in a buffer.
        await Eventually.TrueAsync(() => Task.FromResult(Length(path) >= MiB / 2), "bytes are on disk");

        var offset = (int)await Client.OffsetAsync(path);
        Assert.InRange(offset, MiB / 2, MiB);
        using var rest = await Client.PatchFileAsync(path, offset, bytes[offset..]);
        Assert.Equal(HttpStatusCode.NoContent, rest.StatusCode);
        await pipe.Writer.CompleteAsync();
        try
        {
            using var superseded = await hanging;
            await AssertProblemAsync(superseded, 409, "conflict");
        }
        catch (HttpRequestException)
        {
            // The answer came before the body was sent, and the connection was closed with it.
        }

        Assert.Equal(bytes, await Client.GetByteArrayAsync($"{path}/content"));
    }

    [Fact]
    public async Task What_is_counted_is_on_disk_and_what_is_not_is_cut_off()
    {
        var bytes = TusRequests.Bytes(1000);
        using var made = await Client.CreateFileAsync(1000, "a", bytes[..400]);
        var path = made.Headers.Location!.ToString();
        // As after a crash: bytes beyond the checkpoint, which nobody counted.
        await File.AppendAllTextAsync(PathOnDisk(path), "torn");
        Assert.Equal(400, await Client.OffsetAsync(path));
        using var rest = await Client.PatchFileAsync(path, 400, bytes[400..]);
        Assert.Equal(bytes, await Client.GetByteArrayAsync($"{path}/content"));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Upload_whose_bytes_were_lost_or_changed_begins_anew_and_says_so(bool isLost)
    {
        var bytes = TusRequests.Bytes(1000);
        using var made = await Client.CreateFileAsync(1000, "a", bytes[..400]);
        var path = made.Headers.Location!.ToString();
        if (isLost)
            File.Delete(PathOnDisk(path));
        else
            await File.WriteAllBytesAsync(PathOnDisk(path), [.. bytes[..399], (byte)~bytes[399]]);
        using var refused = await Client.PatchFileAsync(path, 400, bytes[400..]);
        await AssertProblemAsync(refused, 409, "offset_mismatch");
        Assert.Equal(0, await Client.OffsetAsync(path));
        using var again = await Client.PatchFileAsync(path, 0, bytes);
        Assert.Equal(bytes, await Client.GetByteArrayAsync($"{path}/content"));
        var events = await Client.ReadStreamAsync($"/api/stream/file/{Id(path)}");
        Assert.Contains(events, e => e.Type == "info" && e.Data.GetProperty("code").GetString() == "reread");
        var told = events.Where(e => e.Type == "progress").Select(e => e.Data.GetProperty("progress").GetDouble()).ToList();
        Assert.Equal(told.Order(), told);
        Assert.Contains(events, e => e.Type == "progress" && e.Data.GetProperty("stageProgress").GetDouble() < e.Data.GetProperty("progress").GetDouble());
    }

    [Fact]
    public async Task Progress_of_an_upload_is_on_the_stream_of_the_file()
    {
        var bytes = TusRequests.Bytes(8 * MiB);
        using var made = await Client.CreateFileAsync(bytes.Length, "book.txt");
        var path = made.Headers.Location!.ToString();
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        var streaming = Client.ReadStreamAsync($"/api/stream/file/{Id(path)}", cancellation: deadline.Token);
        for (var position = 0; position < bytes.Length; position += 2 * MiB)
        {
            using var patched = await Client.PatchFileAsync(path, position, bytes[position..(position + 2 * MiB)]);
            var state = await Client.StateAsync(path);
            if (position == 2 * MiB)
                Assert.Equal(("streaming", 50), (state.Status(), state.GetProperty("streamingData").GetProperty("progress").GetDouble()));
        }

        var events = await streaming;
        Assert.Equal("start", events[0].Type);
        Assert.Equal(["progress", "artifact", "result", "end"], events.TakeLast(4).Select(e => e.Type));
        Assert.Equal(Enumerable.Range(0, events.Count), events.Select(e => e.Index!.Value));
        var progress = events.Where(e => e.Type == "progress").Select(e => e.Data.GetProperty("progress").GetDouble()).ToList();
        Assert.Equal(progress.Order(), progress);
        Assert.Equal(100, progress[^1]);
        Assert.InRange(progress.Count, 4, 101);
        Assert.Equal("book.txt", events[^2].Data.GetProperty("file").GetProperty("name").GetString());
        using var again = await Client.OpenStreamAsync($"/api/stream/file/{Id(path)}", events[^1].Id);
        Assert.Equal(HttpStatusCode.NoContent, again.StatusCode);
    }

    [Theory]
    [InlineData("../../../etc/passwd", "passwd")]
    [InlineData("..", "file")]
    [InlineData("a\0b\r\n.txt", "ab.txt")]
    [InlineData("C:\\Windows\\win.ini", "win.ini")]
    [InlineData("", "file")]
    [InlineData("Ünïcödé 書.md", "Ünïcödé 書.md")]
    public async Task Name_is_no_path_whatever_it_says(string name, string expected)
    {
        var path = await Client.UploadAsync("text"u8.ToArray(), name);
        Assert.Equal(expected, (await Client.StateAsync(path)).GetProperty("name").GetString());
        using var content = await Client.GetAsync($"{path}/content");
        Assert.Equal(expected, content.Content.Headers.ContentDisposition!.FileNameStar ?? content.Content.Headers.ContentDisposition.FileName!.Trim('"'));
        Assert.All(Directory.EnumerateFiles(service.Host.Files, "*", SearchOption.AllDirectories), file => Assert.True(Guid.TryParseExact(Path.GetFileName(file), "N", out _), file));
    }

    [Fact]
    public async Task Long_name_is_cut()
    {
        var path = await Client.UploadAsync([1], new string('x', 1000));
        Assert.Equal(200, (await Client.StateAsync(path)).GetProperty("name").GetString()!.Length);
    }

    [Theory]
    [InlineData("89504E470D0A1A0A0000", "a.html", "image/png")]
    [InlineData("FFD8FFE000104A46", "a", "image/jpeg")]
    [InlineData("255044462D312E37", "a.txt", "application/pdf")]
    [InlineData("504B0304", "bomb.zip", "application/zip")]
    [InlineData("3C7363726970743E", "a.html", "text/plain")]
    [InlineData("23204869", "a.md", "text/markdown")]
    [InlineData("FFFE48006900", "a.txt", "text/plain")]
    [InlineData("EFBBBF48C3A9", "a.txt", "text/plain")]
    [InlineData("0001020304", "a.txt", "application/octet-stream")]
    [InlineData("48C3", "a.txt", "text/plain")]
    [InlineData("C328C32848484848", "a.txt", "application/octet-stream")]
    public async Task Type_is_that_of_the_bytes(string hex, string name, string expected)
    {
        var path = await Client.UploadAsync(Convert.FromHexString(hex), name);
        using var content = await Client.GetAsync($"{path}/content");
        Assert.Equal(expected, content.Content.Headers.ContentType!.ToString());
        // Nothing that was uploaded runs in a browser, whatever it is.
        Assert.Equal(("nosniff", "default-src 'none'; sandbox", "attachment"),
            (content.Header("X-Content-Type-Options"), content.Header("Content-Security-Policy"), content.Content.Headers.ContentDisposition!.DispositionType));
    }

    [Fact]
    public async Task Delete_removes_the_row_the_stream_and_the_bytes_of_an_upload_under_way_too()
    {
        using var made = await Client.CreateFileAsync(1000, "a", new byte[400]);
        var path = made.Headers.Location!.ToString();
        Assert.True(File.Exists(PathOnDisk(path)));
        using var deleted = await Client.SendAsync(TusRequests.Request(HttpMethod.Delete, path, null, []));
        Assert.Equal((HttpStatusCode.NoContent, "1.0.0"), (deleted.StatusCode, deleted.Header("Tus-Resumable")));
        Assert.False(File.Exists(PathOnDisk(path)));
        using var patched = await Client.PatchFileAsync(path, 400, new byte[1]);
        await AssertProblemAsync(patched, 404, "not_found");
        using var again = await Client.DeleteAsync(path);
        await AssertProblemAsync(again, 404, "not_found");
        Assert.Equal(HttpStatusCode.NotFound, (await Client.GetAsync($"/api/stream/file/{Id(path)}")).StatusCode);
    }

    [Fact]
    public async Task Method_may_be_given_in_a_header()
    {
        using var made = await Client.CreateFileAsync(3);
        var path = made.Headers.Location!.ToString();
        using var patch = await Client.SendAsync(TusRequests.Request(HttpMethod.Post, path, new ByteArrayContent([1, 2, 3]), [("Upload-Offset", "0"), ("X-HTTP-Method-Override", "PATCH")]));
        Assert.Equal((HttpStatusCode.NoContent, "3"), (patch.StatusCode, patch.Header("Upload-Offset")));
        using var delete = await Client.SendAsync(TusRequests.Request(HttpMethod.Post, path, null, [("X-HTTP-Method-Override", "DELETE")]));
        Assert.Equal(HttpStatusCode.NoContent, delete.StatusCode);
        using var none = await Client.PostAsync(path, null);
        await AssertProblemAsync(none, 405, "method_not_allowed");
    }

    [Fact]
    public async Task Upload_that_stands_still_is_removed_and_bytes_that_no_row_knows_too()
    {
        await using var host = await ServiceHost.StartAsync(service.Postgres, [
            new("Files:UploadExpiry", "00:00:02"), new("Files:CleanupInterval", "00:00:00.1"), new("Files:OrphanAge", "00:00:01")]);
        using var made = await host.Client.CreateFileAsync(1000, "a", new byte[400]);
        var stored = await host.Client.UploadAsync([1, 2, 3]);
        var orphan = Path.Combine(host.Files, "ab", Guid.NewGuid().ToString("N")[..30] + "ab");
        Directory.CreateDirectory(Path.GetDirectoryName(orphan)!);
        await File.WriteAllTextAsync(orphan, "nobody's");
        var foreign = Path.Combine(host.Files, "ab", "notes.txt");
        await File.WriteAllTextAsync(foreign, "not ours");
        await Eventually.TrueAsync(() => Task.FromResult(!File.Exists(orphan)), "the orphan is removed");
        await Eventually.TrueAsync(async () => (await host.Client.GetAsync(made.Headers.Location)).StatusCode == HttpStatusCode.NotFound, "the upload is removed");
        Assert.Equal([1, 2, 3], await host.Client.GetByteArrayAsync($"{stored}/content"));
        Assert.Equal(2, Directory.EnumerateFiles(host.Files, "*", SearchOption.AllDirectories).Count());
    }

    [Fact]
    public async Task Users_uploads_files_and_bytes_are_bounded()
    {
        var jwt = new JwtSettings();
        await using var host = await ServiceHost.StartAsync(service.Postgres, [.. jwt.Settings,
            new("Files:UploadsInProgressMax", "2"), new("Files:FilesPerUserMax", "4"), new("Files:BytesPerUserMax", "1000")]);
        using var ada = jwt.ClientOf(host.Address, "ada");
        using var eve = jwt.ClientOf(host.Address, "eve");
        var first = (await ada.CreateFileAsync(10)).Headers.Location!.ToString();
        using var second = await ada.CreateFileAsync(10);
        using var third = await ada.CreateFileAsync(10);
        await AssertProblemAsync(third, 429, "too_many_uploads");
        using (await ada.PatchFileAsync(first, 0, new byte[10]))
            await ada.UploadAsync(new byte[10]);
        using var large = await ada.CreateFileAsync(971);
        await AssertProblemAsync(large, 507, "storage_full");
        await ada.UploadAsync(new byte[970]);
        using var fifth = await ada.CreateFileAsync(0);
        await AssertProblemAsync(fifth, 507, "storage_full");
        await eve.UploadAsync(new byte[10]);
        (await ada.DeleteAsync(first)).EnsureSuccessStatusCode();
        await ada.UploadAsync(new byte[10]);
        // They take no place of generations.
        await using var connection = new NpgsqlConnection(host.ConnectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand("select sessions_in_progress('ada')", connection);
        Assert.Equal(0L, await command.ExecuteScalarAsync());
    }

    [Fact]
    public async Task Ten_thousand_tiny_uploads_are_cut_off_at_the_limit_of_files()
    {
        await using var host = await ServiceHost.StartAsync(service.Postgres, [new("Files:FilesPerUserMax", "50")]);
        var answers = new System.Collections.Concurrent.ConcurrentBag<HttpStatusCode>();
        await Parallel.ForAsync(0, 10_000, new ParallelOptions { MaxDegreeOfParallelism = 16 }, async (_, _) =>
        {
            using var response = await host.Client.CreateFileAsync(1, "a", [1]);
            answers.Add(response.StatusCode);
        });
        var counts = answers.CountBy(status => status).ToDictionary();
        Assert.Equal(50, counts[HttpStatusCode.Created]);
        Assert.Equal(10_000, counts.Values.Sum());
        Assert.All(counts.Keys, status => Assert.Contains(status, (HttpStatusCode[])[HttpStatusCode.Created, HttpStatusCode.InsufficientStorage, HttpStatusCode.TooManyRequests]));
        Assert.Equal(50, Directory.EnumerateFiles(host.Files, "*", SearchOption.AllDirectories).Count());
    }

    static byte[] Sha1(byte[] bytes) => CryptographicOperations.HashData(HashAlgorithmName.SHA1, bytes);

    static async Task AssertProblemAsync(HttpResponseMessage response, int status, string code)
    {
        var body = await response.Content.ReadAsStringAsync();
        Assert.True((int)response.StatusCode == status, $"{(int)response.StatusCode}: {body}");
        Assert.Equal(code, JsonSerializer.Deserialize<JsonElement>(body).GetProperty("code").GetString());
    }

    /// <summary>Sends bytes of a body that is announced longer, and cuts the connection when they are on disk, or some of them.</summary>
    async Task BreakOffAsync(string path, long offset, byte[] bytes)
    {
        using var tcp = new System.Net.Sockets.TcpClient();
        await tcp.ConnectAsync(service.Host.Address.Host, service.Host.Address.Port);
        await using var stream = tcp.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes(
            $"PATCH {path} HTTP/1.1\r\nHost: {service.Host.Address.Authority}\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: {offset}\r\nContent-Type: application/offset+octet-stream\r\nContent-Length: {bytes.Length + MiB}\r\n\r\n"));
        await stream.WriteAsync(bytes);
        await Eventually.TrueAsync(() => Task.FromResult(Length(path) > 0), "bytes have come");
        tcp.Client.LingerState = new System.Net.Sockets.LingerOption(true, 0);
    }

    static string Id(string path) => path.Split('/')[^1];

    string PathOnDisk(string path) => Path.Combine(service.Host.Files, Guid.Parse(Id(path)).ToString("N")[^2..], Guid.Parse(Id(path)).ToString("N"));

    long Length(string path) => new FileInfo(PathOnDisk(path)) is { Exists: true, Length: var length } ? length : 0;
}
