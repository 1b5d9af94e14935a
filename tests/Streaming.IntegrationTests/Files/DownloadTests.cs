using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using Streaming.IntegrationTests.Fixtures;
using Xunit;

namespace Streaming.IntegrationTests.Files;

/// <summary>Stored files, whole, in parts, and taken up again.</summary>
public sealed class DownloadTests(DownloadTests.Stored stored) : IClassFixture<DownloadTests.Stored>
{
    const int Size = 4 * 1024 * 1024 + 11;

    // More than the buffers of two sockets hold: else all of it is on its way before anything can happen in the middle.
    const int LargeSize = 48 * 1024 * 1024;

    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    HttpClient Client => stored.Host.Client;

    /// <summary>One service with a file in it.</summary>
    public sealed class Stored(PostgresServer postgres) : IAsyncLifetime
    {
        public ServiceHost Host { get; private set; } = null!;

        public PostgresServer Postgres => postgres;

        public byte[] Bytes { get; } = TusRequests.Bytes(Size);

        public string Path { get; private set; } = "";

        public string ETag { get; private set; } = "";

        public async ValueTask InitializeAsync()
        {
            Host = await ServiceHost.StartAsync(postgres);
            Path = await Host.Client.UploadAsync(Bytes);
            using var head = await Host.Client.SendAsync(new HttpRequestMessage(HttpMethod.Head, $"{Path}/content"));
            ETag = head.Headers.ETag!.ToString();
        }

        public ValueTask DisposeAsync() => Host.DisposeAsync();
    }

    [Fact]
    public async Task Head_tells_what_a_get_would()
    {
        using var head = await Client.SendAsync(new HttpRequestMessage(HttpMethod.Head, $"{stored.Path}/content"));
        using var get = await Client.GetAsync($"{stored.Path}/content");
        Assert.Equal((HttpStatusCode.OK, $"{Size}", "bytes"), (head.StatusCode, head.Header("Content-Length"), head.Header("Accept-Ranges")));
        Assert.False(head.Headers.ETag!.IsWeak);
        foreach (var name in (string[])["Content-Length", "Content-Type", "ETag", "Last-Modified", "Content-Disposition", "Accept-Ranges", "Cache-Control"])
            Assert.Equal(get.Header(name), head.Header(name));
        Assert.Equal(stored.Bytes, await get.Content.ReadAsByteArrayAsync());
    }

    [Theory]
    [InlineData("bytes=0-0", 0, 1)]
    [InlineData("bytes=100-199", 100, 200)]
    [InlineData("bytes=4000000-", 4_000_000, Size)]
    [InlineData("bytes=4000000-99999999999", 4_000_000, Size)]
    [InlineData("bytes=-7", Size - 7, Size)]
    [InlineData("bytes=-99999999", 0, Size)]
    public async Task Range_is_answered_with_its_bytes(string range, int from, int to)
    {
        using var response = await GetAsync(("Range", range));
        Assert.Equal((HttpStatusCode.PartialContent, $"bytes {from}-{to - 1}/{Size}"), (response.StatusCode, response.Header("Content-Range")));
        Assert.Equal(stored.Bytes[from..to], await response.Content.ReadAsByteArrayAsync());
    }

    [Theory]
    [InlineData("bytes=0-1,4-5")]
    [InlineData("lines=1-2")]
    [InlineData("bytes=5-1")]
    [InlineData("bytes=x")]
    public async Task Range_that_is_several_or_none_is_answered_with_all(string range)
    {
        using var response = await GetAsync(("Range", range));
        Assert.Equal((HttpStatusCode.OK, $"{Size}"), (response.StatusCode, response.Header("Content-Length")));
    }

