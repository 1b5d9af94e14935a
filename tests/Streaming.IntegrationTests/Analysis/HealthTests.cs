using System.Net;
using System.Text.Json;
using Streaming.Images;
using Streaming.IntegrationTests.Fixtures;
using Xunit;

namespace Streaming.IntegrationTests.Analysis;

/// <summary>What the service says of its analyses: health, metrics, the self-test.</summary>
public sealed class HealthTests(ServiceFixture service) : IClassFixture<ServiceFixture>
{
    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    HttpClient Client => service.Host.Client;

    [Theory]
    [InlineData("/health/live")]
    [InlineData("/health/ready")]
    [InlineData("/api/v1/stream/health")]
    public async Task Service_that_works_says_so(string path)
    {
        using var response = await Client.GetAsync(path, Cancellation);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    [Fact]
    public async Task Health_says_what_each_part_is_like()
    {
        var health = await Client.StateAsync("/api/v1/stream/health");
        Assert.Equal(["database", "imageDecoder", "listener", "model", "worker"], health.GetProperty("checks").EnumerateObject().Select(check => check.Name).Order());
        Assert.All(health.GetProperty("checks").EnumerateObject().Where(check => check.Name != "imageDecoder"), check => Assert.Equal(JsonValueKind.True, check.Value.ValueKind));
    }

    [Fact]
    public async Task Without_a_decoder_health_is_degraded_and_an_analysis_goes_by_the_header_with_a_warning()
    {
        await using var host = await ServiceHost.StartAsync(service.Postgres, [new("Images:Program", "/nowhere/vips")]);
        var health = await host.Client.StateAsync("/api/v1/stream/health");
        Assert.Equal(("degraded", false), (health.GetProperty("status").GetString(), health.GetProperty("checks").GetProperty("imageDecoder").GetBoolean()));
        var made = await host.Client.AnalyzeAsync(SampleImage.Png());
        var events = await host.Client.ReadStreamAsync($"/api/stream/analysis/{made.Id()}");
        Assert.Equal("image_program_missing", Assert.Single(events, e => e.Type == "warning").Data.GetProperty("code").GetString());
        var state = await host.Client.StateAsync($"/api/analyses/{made.Id()}");
        Assert.Equal("completed", state.Status());
        var features = state.GetProperty("imageAnalysis").GetProperty("features");
        Assert.Equal(("header", 256, 192), (features.GetProperty("source").GetString(), features.GetProperty("width").GetInt32(), features.GetProperty("height").GetInt32()));
        Assert.NotEmpty(state.Suggestions());
    }

    [Fact]
    public async Task Service_that_has_lost_its_worker_is_unhealthy()
    {
        await using var host = await ServiceHost.StartAsync(service.Postgres);
        await host.Service<Streaming.Transforms.TransformWorker>().StopAsync(Cancellation);
        using var response = await host.Client.GetAsync("/api/v1/stream/health", Cancellation);
        var health = JsonElement.Parse(await response.Content.ReadAsStringAsync(Cancellation));
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "unhealthy", false), (response.StatusCode, health.GetProperty("status").GetString(), health.GetProperty("checks").GetProperty("worker").GetBoolean()));
    }

    [Fact]
    public async Task Self_test_passes_check_by_check_and_leaves_nothing_behind()
    {
        await using var host = await ServiceHost.StartAsync(service.Postgres);
        var report = await host.Client.PostJsonAsync("/api/v1/stream/test", null, HttpStatusCode.OK);
        Assert.True(report.GetProperty("passed").GetBoolean(), report.GetRawText());
        Assert.Equal(["completed", "strategy", "phases", "progress", "image", "suggestions", "validation", "messages", "time"],
            report.GetProperty("checks").EnumerateArray().Select(check => check.GetProperty("name").GetString()));
        Assert.Equal(0, (await host.Client.StateAsync("/api/analyses")).GetProperty("items").GetArrayLength());
        Assert.Equal(0, (await host.Client.StateAsync("/api/v1/stream/metrics")).GetProperty("analyses").GetInt32());
    }

    [Fact]
    public async Task Metrics_are_those_of_the_table_by_status_and_strategy()
    {
        await using var host = await ServiceHost.StartAsync(service.Postgres);
        var empty = await host.Client.StateAsync("/api/v1/stream/metrics");
        Assert.Equal((0, JsonValueKind.Null), (empty.GetProperty("analyses").GetInt32(), empty.GetProperty("withinTarget").ValueKind));
        var standard = await host.Client.AnalyzedAsync(SampleImage.Png());
        var quick = await host.Client.AnalyzedAsync(SampleImage.Png(), "?timeBudgetMs=500&reuse=false");
        await host.Client.AnalyzedAsync(SampleImage.Png());
        var metrics = await host.Client.StateAsync("/api/v1/stream/metrics");
        Assert.Equal((3, 3, 1, 12000, 1.0), (metrics.GetProperty("analyses").GetInt32(), metrics.GetProperty("byStatus").GetProperty("completed").GetInt32(), metrics.GetProperty("reused").GetInt32(),
            metrics.GetProperty("targetMs").GetInt32(), metrics.GetProperty("withinTarget").GetDouble()));
        Assert.True(metrics.GetProperty("p95Ms").GetInt64() >= metrics.GetProperty("medianMs").GetInt64());
        string[] used = [standard.GetProperty("strategy").GetString()!, quick.GetProperty("strategy").GetString()!];
        Assert.Superset(used.ToHashSet(), metrics.GetProperty("strategies").EnumerateArray().Select(line => line.GetProperty("strategy").GetString()!).ToHashSet());
        Assert.Equal(3, metrics.GetProperty("strategies").EnumerateArray().Sum(line => line.GetProperty("analyses").GetInt32()));
    }
}
