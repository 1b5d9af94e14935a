using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Streaming.IntegrationTests.Fixtures;
using Xunit;

namespace Streaming.IntegrationTests.Http;

/// <summary>Bad input gets RFC 9457 problem details with a stable code, and leaves nothing behind.</summary>
public sealed class ProblemTests(ServiceFixture service) : IClassFixture<ServiceFixture>
{
    HttpClient Client => service.Host.Client;

    [Theory]
    [InlineData("{", "invalid_body")]
    [InlineData("", "invalid_body")]
    [InlineData("[]", "invalid_fields")]
    [InlineData("{}", "invalid_fields", "userInput")]
    [InlineData("""{"userInput":"  "}""", "invalid_fields", "userInput")]
    [InlineData("""{"userInput":7}""", "invalid_fields", "userInput")]
    [InlineData("""{"userInput":"\ud83d"}""", "invalid_fields", "userInput")]
    [InlineData("""{"userInput":"x","ideaCount":0}""", "invalid_fields", "ideaCount")]
    [InlineData("""{"userInput":"x","ideaCount":1.5}""", "invalid_fields", "ideaCount")]
    [InlineData("""{"userInput":"x","genrePaths":"Drama"}""", "invalid_fields", "genrePaths")]
    [InlineData("""{"userInput":"x","genrePaths":[[]]}""", "invalid_fields", "genrePaths")]
    [InlineData("""{"userInput":"x","genrePaths":["a"],"genreProportions":[1,2]}""", "invalid_fields", "genreProportions")]
    [InlineData("""{"userInput":"x","genreProportions":[-1]}""", "invalid_fields", "genreProportions")]
    [InlineData("""{"userInput":"x","selectedPlatform":{}}""", "invalid_fields", "selectedPlatform")]
    public async Task Ideation_that_is_not_valid_is_refused_by_field(string body, string code, string? field = null)
    {
        var problem = await RefusedAsync("/api/ideations", body, HttpStatusCode.BadRequest, code);
        if (field is not null)
            Assert.NotEmpty(problem.GetProperty("errors").GetProperty(field).EnumerateArray());
    }

    [Theory]
    [InlineData("{}", "ideationId")]
    [InlineData("""{"ideationId":"x","ideaIndex":0}""", "ideationId")]
    [InlineData("""{"ideationId":"0198c0de-0000-7000-8000-000000000001"}""", "ideaIndex")]
    [InlineData("""{"ideationId":"0198c0de-0000-7000-8000-000000000001","ideaIndex":0}""", "ideaIndex")]
    [InlineData("""{"source":"text"}""", "source")]
    [InlineData("""{"source":{"title":"t"}}""", "source.text")]
    [InlineData("""{"source":{"title":"t","text":"x"},"totalEpisodes":0}""", "totalEpisodes")]
    public async Task Outline_that_is_not_valid_is_refused_by_field(string body, string field)
    {
        var problem = await RefusedAsync("/api/outlines", body, HttpStatusCode.BadRequest, "invalid_fields");
        Assert.NotEmpty(problem.GetProperty("errors").GetProperty(field).EnumerateArray());
    }

    [Fact]
    public async Task Input_at_the_limit_is_taken_and_one_character_more_is_not()
    {
        await Client.PostJsonAsync("/api/ideations", new { userInput = new string('x', 20_000) });
        await RefusedAsync("/api/ideations", $$"""{"userInput":"{{new string('x', 20_001)}}"}""", HttpStatusCode.BadRequest, "invalid_fields");
    }

    [Fact]
    public async Task Body_over_the_limit_is_too_large() =>
        await RefusedAsync("/api/ideations", $$"""{"userInput":"{{new string('x', 1024 * 1024)}}"}""", HttpStatusCode.RequestEntityTooLarge, "body_too_large");

    [Fact]
    public async Task Body_that_is_not_json_by_its_type_is_refused() =>
        await RefusedAsync("/api/ideations", """{"userInput":"x"}""", HttpStatusCode.UnsupportedMediaType, "unsupported_media_type", "text/plain");

    [Fact]
    public async Task Nul_in_the_input_is_dropped()
    {
        var state = await Client.PostJsonAsync("/api/ideations", new { userInput = "a\0b" });
        Assert.Equal("ab", state.GetProperty("userInput").GetString());
    }

