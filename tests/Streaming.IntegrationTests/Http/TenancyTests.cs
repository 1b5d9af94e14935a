using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Streaming.IntegrationTests.Fixtures;
using Streaming.Tests.Images;
using Xunit;

namespace Streaming.IntegrationTests.Http;

/// <summary>Another user's session is the same as none, whatever is asked of it.</summary>
public sealed class TenancyTests(TenancyTests.TenancyFixture service) : IClassFixture<TenancyTests.TenancyFixture>
{
    public static TheoryData<string, string, string?> Requests => new()
    {
        { "GET", "/api/ideations/{ideation}", null },
        { "GET", "/api/ideations/{ideation}?after=1-0", null },
        { "POST", "/api/ideations/{ideation}/cancel", null },
        { "POST", "/api/ideations/{ideation}/retry", null },
        { "POST", "/api/ideations/{ideation}/pause", null },
        { "POST", "/api/ideations/{ideation}/resume", null },
        { "POST", "/api/ideations/{ideation}/messages", """{"text":"of eve"}""" },
        { "DELETE", "/api/ideations/{ideation}", null },
        { "GET", "/api/stream/ideation/{ideation}", null },
        { "GET", "/api/stream/ideation/{ideation}?lastEventId=1-0", null },
        { "GET", "/api/stream?ids={ideation},{relay}", null },
        { "GET", "/api/outlines/{outline}", null },
        { "POST", "/api/outlines/{outline}/cancel", null },
        { "POST", "/api/outlines/{outline}/retry", null },
        { "POST", "/api/outlines/{outline}/pause", null },
        { "POST", "/api/outlines/{outline}/resume", null },
        { "POST", "/api/outlines/{outline}/messages", """{"text":"of eve"}""" },
        { "DELETE", "/api/outlines/{outline}", null },
        { "GET", "/api/stream/outline/{outline}", null },
        { "GET", "/api/ideations/{ideation}/artifacts", null },
        { "GET", "/api/ideations/{ideation}/artifacts.zip", null },
        { "GET", "/api/ideations/{ideation}/artifacts/{artifactId}", null },
        { "GET", "/api/outlines/{outline}/artifacts", null },
        { "GET", "/api/outlines/{outline}/artifacts.zip", null },
        { "GET", "/api/outlines/{outline}/artifacts/{artifactId}", null },
        { "GET", "/api/logos/{logo}", null },
        { "POST", "/api/logos/{logo}/cancel", null },
        { "POST", "/api/logos/{logo}/retry", null },
        { "POST", "/api/logos/{logo}/pause", null },
        { "POST", "/api/logos/{logo}/resume", null },
        { "POST", "/api/logos/{logo}/messages", """{"text":"of eve"}""" },
        { "DELETE", "/api/logos/{logo}", null },
        { "GET", "/api/logos/{logo}/artifacts", null },
        { "GET", "/api/logos/{logo}/artifacts.zip", null },
        { "GET", "/api/logos/{logo}/artifacts/{artifactId}", null },
        { "GET", "/api/stream/logo/{logo}", null },
        { "GET", "/api/uploads/{upload}", null },
        { "GET", "/api/v1/status/upload/{upload}", null },
        { "POST", "/api/uploads/{upload}/cancel", null },
        { "POST", "/api/uploads/{upload}/retry", null },
        { "POST", "/api/uploads/{upload}/pause", null },
        { "POST", "/api/uploads/{upload}/resume", null },
        { "DELETE", "/api/uploads/{upload}", null },
        { "GET", "/api/uploads/{upload}/artifacts", null },
        { "GET", "/api/uploads/{upload}/artifacts.zip", null },
        { "GET", "/api/uploads/{upload}/artifacts/{artifactId}", null },
        { "GET", "/api/stream/upload/{upload}", null },
        { "GET", "/api/analyses/{analysis}", null },
        { "POST", "/api/analyses/{analysis}/cancel", null },
        { "POST", "/api/analyses/{analysis}/retry", null },
        { "POST", "/api/analyses/{analysis}/pause", null },
        { "POST", "/api/analyses/{analysis}/resume", null },
        { "POST", "/api/analyses/{analysis}/messages", """{"text":"of eve"}""" },
        { "DELETE", "/api/analyses/{analysis}", null },
        { "GET", "/api/analyses/{analysis}/artifacts", null },
        { "GET", "/api/analyses/{analysis}/artifacts.zip", null },
        { "GET", "/api/analyses/{analysis}/artifacts/{artifactId}", null },
        { "GET", "/api/stream/analysis/{analysis}", null },
        { "GET", "/api/v1/stream/status/{analysis}", null },
        { "DELETE", "/api/v1/stream/{analysis}", null },
        { "POST", "/api/stream-tickets", """{"kind":"analysis","id":"{analysis}"}""" },
        { "GET", "/api/relays/{relay}/artifacts", null },
        { "GET", "/api/relays/{relay}/artifacts.zip", null },
        { "GET", "/api/relays/{relay}/artifacts/{artifactId}", null },
        { "GET", "/api/relays/{relay}", null },
        { "POST", "/api/relays/{relay}/cancel", null },
        { "DELETE", "/api/relays/{relay}", null },
        { "POST", "/api/relays/{relay}/messages", """{"type":"chunk","text":"of eve"}""" },
        { "POST", "/api/relays/{relay}/messages", """{"producerId":"p","sequence":1,"messages":[{"type":"chunk","text":"of eve"}]}""" },
        { "POST", "/api/relays/{relay}/end", null },
        { "POST", "/api/relays/{relay}/end", """{"status":"failed"}""" },
        { "GET", "/api/stream/relay/{relay}", null },
        { "GET", "/api/files/{file}", null },
        { "GET", "/api/files/{file}/content", null },
        { "GET", "/api/files/{file}/content?download={file}", null },
        { "POST", "/api/files/{file}/downloads", null },
        { "PATCH", "/api/files/{file}", null },
        { "POST", "/api/files/{file}", null },
        { "DELETE", "/api/files/{file}", null },
        { "GET", "/api/stream/file/{file}", null },
        { "POST", "/api/stream-tickets", """{"kind":"file","id":"{file}"}""" },
        { "POST", "/api/stream-tickets", """{"kind":"ideation","id":"{ideation}"}""" },
        { "POST", "/api/stream-tickets", """{"kind":"outline","id":"{outline}"}""" },
        { "POST", "/api/stream-tickets", """{"kind":"relay","id":"{relay}"}""" },
    };

