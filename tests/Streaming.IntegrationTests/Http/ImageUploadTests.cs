using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Dapper;
using Npgsql;
using Streaming.Http;
using Streaming.IntegrationTests.Fixtures;
using Streaming.Tests.Images;
using Xunit;

namespace Streaming.IntegrationTests.Http;

/// <summary>Images from the request to the file that they become, and those that mean harm.</summary>
public sealed class ImageUploadTests(ImageUploadTests.UploadFixture service) : IClassFixture<ImageUploadTests.UploadFixture>
{
    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    ServiceHost Host => service.Host;

    HttpClient Client => service.Host.Client;

    static void RequireVips() => Assert.SkipUnless(TestImages.CanMake, "needs vips (libvips-tools)");

    [Fact]
    public async Task Image_is_answered_with_its_state_made_smaller_and_can_be_downloaded()
    {
        RequireVips();
        var photo = await TestImages.PhotoAsync(1200, 800, ".jpg[Q=92]");
        using var response = await Client.SendUploadAsync(photo, "?priority=high&maxEdge=800&name=holiday.jpg", "image/jpeg");
        var made = await response.Content.ReadFromJsonAsync<JsonElement>(Cancellation);
        Assert.Equal((HttpStatusCode.Accepted, $"/api/uploads/{made.Id()}"), (response.StatusCode, response.Headers.Location?.ToString()));
        Assert.Equal(("upload", "high", "holiday.jpg"), (made.GetProperty("kind").GetString(), made.GetProperty("priority").GetString(), made.GetProperty("fileName").GetString()));
        Assert.False(made.TryGetProperty("provider", out _));
        Assert.Equal((photo.Length, 1200, 800), (made.GetProperty("received").GetProperty("bytes").GetInt32(),
            made.GetProperty("received").GetProperty("width").GetInt32(), made.GetProperty("received").GetProperty("height").GetInt32()));
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(photo)), made.GetProperty("received").GetProperty("sha256").GetString());

        var events = await Client.ReadStreamAsync(made.GetProperty("streamUrl").GetString()!);
        Assert.Equal("end", events[^1].Type);
        Assert.Contains(events, e => e.Type == "progress" && e.Data.GetProperty("progress").GetDouble() is > 0 and < 100);
        var state = await Client.StateAsync($"/api/uploads/{made.Id()}");
        var result = events.Single(e => e.Type == "result").Data;
        foreach (var field in (string[])["originalSize", "compressedSize", "compressionRatio", "strategy", "ssim", "width", "height", "contentType", "elapsedMs", "targetMs", "metTarget"])
            Assert.True(JsonElement.DeepEquals(state.GetProperty(field), result.GetProperty(field)), field);
        Assert.Equal(("completed", 800, 533, "image/webp", photo.Length, 5000), (state.Status(), state.GetProperty("width").GetInt32(), state.GetProperty("height").GetInt32(),
            state.GetProperty("contentType").GetString(), state.GetProperty("originalSize").GetInt32(), state.GetProperty("targetMs").GetInt32()));
        Assert.InRange(state.GetProperty("compressionRatio").GetDouble(), 0.001, 0.4);
        Assert.InRange(state.GetProperty("ssim").GetDouble(), 0.96, 1);
        Assert.InRange(state.GetProperty("elapsedMs").GetInt64(), 1, 600_000);
        Assert.Equal(state.GetProperty("elapsedMs").GetInt64() <= 5000, state.GetProperty("metTarget").GetBoolean());

        var file = await Client.GetByteArrayAsync(state.GetProperty("url").GetString(), Cancellation);
        Assert.Equal(state.GetProperty("compressedSize").GetInt32(), file.Length);
        Assert.Equal("800", await TestImages.FieldAsync(file, "width"));
        Assert.Equal("webpload", await TestImages.FieldAsync(file, "vips-loader"));
        Assert.False(await IsStoredAsync(made.Id()));
    }

    [Fact]
    public async Task Form_as_a_browser_sends_it_is_taken_with_its_fields()
    {
        RequireVips();
        var photo = await TestImages.PhotoAsync(400, 300, ".png");
        using var form = new MultipartFormDataContent();
        form.Add(new StringContent("urgent"), "priority");
        form.Add(new StringContent("jpeg"), "format");
        var part = new ByteArrayContent(photo);
        part.Headers.ContentType = new MediaTypeHeaderValue("image/png");
        form.Add(part, "picture", "Ferien am Meer.png");
        using var response = await Client.PostAsync(UploadRequests.Address, form, Cancellation);
        var made = await response.Content.ReadFromJsonAsync<JsonElement>(Cancellation);
        Assert.Equal(HttpStatusCode.Accepted, response.StatusCode);
        Assert.Equal(("urgent", "Ferien am Meer.png"), (made.GetProperty("priority").GetString(), made.GetProperty("fileName").GetString()));
        var state = await Client.EndedAsync($"/api/uploads/{made.Id()}");
        Assert.Equal(("completed", "image/jpeg"), (state.Status(), state.GetProperty("contentType").GetString()));
    }

    [Fact]
    public async Task Priority_may_come_in_a_header_and_the_default_is_normal()
    {
        var image = TestImages.Png(64, 64);
        using var request = new HttpRequestMessage(HttpMethod.Post, UploadRequests.Address) { Content = new ByteArrayContent(image) };
        request.Headers.Add("Upload-Priority", "low");
        using var response = await Client.SendAsync(request, Cancellation);
        Assert.Equal("low", (await response.Content.ReadFromJsonAsync<JsonElement>(Cancellation)).GetProperty("priority").GetString());
        Assert.Equal("normal", (await Client.UploadImageAsync(image)).GetProperty("priority").GetString());
    }

    [Fact]
    public async Task Repeat_with_the_same_key_finds_the_first_upload_and_other_bytes_are_refused()
    {
        var (first, other) = (TestImages.Png(64, 64), TestImages.Png(65, 64));
        var answers = new List<(HttpStatusCode Status, JsonElement Body)>();
        foreach (var image in (byte[][])[first, first, other])
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, UploadRequests.Address) { Content = new ByteArrayContent(image) };
            request.Headers.Add("Idempotency-Key", "holiday");
            using var response = await Client.SendAsync(request, Cancellation);
            answers.Add((response.StatusCode, await response.Content.ReadFromJsonAsync<JsonElement>(Cancellation)));
        }

        Assert.Equal(answers[0].Body.Id(), answers[1].Body.Id());
        Assert.Equal((HttpStatusCode.UnprocessableEntity, "idempotency_key_reused"), (answers[2].Status, answers[2].Body.GetProperty("code").GetString()));
    }

    public static TheoryData<string, string, int, string> HostileFiles => new()
    {
        { "truncated jpeg", "image/jpeg", 422, "image_truncated" },
        { "truncated webp", "image/webp", 422, "image_truncated" },
        { "png bomb", "image/png", 422, "image_too_large" },
        { "heic bomb", "image/heic", 422, "image_too_large" },
        { "png called jpeg", "image/jpeg", 422, "image_mislabelled" },
        { "jpeg called html", "text/html", 422, "image_mislabelled" },
        { "jpeg and zip", "image/jpeg", 422, "image_polyglot" },
        { "jpeg and page", "image/jpeg", 422, "image_polyglot" },
        { "svg called jpeg", "image/jpeg", 415, "image_unsupported" },
        { "svg", "image/svg+xml", 415, "image_unsupported" },
        { "pdf called jpeg", "image/jpeg", 415, "image_unsupported" },
        { "empty", "image/jpeg", 415, "image_unsupported" },
        { "two frames", "image/jpeg", 422, "image_damaged" },
        { "animation", "image/png", 415, "image_unsupported" },
    };

    static byte[] Hostile(string name)
    {
        var jpeg = TestImages.Jpeg(640, 400);
        return name switch
        {
            "truncated jpeg" => jpeg[..^2],
            "truncated webp" => TestImages.WebP(("VP8 ", TestImages.Vp8(64, 64)))[..^3],
            "png bomb" => TestImages.Png(30_000, 30_000),
            "heic bomb" => TestImages.IsoMedia("heic", (100, 100), (40_000, 40_000)),
            "png called jpeg" => TestImages.Png(64, 64),
            "jpeg called html" => jpeg,
            "jpeg and zip" => [.. jpeg, .. TestImages.Zip()],
            "jpeg and page" => TestImages.Jpeg(640, 400, comment: "<html><script>alert(1)</script>"u8.ToArray()),
            "svg called jpeg" or "svg" => Encoding.ASCII.GetBytes("<svg xmlns='http://www.w3.org/2000/svg'><image href='file:///etc/passwd'/></svg>"),
            "pdf called jpeg" => Encoding.ASCII.GetBytes("%PDF-1.7\n1 0 obj"),
            "two frames" => [.. jpeg[..^2], .. jpeg[2..]],
            "animation" => TestImages.Png(64, 64, ("acTL", new byte[8])),
            _ => [],
        };
    }

    [Theory, MemberData(nameof(HostileFiles))]
    public async Task Hostile_file_is_refused_with_a_code_and_nothing_of_it_is_stored(string name, string contentType, int status, string code)
    {
        var before = await RowsAsync();
        using var response = await Client.SendUploadAsync(Hostile(name), contentType: contentType);
        var problem = await response.Content.ReadFromJsonAsync<JsonElement>(Cancellation);

        Assert.Equal((status, code), ((int)response.StatusCode, problem.GetProperty("code").GetString()));
        Assert.Equal(before, await RowsAsync());
        Assert.True((await Client.GetAsync("/health/ready", Cancellation)).IsSuccessStatusCode);
    }

    [Fact]
    public async Task File_that_only_a_decoder_finds_damaged_fails_its_upload_and_is_not_kept()
    {
        RequireVips();
        var photo = await TestImages.PhotoAsync(600, 400, ".jpg");
        var id = (await Client.UploadImageAsync([.. photo[..(photo.Length / 2)], 0xFF, 0xD9])).Id();
        var state = await Client.EndedAsync($"/api/uploads/{id}");
        Assert.Equal(("failed", "image_damaged"), (state.Status(), state.GetProperty("error").GetProperty("code").GetString()));
        Assert.False(state.TryGetProperty("url", out _));
        Assert.False(await IsStoredAsync(id));

        await Client.PostJsonAsync($"/api/uploads/{id}/retry", null);
        var again = await Client.EndedAsync($"/api/uploads/{id}");
        Assert.Equal("upload_gone", again.GetProperty("error").GetProperty("code").GetString());
        Assert.Equal("completed", (await Client.EndedAsync($"/api/uploads/{(await Client.UploadImageAsync(photo)).Id()}")).Status());
    }

    [Fact]
    public async Task Image_that_would_not_become_smaller_is_kept_and_a_warning_says_so()
    {
        RequireVips();
        var image = await TestImages.PhotoAsync(300, 200, ".avif[Q=15,effort=2]");
        var id = (await Client.UploadImageAsync(image, "?format=jpeg", "image/avif")).Id();
        var events = await Client.ReadStreamAsync($"/api/stream/upload/{id}");
        var state = await Client.StateAsync($"/api/uploads/{id}");

        Assert.Equal(("original", "image/avif", 1.0), (state.GetProperty("strategy").GetString(), state.GetProperty("contentType").GetString(), state.GetProperty("compressionRatio").GetDouble()));
        Assert.Equal("image_kept", Assert.Single(events, e => e.Type == "warning").Data.GetProperty("code").GetString());
        Assert.Equal(image, await Client.GetByteArrayAsync(state.GetProperty("url").GetString(), Cancellation));
    }

    [Theory]
    [InlineData("?priority=immediate", "priority")]
    [InlineData("?format=gif", "format")]
    [InlineData("?maxEdge=10", "maxEdge")]
    [InlineData("?maxEdge=100000", "maxEdge")]
    [InlineData("?maxBytes=-1", "maxBytes")]
    public async Task Field_that_is_not_valid_is_named(string query, string field)
    {
        using var response = await Client.SendUploadAsync(TestImages.Png(64, 64), query);
        var problem = await response.Content.ReadFromJsonAsync<JsonElement>(Cancellation);
        Assert.Equal((HttpStatusCode.BadRequest, "invalid_fields"), (response.StatusCode, problem.GetProperty("code").GetString()));
        Assert.True(problem.GetProperty("errors").TryGetProperty(field, out _));
    }

    [Fact]
    public async Task Form_of_a_page_of_another_site_is_refused()
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, UploadRequests.Address) { Content = new ByteArrayContent(TestImages.Png(64, 64)) };
        request.Headers.Add("Sec-Fetch-Site", "cross-site");
        using var response = await Client.SendAsync(request, Cancellation);
        Assert.Equal((HttpStatusCode.Forbidden, "cross_site"), (response.StatusCode, (await response.Content.ReadFromJsonAsync<JsonElement>(Cancellation)).GetProperty("code").GetString()));
    }

    [Fact]
    public async Task Form_that_is_none_is_refused()
    {
        foreach (var content in (HttpContent[])[
            new StringContent("--x\r\n\r\n", MediaTypeHeaderValue.Parse("multipart/form-data; boundary=x")), new StringContent("x", MediaTypeHeaderValue.Parse("multipart/form-data")),
            new MultipartFormDataContent { { new StringContent("low"), "priority" } }])
        {
            using var response = await Client.PostAsync(UploadRequests.Address, content, Cancellation);
            Assert.Equal((HttpStatusCode.BadRequest, "invalid_body"), (response.StatusCode, (await response.Content.ReadFromJsonAsync<JsonElement>(Cancellation)).GetProperty("code").GetString()));
        }
    }

    [Fact]
    public async Task File_that_is_too_large_is_refused_however_it_is_sent()
    {
        await using var host = await ServiceHost.StartAsync(service.Postgres, [new("Uploads:BytesMax", "100000")]);
        var large = new byte[100_001];
        using var form = new MultipartFormDataContent { { new ByteArrayContent(large), "file", "large.png" } };
        using var chunked = new StreamContent(new MemoryStream(large));
        foreach (var (content, isChunked) in ((HttpContent, bool)[])[(new ByteArrayContent(large), false), (chunked, true), (form, false), (new ByteArrayContent(new byte[400_000]), false)])
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, UploadRequests.Address) { Content = content };
            request.Headers.TransferEncodingChunked = isChunked;
            using var response = await host.Client.SendAsync(request, Cancellation);
            Assert.Equal((HttpStatusCode.RequestEntityTooLarge, "upload_too_large"), (response.StatusCode, (await response.Content.ReadFromJsonAsync<JsonElement>(Cancellation)).GetProperty("code").GetString()));
        }

        using var fits = await host.Client.SendUploadAsync(TestImages.Png(64, 64));
        Assert.Equal(HttpStatusCode.Accepted, fits.StatusCode);
    }

    [Fact]
    public async Task Upload_beyond_those_that_are_received_at_once_is_told_to_come_again()
    {
        await using var host = await ServiceHost.StartAsync(service.Postgres, [new("Uploads:ReceivedAtOnceMax", "1")]);
        var image = TestImages.Png(64, 64);
        var rest = new TaskCompletionSource();
        using var slow = new SlowContent(image, rest.Task);
        var first = host.Client.PostAsync(UploadRequests.Address, slow, Cancellation);
        await Eventually.TrueAsync(() => Task.FromResult(host.Service<ImageReceiver>().ReceivedNow == 1), "the first upload is being received");
        using (var refused = await host.Client.SendUploadAsync(image))
        {
            Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.StatusCode);
            Assert.NotNull(refused.Headers.RetryAfter);
            Assert.Equal("uploads_busy", (await refused.Content.ReadFromJsonAsync<JsonElement>(Cancellation)).GetProperty("code").GetString());
        }

        rest.SetResult();
        using var answer = await first;
        Assert.Equal(HttpStatusCode.Accepted, answer.StatusCode);
        await Eventually.TrueAsync(async () =>
        {
            using var again = await host.Client.SendUploadAsync(image);
            return again.StatusCode == HttpStatusCode.Accepted;
        }, "there is a place again");
    }

    [Fact]
    public async Task Without_libvips_images_are_stored_as_they_came_and_a_warning_says_what_to_install()
    {
        await using var host = await ServiceHost.StartAsync(service.Postgres, [new("Images:Program", "no-such-program")]);
        var image = TestImages.Png(640, 480);
        var id = (await host.Client.UploadImageAsync([.. image, 0, 0])).Id();
        var events = await host.Client.ReadStreamAsync($"/api/stream/upload/{id}");
        var state = await host.Client.StateAsync($"/api/uploads/{id}");

        Assert.Equal(("completed", "original", 640), (state.Status(), state.GetProperty("strategy").GetString(), state.GetProperty("width").GetInt32()));
        var warning = Assert.Single(events, e => e.Type == "warning").Data;
        Assert.Equal("image_program_missing", warning.GetProperty("code").GetString());
        Assert.Contains("libvips-tools", warning.GetProperty("message").GetString(), StringComparison.Ordinal);
        Assert.Equal(image, await host.Client.GetByteArrayAsync(state.GetProperty("url").GetString(), Cancellation));
    }

    [Fact]
    public async Task Image_that_takes_too_long_fails_is_kept_and_can_be_tried_again()
    {
        RequireVips();
        await using var hurried = await ServiceHost.StartAsync(service.Postgres, [new("Images:ProgramTimeout", "00:00:00.001")]);
        var id = (await hurried.Client.UploadImageAsync(TestImages.Png(1000, 1000))).Id();
        var state = await hurried.Client.EndedAsync($"/api/uploads/{id}");
        Assert.Equal(("failed", "image_timeout", true), (state.Status(), state.GetProperty("error").GetProperty("code").GetString(), state.GetProperty("error").GetProperty("recoverable").GetBoolean()));
        await hurried.StopAsync();

        await using var patient = await ServiceHost.StartAsync(service.Postgres, [new("Images:ProgramTimeout", "00:02:00")], hurried.ConnectionString);
        await patient.Client.PostJsonAsync($"/api/uploads/{id}/retry", null);
        Assert.Equal("completed", (await patient.Client.EndedAsync($"/api/uploads/{id}")).Status());
    }

    [Fact]
    public async Task Deleted_upload_leaves_nothing()
    {
        var id = (await Client.UploadImageAsync(TestImages.Png(100, 64))).Id();
        using var response = await Client.DeleteAsync($"/api/uploads/{id}", Cancellation);
        Assert.Equal(HttpStatusCode.NoContent, response.StatusCode);
        Assert.False(await IsStoredAsync(id));
        Assert.Equal(HttpStatusCode.NotFound, (await Client.GetAsync($"/api/uploads/{id}", Cancellation)).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await Client.PostAsync($"/api/uploads/{id}/messages", JsonContent.Create(new { text = "x" }), Cancellation)).StatusCode);
    }

    async Task<bool> IsStoredAsync(string id)
    {
        await using var connection = new NpgsqlConnection(Host.ConnectionString);
        return await connection.ExecuteScalarAsync<bool>("select exists (select from uploads where session_id = @id::uuid)", new { id });
    }

    async Task<(long Sessions, long Transforms)> RowsAsync()
    {
        await using var connection = new NpgsqlConnection(Host.ConnectionString);
        return await connection.QuerySingleAsync<(long, long)>(
            "select (select count(*) from sessions where kind = 'upload'), (select count(*) from transforms where kind = 'upload')");
    }

    /// <summary>A body whose second half waits.</summary>
    sealed class SlowContent(byte[] bytes, Task rest) : HttpContent
    {
        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            await stream.WriteAsync(bytes.AsMemory(0, bytes.Length / 2));
            await stream.FlushAsync();
            await rest;
            await stream.WriteAsync(bytes.AsMemory(bytes.Length / 2));
        }

        protected override bool TryComputeLength(out long length)
        {
            length = bytes.Length;
            return true;
        }
    }

    /// <summary>A service that waits for its programs on a busy machine.</summary>
    public sealed class UploadFixture(PostgresServer postgres) : IAsyncLifetime
    {
        public ServiceHost Host { get; private set; } = null!;

        public PostgresServer Postgres => postgres;

        public async ValueTask InitializeAsync() => Host = await ServiceHost.StartAsync(postgres, [new("Images:ProgramTimeout", "00:02:00"), new("Messages:ProgressInterval", "00:00:00")]);

        public ValueTask DisposeAsync() => Host.DisposeAsync();
    }
}
