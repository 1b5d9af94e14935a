using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Dapper;
using Npgsql;
using Streaming.Images;
using Streaming.IntegrationTests.Fixtures;
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

    async Task<bool> IsStoredAsync(string id)
    {
        await using var connection = new NpgsqlConnection(service.Host.ConnectionString);
        return await connection.ExecuteScalarAsync<bool>("select exists (select from uploads where session_id = @id)", new { id = Guid.Parse(id) });
    }
}
