using System.Net;
using System.Text.Json;
using Streaming.Images;
using Streaming.IntegrationTests.Fixtures;
using Streaming.Tests.Images;
using Xunit;

namespace Streaming.IntegrationTests.Analysis;

/// <summary>What an earlier analysis has made is used again: of the same picture, with the same words, by the same user.</summary>
public sealed class ReuseTests(JwtFixture service) : IClassFixture<JwtFixture>
{
    static byte[] Picture(int number) => TestImages.Png(100 + number, 80);

    static async Task<List<StreamEvent>> EventsAsync(HttpClient client, JsonElement state) => await client.ReadStreamAsync($"/api/stream/analysis/{state.Id()}");

    static string? CacheOf(IEnumerable<StreamEvent> events) => events.SingleOrDefault(e => e.Type == "cache")?.Data.GetProperty("source").GetString();

    [Fact]
    public async Task Same_picture_with_the_same_words_is_taken_over_in_full_and_told()
    {
        var first = await service.Ada.AnalyzedAsync(Picture(1), "?context=What%20now%3F");
        var again = await service.Ada.AnalyzeAsync(Picture(1), "?context=%20What%20%20now%3F%20");
        var events = await EventsAsync(service.Ada, again);
        var state = await service.Ada.StateAsync($"/api/analyses/{again.Id()}");
        Assert.Equal("full", CacheOf(events));
        Assert.Equal(("completed", "full"), (state.Status(), state.GetProperty("cache").GetString()));
        foreach (var field in (string[])["suggestions", "imageAnalysis", "situation", "rejected"])
            Assert.True(JsonElement.DeepEquals(first.GetProperty(field), state.GetProperty(field)), field);
        Assert.NotEqual(first.Id(), state.Id());
        Assert.DoesNotContain(events, e => e.Type == "chunk");
        Assert.Equal([30, 50, 80, 100], events.Where(e => e.Type == "stage_complete").Select(e => e.Data.GetProperty("progress").GetDouble()));
        Assert.False(first.TryGetProperty("cache", out _));
    }

    [Fact]
    public async Task Same_picture_with_other_words_is_looked_at_once_alone()
    {
        var first = await service.Ada.AnalyzedAsync(Picture(2), "?context=What%20now%3F");
        foreach (var query in (string[])["?context=And%20then%3F", "?context=What%20now%3F&language=en", "?context=What%20now%3F&suggestionCount=1", ""])
        {
            var made = await service.Ada.AnalyzeAsync(Picture(2), query);
            var events = await EventsAsync(service.Ada, made);
            var state = await service.Ada.StateAsync($"/api/analyses/{made.Id()}");
            Assert.Equal(("partial", "partial"), (CacheOf(events), state.GetProperty("cache").GetString()));
            Assert.True(JsonElement.DeepEquals(first.GetProperty("imageAnalysis"), state.GetProperty("imageAnalysis")));
            Assert.NotEmpty(state.Suggestions());
        }
    }

    [Fact]
    public async Task Another_picture_is_looked_at_anew()
    {
        await service.Ada.AnalyzedAsync(Picture(3), "?context=What%20now%3F");
        Assert.Null(CacheOf(await EventsAsync(service.Ada, await service.Ada.AnalyzeAsync(Picture(4), "?context=What%20now%3F"))));
    }

    [Fact]
    public async Task Nothing_is_used_again_that_is_not_wanted_or_not_as_thorough()
    {
        var quick = await service.Ada.AnalyzedAsync(Picture(5), "?timeBudgetMs=600");
        Assert.Equal("ultra_fast", quick.GetProperty("strategy").GetString());
        var thorough = await service.Ada.AnalyzeAsync(Picture(5));
        Assert.Null(CacheOf(await EventsAsync(service.Ada, thorough)));
        // The other way round it is.
        Assert.Equal("full", CacheOf(await EventsAsync(service.Ada, await service.Ada.AnalyzeAsync(Picture(5), "?timeBudgetMs=600"))));
        Assert.Null(CacheOf(await EventsAsync(service.Ada, await service.Ada.AnalyzeAsync(Picture(5), "?reuse=false"))));
    }

    [Fact]
    public async Task Another_users_analysis_of_the_same_picture_is_never_used()
    {
        var secret = await service.Ada.AnalyzedAsync(SampleImage.Png(), "?context=Ada%20only");
        foreach (var query in (string[])["?context=Ada%20only", ""])
        {
            var made = await service.Eve.AnalyzeAsync(SampleImage.Png(), query + (query.Length > 0 ? "&" : "?") + "priority=standard");
            var events = await EventsAsync(service.Eve, made);
            Assert.Null(CacheOf(events));
            Assert.DoesNotContain(events, e => e.Data.GetRawText().Contains(secret.Id(), StringComparison.Ordinal));
            await service.Eve.DeleteAsync($"/api/analyses/{made.Id()}", TestContext.Current.CancellationToken);
        }
    }

    [Fact]
    public async Task What_was_guided_is_not_what_was_asked()
    {
        var first = await service.Ada.AnalyzedAsync(Picture(6));
        await using var connection = new Npgsql.NpgsqlConnection(service.Host.ConnectionString);
        await connection.OpenAsync(TestContext.Current.CancellationToken);
        await using var command = new Npgsql.NpgsqlCommand("insert into guidance (session_id, position, id, idempotency_key, text) values ($1, 0, $2, 'k', 'shorter')", connection)
        {
            Parameters = { new() { Value = Guid.Parse(first.Id()) }, new() { Value = Guid.NewGuid() } },
        };
        await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
        Assert.Equal("partial", CacheOf(await EventsAsync(service.Ada, await service.Ada.AnalyzeAsync(Picture(6)))));
    }

    [Fact]
    public async Task Upload_of_another_user_is_as_good_as_none()
    {
        var upload = (await service.Ada.UploadImageAsync(Picture(7))).Id();
        var refused = await service.Eve.PostJsonAsync("/api/v1/stream/analyze", new { uploadId = upload }, HttpStatusCode.BadRequest);
        var none = await service.Eve.PostJsonAsync("/api/v1/stream/analyze", new { uploadId = Guid.NewGuid() }, HttpStatusCode.BadRequest);
        Assert.Equal(none.GetProperty("errors").GetRawText(), refused.GetProperty("errors").GetRawText());
    }

    [Fact]
    public async Task Metrics_are_of_ones_own_analyses()
    {
        await service.Ada.AnalyzedAsync(Picture(8), "?reuse=false");
        var (ada, eve) = (await service.Ada.StateAsync("/api/v1/stream/metrics"), await service.Eve.StateAsync("/api/v1/stream/metrics"));
        Assert.True(ada.GetProperty("analyses").GetInt32() >= 1);
        Assert.Equal(0, eve.GetProperty("analyses").GetInt32());
        Assert.Equal(JsonValueKind.Null, eve.GetProperty("medianMs").ValueKind);
    }
}