    [Theory]
    [InlineData("bytes=99999999-")]
    [InlineData("bytes=-0")]
    public async Task Range_beyond_the_end_is_refused(string range)
    {
        using var response = await GetAsync(("Range", range));
        Assert.Equal((HttpStatusCode.RequestedRangeNotSatisfiable, $"bytes */{Size}"), (response.StatusCode, response.Header("Content-Range")));
        Assert.Contains("range_not_satisfiable", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Conditions_hold_by_the_strong_tag()
    {
        foreach (var (name, value, withRange, expected) in ((string, string, bool, HttpStatusCode)[])
            [("If-None-Match", stored.ETag, false, HttpStatusCode.NotModified), ("If-None-Match", "\"other\"", false, HttpStatusCode.OK),
             ("If-Match", "\"other\"", false, HttpStatusCode.PreconditionFailed), ("If-Match", stored.ETag, false, HttpStatusCode.OK),
             ("If-Match", $"W/{stored.ETag}", false, HttpStatusCode.PreconditionFailed),
             ("If-Range", stored.ETag, true, HttpStatusCode.PartialContent), ("If-Range", "\"other\"", true, HttpStatusCode.OK),
             ("If-Range", $"W/{stored.ETag}", true, HttpStatusCode.OK), ("If-Range", "Sat, 21 Nov 2026 10:00:00 GMT", true, HttpStatusCode.OK)])
        {
            using var response = withRange ? await GetAsync((name, value), ("Range", "bytes=1-2")) : await GetAsync((name, value));
            Assert.True(expected == response.StatusCode, $"{name}: {value} answered {(int)response.StatusCode}");
        }
    }

    [Fact]
    public async Task Upload_that_is_not_complete_cannot_be_read()
    {
        using var made = await Client.CreateFileAsync(10);
        using var content = await Client.GetAsync($"{made.Headers.Location}/content");
        Assert.Equal(HttpStatusCode.Conflict, content.StatusCode);
        using var download = await Client.PostAsync($"{made.Headers.Location}/downloads", null);
        Assert.Equal(HttpStatusCode.Conflict, download.StatusCode);
    }

    [Fact]
    public async Task Download_with_progress_tells_it_on_the_stream_of_the_file()
    {
        var path = await Client.UploadAsync(stored.Bytes);
        var download = await Client.PostJsonAsync($"{path}/downloads", null, HttpStatusCode.Created);
        Assert.Equal(("streaming", "download"), ((await Client.StateAsync(path)).Status(), (await Client.StateAsync(path)).GetProperty("operation").GetString()));
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        var streaming = Client.ReadStreamAsync(download.GetProperty("streamUrl").GetString()!, cancellation: deadline.Token);
        Assert.Equal(stored.Bytes, await Client.GetByteArrayAsync(download.GetProperty("contentUrl").GetString()));
        var events = await streaming;
        Assert.Equal("start", events[0].Type);
        Assert.Equal(["progress", "result", "end"], events.TakeLast(3).Select(e => e.Type));
        Assert.Equal(100, events[^3].Data.GetProperty("progress").GetDouble());
        Assert.StartsWith("2-", events[^1].Id, StringComparison.Ordinal);
        var state = await Client.StateAsync(path);
        Assert.Equal(("completed", Size), (state.Status(), state.GetProperty("file").GetProperty("bytes").GetInt32()));
        // What was sent last may not have arrived.
        Assert.Equal(stored.Bytes, await Client.GetByteArrayAsync(download.GetProperty("contentUrl").GetString()));
        Assert.Equal(events[^1].Id, (await Client.StateAsync(path)).GetProperty("lastEventId").GetString());
    }

    [Fact]
    public async Task Download_that_broke_off_goes_on_where_the_client_is()
    {
        var bytes = TusRequests.Bytes(LargeSize);
        var path = await Client.UploadAsync(bytes);
        string tag;
        using (var head = await Client.SendAsync(new HttpRequestMessage(HttpMethod.Head, $"{path}/content"), Cancellation))
            tag = head.Headers.ETag!.ToString();
        var url = (await Client.PostJsonAsync($"{path}/downloads", null, HttpStatusCode.Created)).GetProperty("contentUrl").GetString()!;
        var held = new List<byte>();
        for (var cut = 0; held.Count < LargeSize; cut++)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, url) { Headers = { { "If-Range", tag } } };
            if (held.Count > 0)
                request.Headers.Range = new RangeHeaderValue(held.Count, null);
            using var response = await Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Cancellation);
            Assert.Equal(held.Count > 0 ? HttpStatusCode.PartialContent : HttpStatusCode.OK, response.StatusCode);
            await using var body = await response.Content.ReadAsStreamAsync(Cancellation);
            var buffer = new byte[5_000_000 + 1000 * cut];
            var read = await body.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, Cancellation);
            held.AddRange(buffer.AsSpan(0, read));
        }

        Assert.True(bytes.AsSpan().SequenceEqual(held.ToArray()));
        var events = await Client.ReadStreamAsync($"/api/stream/file/{path.Split('/')[^1]}", cancellation: Cancellation);
        Assert.InRange(events.Count(e => e.Type == "info" && e.Data.GetProperty("code").GetString() == "continued"), 5, 10);
        Assert.DoesNotContain(events, e => e.Type == "info" && e.Data.GetProperty("code").GetString() == "reread");
        Assert.Equal("completed", events[^1].Data.GetProperty("status").GetString());
    }

    [Fact]
    public async Task Download_goes_on_after_each_of_two_hundred_cuts()
    {
        const int Cuts = 200;
        const int PieceBytes = 150_000;
        var bytes = TusRequests.Bytes(LargeSize);
        var path = await Client.UploadAsync(bytes);
        var url = (await Client.PostJsonAsync($"{path}/downloads", null, HttpStatusCode.Created)).GetProperty("contentUrl").GetString()!;
        var held = new MemoryStream(LargeSize);
        var piece = new byte[PieceBytes];
        for (var cut = 0; cut <= Cuts; cut++)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, url);
            if (cut > 0)
                request.Headers.Range = new RangeHeaderValue(held.Length, null);
            using var response = await Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Cancellation);
            Assert.Equal(cut > 0 ? HttpStatusCode.PartialContent : HttpStatusCode.OK, response.StatusCode);
            await using var body = await response.Content.ReadAsStreamAsync(Cancellation);
            if (cut == Cuts)
            {
                await body.CopyToAsync(held, Cancellation);
                break;
            }

            await body.ReadExactlyAsync(piece, Cancellation);
            held.Write(piece);
        }

        Assert.True(bytes.AsSpan().SequenceEqual(held.ToArray()));
        var events = await Client.ReadStreamAsync($"/api/stream/file/{path.Split('/')[^1]}", cancellation: Cancellation);
        Assert.Equal(Cuts, events.Count(e => e.Type == "info" && e.Data.GetProperty("code").GetString() == "continued"));
        Assert.Equal("end", events[^1].Type);
    }

    [Theory]
    [InlineData("timestamp", HttpStatusCode.OK)]
    [InlineData("checksum", HttpStatusCode.OK)]
    public async Task Download_of_a_file_that_is_not_what_it_was_begins_anew_and_says_why(string reason, HttpStatusCode expected)
    {
        var bytes = TusRequests.Bytes(LargeSize);
        var path = await Client.UploadAsync(bytes);
        var url = (await Client.PostJsonAsync($"{path}/downloads", null, HttpStatusCode.Created)).GetProperty("contentUrl").GetString()!;
        using (var response = await Client.GetAsync(url, HttpCompletionOption.ResponseHeadersRead, Cancellation))
            await (await response.Content.ReadAsStreamAsync(Cancellation)).ReadExactlyAsync(new byte[1_000_000], Cancellation);
        await Eventually.TrueAsync(async () => await PositionAsync(path) > 0, "there is a checkpoint");

        if (reason == "timestamp")
            File.SetLastWriteTimeUtc(PathOnDisk(path), DateTime.UnixEpoch);
        else
            // The bytes are as they were; what was summed up was not.
            await ExecuteAsync($"update file_checkpoints set crc32c = 1 where file_id = '{path.Split('/')[^1]}' and position > 0 and position < {LargeSize}");
        using var request = new HttpRequestMessage(HttpMethod.Get, url) { Headers = { Range = new RangeHeaderValue(1_000_000, null) } };
        using var again = await Client.SendAsync(request, Cancellation);
        Assert.Equal(expected, again.StatusCode);
        Assert.Equal(bytes, await again.Content.ReadAsByteArrayAsync(Cancellation));
        var events = await Client.ReadStreamAsync($"/api/stream/file/{path.Split('/')[^1]}", cancellation: Cancellation);
        Assert.Contains(events, e => e.Type == "info" && e.Data.GetProperty("message").GetString()!.Contains(reason, StringComparison.Ordinal));
        var told = events.Where(e => e.Type == "progress").Select(e => e.Data.GetProperty("progress").GetDouble()).ToList();
        Assert.Equal(told.Order(), told);
    }

    [Fact]
    public async Task File_that_was_changed_or_lost_is_refused_and_never_given_out()
    {
        var path = await Client.UploadAsync(stored.Bytes);
        var changed = (byte[])stored.Bytes.Clone();
        changed[^1] ^= 1;
        foreach (var content in (byte[]?[])[changed, stored.Bytes[..100], null])
        {
            if (content is null)
                File.Delete(PathOnDisk(path));
            else
                await File.WriteAllBytesAsync(PathOnDisk(path), content, Cancellation);
            using var response = await Client.GetAsync($"{path}/content", Cancellation);
            Assert.Equal(HttpStatusCode.InternalServerError, response.StatusCode);
            Assert.Equal("file_damaged", JsonSerializer.Deserialize<JsonElement>(await response.Content.ReadAsStringAsync(Cancellation)).GetProperty("code").GetString());
        }

        // A backup that was restored has other times, and the same bytes.
        await File.WriteAllBytesAsync(PathOnDisk(path), stored.Bytes, Cancellation);
        Assert.Equal(stored.Bytes, await Client.GetByteArrayAsync($"{path}/content", Cancellation));
    }

    [Fact]
    public async Task File_that_is_changed_in_the_middle_of_a_download_cuts_it()
    {
        var bytes = TusRequests.Bytes(LargeSize);
        var path = await Client.UploadAsync(bytes);
        var url = (await Client.PostJsonAsync($"{path}/downloads", null, HttpStatusCode.Created)).GetProperty("contentUrl").GetString()!;
        using var response = await Client.GetAsync(url, HttpCompletionOption.ResponseHeadersRead, Cancellation);
        await using var body = await response.Content.ReadAsStreamAsync(Cancellation);
        var buffer = new byte[1_000_000];
        await body.ReadExactlyAsync(buffer, Cancellation);
        // The client reads no further: the service waits somewhere in the file.
        await using (var file = new FileStream(PathOnDisk(path), FileMode.Open, FileAccess.Write, FileShare.ReadWrite))
            await file.WriteAsync(new byte[16], Cancellation);
        var read = 1_000_000L;
        await Assert.ThrowsAnyAsync<IOException>(async () =>
        {
            while (true)
            {
                var count = await body.ReadAsync(buffer, Cancellation);
                Assert.NotEqual(0, count);
                Assert.True(bytes.AsSpan((int)read, count).SequenceEqual(buffer.AsSpan(0, count)));
                read += count;
            }
        });
        var state = await Client.EndedAsync(path);
        Assert.Equal(("failed", "file_changed"), (state.Status(), state.GetProperty("error").GetProperty("code").GetString()));
    }

    [Fact]
    public async Task Next_download_ends_the_one_before()
    {
        var path = await Client.UploadAsync([1, 2, 3]);
        var first = await Client.PostJsonAsync($"{path}/downloads", null, HttpStatusCode.Created);
        var second = await Client.PostJsonAsync($"{path}/downloads", null, HttpStatusCode.Created);
        Assert.Equal([1, 2, 3], await Client.GetByteArrayAsync(first.GetProperty("contentUrl").GetString(), Cancellation));
        Assert.Equal(("streaming", "3-0"), ((await Client.StateAsync(path)).Status(), (await Client.StateAsync(path)).GetProperty("lastEventId").GetString()));
        Assert.Equal([1, 2, 3], await Client.GetByteArrayAsync(second.GetProperty("contentUrl").GetString(), Cancellation));
    }

    [Fact]
    public async Task Download_that_stands_still_is_ended()
    {
        await using var host = await ServiceHost.StartAsync(stored.Postgres, [new("Files:DownloadExpiry", "00:00:00"), new("Files:CleanupInterval", "00:00:01")]);
        var path = await host.Client.UploadAsync([1, 2, 3]);
        await host.Client.PostJsonAsync($"{path}/downloads", null, HttpStatusCode.Created);
        Assert.Equal("cancelled", (await host.Client.EndedAsync(path)).Status());
    }

    [Fact]
    public async Task Many_files_stream_at_once()
    {
        var answers = await Task.WhenAll(Enumerable.Range(0, 24).Select(_ => Client.GetByteArrayAsync($"{stored.Path}/content", Cancellation)));
        Assert.All(answers, answer => Assert.True(stored.Bytes.AsSpan().SequenceEqual(answer)));
    }

    async Task<HttpResponseMessage> GetAsync(params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, $"{stored.Path}/content");
        foreach (var (name, value) in headers)
            request.Headers.TryAddWithoutValidation(name, value);
        return await Client.SendAsync(request, Cancellation);
    }

    string PathOnDisk(string path)
    {
        var name = Guid.Parse(path.Split('/')[^1]).ToString("N");
        return Path.Combine(stored.Host.Files, name[^2..], name);
    }

    async Task<long> PositionAsync(string path)
    {
        await using var connection = new Npgsql.NpgsqlConnection(stored.Host.ConnectionString);
        await connection.OpenAsync(Cancellation);
        await using var command = new Npgsql.NpgsqlCommand(
            $"select position from file_checkpoints as c join transforms as t on t.id = c.transform_id where file_id = '{path.Split('/')[^1]}' and ordinal = 2", connection);
        return (long)(await command.ExecuteScalarAsync(Cancellation))!;
    }

    async Task ExecuteAsync(string sql)
    {
        await using var connection = new Npgsql.NpgsqlConnection(stored.Host.ConnectionString);
        await connection.OpenAsync(Cancellation);
        await using var command = new Npgsql.NpgsqlCommand(sql, connection);
        Assert.Equal(1, await command.ExecuteNonQueryAsync(Cancellation));
    }
}