    [Theory]
    [MemberData(nameof(Requests))]
    public async Task Another_users_session_is_not_found(string method, string path, string? body)
    {
        var (ideation, outline, logo, relay, file, upload, analysis) = service.Sessions;
        var artifact = path.Contains("{artifactId}", StringComparison.Ordinal) ? await ArtifactAsync(path.Contains("{upload}", StringComparison.Ordinal) ? $"uploads/{upload}" : $"logos/{logo}") : "";
        string Filled(string text) => text.Replace("{ideation}", ideation, StringComparison.Ordinal)
            .Replace("{logo}", logo, StringComparison.Ordinal).Replace("{artifactId}", artifact, StringComparison.Ordinal)
            .Replace("{outline}", outline, StringComparison.Ordinal).Replace("{relay}", relay, StringComparison.Ordinal)
            .Replace("{file}", file, StringComparison.Ordinal).Replace("{upload}", upload, StringComparison.Ordinal)
            .Replace("{analysis}", analysis, StringComparison.Ordinal);
        var before = await service.Ada.GetStringAsync($"/api/relays/{relay}");

        using var request = new HttpRequestMessage(new HttpMethod(method), Filled(path));
        if (body is not null)
            request.Content = JsonContent.Create(JsonSerializer.Deserialize<JsonElement>(Filled(body)));
        else if (method is "PATCH" or "POST" && path == "/api/files/{file}")
        {
            request.Content = new ByteArrayContent([1]) { Headers = { ContentType = new("application/offset+octet-stream") } };
            foreach (var (name, value) in ((string, string)[])[("Tus-Resumable", "1.0.0"), ("Upload-Offset", "0"), ("X-HTTP-Method-Override", "PATCH")])
                request.Headers.Add(name, value);
        }

        using var response = await service.Eve.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);

        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
        var problem = JsonSerializer.Deserialize<JsonElement>(await response.Content.ReadAsStringAsync());
        Assert.Equal("not_found", problem.GetProperty("code").GetString());
        Assert.Equal(before, await service.Ada.GetStringAsync($"/api/relays/{relay}"));
    }

    [Fact]
    public async Task Another_users_session_among_ones_own_is_not_found_and_with_a_cursor_the_same_as_one_that_was_deleted()
    {
        var (own, others) = ((await service.Eve.RelayAsync()).Id(), (await service.Ada.RelayAsync()).Id());
        await service.Eve.PostJsonAsync($"/api/relays/{own}/end", null);
        await service.Ada.PostJsonAsync($"/api/relays/{others}/messages", new { type = "chunk", text = "of ada" }, HttpStatusCode.OK);
        using var refused = await service.Eve.GetAsync($"/api/stream?ids={own},{others}");
        Assert.Equal(HttpStatusCode.NotFound, refused.StatusCode);
        using var nobody = await service.Host.Client.GetAsync($"/api/stream?ids={others}&ticket=x");
        Assert.Equal(HttpStatusCode.Unauthorized, nobody.StatusCode);

        foreach (var id in (string[])[others, $"{Guid.NewGuid()}"])
            foreach (var cursor in (string[])["1-0", "-", "7-7"])
            {
                var events = await service.Eve.ReadStreamAsync($"/api/stream?ids={own},{id}", $"1-0.{cursor}");
                Assert.Equal(["status", "end"], events.Select(e => e.Type));
                Assert.Equal("deleted", events[0].Data.GetProperty("code").GetString());
                Assert.Equal("1-1.x", events[1].Id);
            }
    }

    [Fact]
    public async Task Every_route_with_an_id_is_among_the_requests()
    {
        var document = await service.Host.Client.StateAsync("/openapi/v1.json");
        var tried = Requests.Select(row => $"{row.Data.Item1} {row.Data.Item2.Split('?')[0]}"
            .Replace("{ideation}", "{id}", StringComparison.Ordinal).Replace("{outline}", "{id}", StringComparison.Ordinal).Replace("{relay}", "{id}", StringComparison.Ordinal)
            .Replace("{file}", "{id}", StringComparison.Ordinal).Replace("{upload}", "{id}", StringComparison.Ordinal).Replace("{analysis}", "{id}", StringComparison.Ordinal).Replace("/stream/file/", "/stream/{kind}/", StringComparison.Ordinal)
            .Replace("{logo}", "{id}", StringComparison.Ordinal).Replace("/stream/logo/", "/stream/{kind}/", StringComparison.Ordinal)
            .Replace("/stream/ideation/", "/stream/{kind}/", StringComparison.Ordinal)).ToHashSet();
        var routes = document.GetProperty("paths").EnumerateObject().Where(path => path.Name.Contains("{id}", StringComparison.Ordinal))
            .SelectMany(path => path.Value.EnumerateObject().Select(method => $"{method.Name.ToUpperInvariant()} {path.Name}"));
        Assert.All(routes, route => Assert.Contains(route, tried));
    }

    [Theory]
    [InlineData("/api/files/{0}")]
    [InlineData("/api/files/{0}/content")]
    public async Task Head_of_another_users_file_is_not_found(string path)
    {
        foreach (var (client, expected) in ((HttpClient, HttpStatusCode)[])[(service.Ada, HttpStatusCode.OK), (service.Eve, HttpStatusCode.NotFound)])
        {
            using var request = new HttpRequestMessage(HttpMethod.Head, string.Format(null, path, service.Sessions.File)) { Headers = { { "Tus-Resumable", "1.0.0" } } };
            using var response = await client.SendAsync(request);
            Assert.Equal(expected, response.StatusCode);
        }
    }

    [Fact]
    public async Task Another_users_sessions_are_in_no_list()
    {
        var (ideation, outline, logo, relay, file, upload, analysis) = service.Sessions;
        foreach (var (kind, id) in ((string, string)[])[("ideations", ideation), ("outlines", outline), ("logos", logo), ("relays", relay), ("files", file), ("uploads", upload), ("analyses", analysis)])
        {
            Assert.Contains(id, await service.Ada.GetStringAsync($"/api/{kind}?limit=100"), StringComparison.Ordinal);
            Assert.DoesNotContain(id, await service.Eve.GetStringAsync($"/api/{kind}?limit=100"), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Outline_of_another_users_idea_is_refused()
    {
        var ideation = (await service.Ada.IdeateAsync()).Id();
        await service.Ada.EndedAsync($"/api/ideations/{ideation}");
        var refused = await service.Eve.PostJsonAsync("/api/outlines", new { ideationId = ideation, ideaIndex = 0 }, HttpStatusCode.BadRequest);
        var none = await service.Eve.PostJsonAsync("/api/outlines", new { ideationId = Guid.NewGuid(), ideaIndex = 0 }, HttpStatusCode.BadRequest);
        // Word for word as for one that does not exist.
        Assert.Equal(none.GetProperty("errors").GetRawText(), refused.GetProperty("errors").GetRawText());
    }

    [Fact]
    public async Task Same_idempotency_key_of_two_users_makes_two_sessions()
    {
        var ids = new List<string>();
        foreach (var client in (HttpClient[])[service.Ada, service.Eve])
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, "/api/ideations") { Content = JsonContent.Create(new { userInput = "a" }) };
            request.Headers.Add("Idempotency-Key", "shared");
            using var response = await client.SendAsync(request);
            ids.Add(JsonSerializer.Deserialize<JsonElement>(await response.Content.ReadAsStringAsync()).Id());
        }

        Assert.NotEqual(ids[0], ids[1]);
    }

    /// <summary>One of a logo's or an upload's, as soon as there is one.</summary>
    async Task<string> ArtifactAsync(string session)
    {
        var id = "";
        await Eventually.TrueAsync(async () =>
        {
            var items = (await service.Ada.StateAsync($"/api/{session}/artifacts")).GetProperty("items");
            id = items.GetArrayLength() > 0 ? items[0].GetProperty("artifactId").GetString()! : "";
            return id.Length > 0;
        }, "it has an artifact");
        return id;
    }

    /// <summary>One session of each kind of Ada's for all the requests: none of them may change a thing, and what a user may have in progress is limited.</summary>
    public sealed class TenancyFixture(PostgresServer postgres) : JwtFixture(postgres)
    {
        public (string Ideation, string Outline, string Logo, string Relay, string File, string Upload, string Analysis) Sessions { get; private set; }

        public override async ValueTask InitializeAsync()
        {
            await base.InitializeAsync();
            Sessions = (
                (await Ada.IdeateAsync()).Id(),
                (await Ada.PostJsonAsync("/api/outlines", new { source = new { title = "a", text = "b" } })).Id(),
                (await Ada.PostJsonAsync("/api/logos", new { brandName = "Ada", description = "Engines that think" })).Id(),
                (await Ada.RelayAsync()).Id(),
                (await Ada.UploadAsync([1, 2, 3])).Split('/')[^1],
                (await Ada.UploadImageAsync(TestImages.Png(64, 64))).Id(),
                (await Ada.AnalyzeAsync(TestImages.Png(64, 64))).Id());
        }
    }
}
