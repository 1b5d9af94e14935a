using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Dapper;
using Npgsql;
using Streaming.Images;
using Streaming.IntegrationTests.Fixtures;
using Streaming.Tests.Images;
using Xunit;

namespace Streaming.IntegrationTests.Analysis;

/// <summary>Pictures from the request to the suggestions, with the offline generator.</summary>
public sealed class AnalysisTests(ServiceFixture service) : IClassFixture<ServiceFixture>
{
    static readonly byte[] Picture = SampleImage.Png();

    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    HttpClient Client => service.Host.Client;

    [Fact]
    public async Task Picture_is_analysed_in_four_phases_and_each_suggestion_comes_the_moment_it_is_there()
    {
        using var response = await Client.SendAnalysisAsync(Picture, "?context=What%20do%20I%20answer%20to%20this%3F&priority=ideal&reuse=false");
        var made = await response.Content.ReadFromJsonAsync<JsonElement>(Cancellation);
        var id = made.Id();
        Assert.Equal((HttpStatusCode.Accepted, $"/api/analyses/{id}"), (response.StatusCode, response.Headers.Location?.ToString()));
        Assert.Equal(($"/api/stream/analysis/{id}", $"/api/v1/stream/status/{id}"), (made.GetProperty("streamUrl").GetString(), made.GetProperty("statusUrl").GetString()));
        Assert.Equal(("analysis", "ideal", 8000, "What do I answer to this?"), (made.GetProperty("kind").GetString(), made.GetProperty("priority").GetString(),
            made.GetProperty("budgetMs").GetInt32(), made.GetProperty("context").GetString()));

        var events = await Client.ReadStreamAsync($"/api/stream/analysis/{id}");
        Assert.Equal(("start", "end"), (events[0].Type, events[^1].Type));
        var stages = events.Where(e => e.Type == "stage_complete").Select(e => (e.Data.GetProperty("stage").GetString(), e.Data.GetProperty("progress").GetDouble()));
        Assert.Equal([("image_analysis", 30), ("context", 50), ("suggestions", 80), ("validation", 100)], stages);
        foreach (var (stage, from, to) in ((string, double, double)[])[("image_analysis", 0, 30), ("context", 30, 50), ("suggestions", 50, 80), ("validation", 80, 100)])
            Assert.All(events.Where(e => e.Type == "progress" && e.Data.GetProperty("stage").GetString() == stage),
                e => Assert.InRange(e.Data.GetProperty("progress").GetDouble(), from, to));
        var state = await Client.StateAsync(made.GetProperty("statusUrl").GetString()!);
        var suggestionsEnd = events.FindIndex(e => e.Type == "stage_complete" && e.Data.GetProperty("stage").GetString() == "suggestions");
        var suggestions = events.Select((e, at) => (e, at)).Where(item => item.e.Type == "artifact" && item.e.Data.GetProperty("artifactType").GetString() == "suggestion").ToList();
        Assert.Equal(state.Suggestions().Order(), suggestions.Select(item => item.e.Data.GetProperty("data").GetProperty("text").GetString()!).Order());
        Assert.All(suggestions, item => Assert.True(item.at < suggestionsEnd));

        var result = events.Single(e => e.Type == "result").Data;
        foreach (var field in (string[])["strategy", "why", "predictedMs", "imageAnalysis", "situation", "suggestions", "rejected", "elapsedMs", "withinBudget"])
            Assert.True(JsonElement.DeepEquals(state.GetProperty(field), result.GetProperty(field)), field);
        Assert.Equal(("completed", "offline", true), (state.Status(), state.GetProperty("provider").GetString(), state.GetProperty("withinBudget").GetBoolean()));
        Assert.False(state.TryGetProperty("cache", out _));
        Assert.False(await IsStoredAsync(id));
    }

    [Fact]
    public async Task Upload_is_analysed_as_what_it_became_or_as_it_came_while_it_is_not_ready()
    {
        var upload = (await Client.UploadImageAsync(Picture)).Id();
        await Client.EndedAsync($"/api/uploads/{upload}");
        // Priority low waits behind nothing here, and is often not ready yet.
        var fresh = (await Client.UploadImageAsync(TestImages.Png(640, 400), "?priority=low")).Id();
        foreach (var id in (string[])[upload, fresh])
        {
            var made = await Client.PostJsonAsync("/api/v1/stream/analyze", new { uploadId = id, context = "  What\n is   this? ", suggestionCount = 1, priority = "urgent", timeBudgetMs = 3500, language = "en", reuse = false });
            Assert.Equal(("What is this?", 3500, id), (made.GetProperty("context").GetString(), made.GetProperty("budgetMs").GetInt32(), made.GetProperty("uploadId").GetString()));
            var (state, received) = (await Client.EndedAsync($"/api/analyses/{made.Id()}"), (await Client.StateAsync($"/api/uploads/{id}")).GetProperty("received"));
            Assert.Equal("completed", state.Status());
            Assert.True(JsonElement.DeepEquals(received, state.GetProperty("image")));
            Assert.Single(state.Suggestions());
        }
    }

    [Fact]
    public async Task Picture_whose_upload_was_deleted_before_it_was_looked_at_fails_for_good()
    {
        var upload = (await Client.UploadImageAsync(Picture)).Id();
        await Client.EndedAsync($"/api/uploads/{upload}");
        var first = (await Client.PostJsonAsync("/api/analyses", new { uploadId = upload, reuse = false })).Id();
        await Client.EndedAsync($"/api/analyses/{first}");
        await Client.DeleteAsync($"/api/uploads/{upload}", Cancellation);
        await using var connection = new NpgsqlConnection(service.Host.ConnectionString);
        await connection.ExecuteAsync("""
            update transforms set status = 'failed', error = '{"recoverable":true}' where session_id = @id;
            """, new { id = Guid.Parse(first) });
        await Client.PostJsonAsync($"/api/analyses/{first}/retry", null);
        var state = await Client.EndedAsync($"/api/analyses/{first}");
        Assert.Equal(("failed", "image_gone", false), (state.Status(), state.GetProperty("error").GetProperty("code").GetString(), state.GetProperty("error").GetProperty("recoverable").GetBoolean()));
    }