    [Theory]
    [InlineData("GET", "/api/ideations/17", HttpStatusCode.BadRequest, "invalid_id")]
    [InlineData("GET", "/api/ideations/0198c0de-0000-7000-8000-000000000001", HttpStatusCode.NotFound, "not_found")]
    [InlineData("POST", "/api/ideations/0198c0de-0000-7000-8000-000000000001/cancel", HttpStatusCode.NotFound, "not_found")]
    [InlineData("POST", "/api/ideations/0198c0de-0000-7000-8000-000000000001/retry", HttpStatusCode.NotFound, "not_found")]
    [InlineData("POST", "/api/ideations/x/cancel", HttpStatusCode.BadRequest, "invalid_id")]
    [InlineData("GET", "/api/nonsense", HttpStatusCode.NotFound, "not_found")]
    [InlineData("GET", "/nonsense", HttpStatusCode.NotFound, "not_found")]
    [InlineData("DELETE", "/api/ideations", HttpStatusCode.MethodNotAllowed, "method_not_allowed")]
    public async Task What_is_not_there_is_a_problem_with_a_code(string method, string path, HttpStatusCode status, string code)
    {
        using var response = await Client.SendAsync(new HttpRequestMessage(new HttpMethod(method), path));
        await ProblemAsync(response, status, code);
    }

    [Fact]
    public async Task Same_key_makes_one_session_and_another_body_under_it_is_refused()
    {
        var first = await PostWithKeyAsync("key-1", "a");
        var again = await PostWithKeyAsync("key-1", "a");
        Assert.Equal(HttpStatusCode.Accepted, again.StatusCode);
        Assert.Equal(first.Headers.Location, again.Headers.Location);
        await ProblemAsync(await PostWithKeyAsync("key-1", "b"), HttpStatusCode.UnprocessableEntity, "idempotency_key_reused");
        await ProblemAsync(await PostWithKeyAsync(new string('k', 201), "b"), HttpStatusCode.BadRequest, "invalid_header");
    }

    [Fact]
    public async Task Same_key_at_the_same_moment_makes_one_session()
    {
        var answers = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => PostWithKeyAsync("race", "a")));
        Assert.Single(answers.Select(answer => answer.Headers.Location).Distinct());
    }

    [Fact]
    public async Task Openapi_describes_the_routes_that_exist()
    {
        var document = await Client.StateAsync("/openapi/v1.json");
        var paths = document.GetProperty("paths").EnumerateObject().Select(path => path.Name).ToList();
        foreach (var path in (string[])["/api/ideations", "/api/ideations/{id}", "/api/outlines/{id}/cancel", "/api/outlines/{id}/retry", "/api/relays/{id}/messages", "/api/relays/{id}/end", "/api/stream/{kind}/{id}", "/health/live", "/health/ready"])
            Assert.Contains(path, paths);
    }

    async Task<HttpResponseMessage> PostWithKeyAsync(string key, string userInput)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, "/api/ideations") { Content = JsonContent.Create(new { userInput }) };
        request.Headers.Add("Idempotency-Key", key);
        return await Client.SendAsync(request);
    }

    async Task<JsonElement> RefusedAsync(string path, string body, HttpStatusCode status, string code, string type = "application/json")
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new StringContent(body, Encoding.UTF8, type) };
        // Whoever sends on after the answer is reset, and may not see it.
        request.Headers.ExpectContinue = true;
        using var response = await Client.SendAsync(request);
        return await ProblemAsync(response, status, code);
    }

    static async Task<JsonElement> ProblemAsync(HttpResponseMessage response, HttpStatusCode status, string code)
    {
        var text = await response.Content.ReadAsStringAsync();
        Assert.True(response.StatusCode == status, $"{(int)response.StatusCode}: {text}");
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType!.MediaType);
        var problem = JsonSerializer.Deserialize<JsonElement>(text);
        Assert.Equal(code, problem.GetProperty("code").GetString());
        Assert.Equal((int)status, problem.GetProperty("status").GetInt32());
        Assert.NotEmpty(problem.GetProperty("title").GetString()!);
        return problem;
    }
}