    [Fact]
    public async Task Form_as_a_browser_sends_it_is_taken_with_its_fields()
    {
        using var form = new MultipartFormDataContent
        {
            { new StringContent("Was soll ich antworten?"), "context" }, { new StringContent("3"), "suggestionCount" }, { new StringContent("keyboard"), "priority" },
            { new ByteArrayContent(Picture), "image", "picture.png" },
        };
        using var response = await Client.PostAsync("/api/analyses", form, Cancellation);
        var made = await response.Content.ReadFromJsonAsync<JsonElement>(Cancellation);
        Assert.Equal(("Was soll ich antworten?", 3, "keyboard", 6000), (made.GetProperty("context").GetString(), made.GetProperty("suggestionCount").GetInt32(),
            made.GetProperty("priority").GetString(), made.GetProperty("budgetMs").GetInt32()));
        Assert.Equal("completed", (await Client.EndedAsync($"/api/analyses/{made.Id()}")).Status());
    }

    [Theory]
    [InlineData("?priority=now", "priority")]
    [InlineData("?suggestionCount=0", "suggestionCount")]
    [InlineData("?suggestionCount=7", "suggestionCount")]
    [InlineData("?timeBudgetMs=100", "timeBudgetMs")]
    [InlineData("?timeBudgetMs=12001", "timeBudgetMs")]
    [InlineData("?language=klingon!", "language")]
    [InlineData("?reuse=perhaps", "reuse")]
    public async Task Field_that_is_not_valid_is_named_however_it_comes(string query, string field)
    {
        using var raw = await Client.SendAnalysisAsync(Picture, query);
        var (name, value) = (query[1..query.IndexOf('=')], query[(query.IndexOf('=') + 1)..]);
        using var json = await Client.PostAsJsonAsync("/api/v1/stream/analyze",
            new Dictionary<string, object> { ["uploadId"] = (await Client.UploadImageAsync(Picture)).Id(), [name] = int.TryParse(value, out var number) ? number : value }, Cancellation);
        foreach (var response in (HttpResponseMessage[])[raw, json])
        {
            var problem = await response.Content.ReadFromJsonAsync<JsonElement>(Cancellation);
            Assert.Equal((HttpStatusCode.BadRequest, "invalid_fields"), (response.StatusCode, problem.GetProperty("code").GetString()));
            Assert.Equal(field, Assert.Single(problem.GetProperty("errors").EnumerateObject()).Name);
        }
    }

    [Theory]
    [InlineData("truncated", 422, "image_truncated")]
    [InlineData("svg", 415, "image_unsupported")]
    [InlineData("bomb", 422, "image_too_large")]
    [InlineData("zip", 422, "image_polyglot")]
    public async Task Hostile_picture_is_refused_as_an_upload_is(string name, int status, string code)
    {
        var image = name switch { "truncated" => Picture[..^5], "svg" => "<svg xmlns='http://www.w3.org/2000/svg'/>"u8.ToArray(), "bomb" => TestImages.Png(30_000, 30_000), _ => [.. TestImages.Jpeg(64, 64), .. TestImages.Zip()] };
        var before = await RowsAsync();
        using var response = await Client.SendAnalysisAsync(image, contentType: "application/octet-stream");
        Assert.Equal((status, code), ((int)response.StatusCode, (await response.Content.ReadFromJsonAsync<JsonElement>(Cancellation)).GetProperty("code").GetString()));
        Assert.Equal(before, await RowsAsync());
    }

    [Fact]
    public async Task Picture_of_a_page_of_another_site_is_refused()
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, AnalysisRequests.Address) { Content = new ByteArrayContent(Picture), Headers = { { "Sec-Fetch-Site", "cross-site" } } };
        using var response = await Client.SendAsync(request, Cancellation);
        Assert.Equal((HttpStatusCode.Forbidden, "cross_site"), (response.StatusCode, (await response.Content.ReadFromJsonAsync<JsonElement>(Cancellation)).GetProperty("code").GetString()));
    }

    [Fact]
    public async Task Repeat_with_the_same_key_finds_the_first_analysis()
    {
        var ids = new List<string>();
        for (var repeat = 0; repeat < 2; repeat++)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, AnalysisRequests.Address) { Content = new ByteArrayContent(Picture), Headers = { { "Idempotency-Key", "the same" } } };
            using var response = await Client.SendAsync(request, Cancellation);
            ids.Add((await response.Content.ReadFromJsonAsync<JsonElement>(Cancellation)).Id());
        }

        Assert.Equal(ids[0], ids[1]);
    }

    async Task<long> RowsAsync()
    {
        await using var connection = new NpgsqlConnection(service.Host.ConnectionString);
        return await connection.ExecuteScalarAsync<long>("select (select count(*) from sessions where kind = 'analysis') + (select count(*) from uploads as u join sessions as s on s.id = u.session_id where s.kind = 'analysis')");
    }

    async Task<bool> IsStoredAsync(string id)
    {
        await using var connection = new NpgsqlConnection(service.Host.ConnectionString);
        return await connection.ExecuteScalarAsync<bool>("select exists (select from uploads where session_id = @id)", new { id = Guid.Parse(id) });
    }
}
