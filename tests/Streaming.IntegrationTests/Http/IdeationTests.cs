using System.Net;
using Streaming.IntegrationTests.Fixtures;
using Xunit;

namespace Streaming.IntegrationTests.Http;

public sealed class IdeationTests(ServiceFixture service) : IClassFixture<ServiceFixture>
{
    HttpClient Client => service.Host.Client;

    [Fact]
    public async Task An_ideation_streams_its_ideas_and_keeps_them()
    {
        var state = await Client.IdeateAsync(ideaCount: 3);
        var events = await Client.ReadStreamAsync($"/api/stream/ideation/{state.Id()}");

        Assert.Equal("start", events[0].Type);
        Assert.Equal("end", events[^1].Type);
        Assert.Equal("completed", events[^1].Data.Status());
        Assert.Equal(3, events.Count(e => e.Type == "artifact"));
        Assert.Contains(events, e => e.Type == "result");

        var done = await Client.StateAsync($"/api/ideations/{state.Id()}");
        Assert.Equal("completed", done.Status());
        Assert.Equal("offline", done.GetProperty("provider").GetString());
        Assert.Equal(3, done.GetProperty("ideas").GetArrayLength());
        Assert.False(done.TryGetProperty("streamingData", out _));
        Assert.Equal(events[^1].Id, done.GetProperty("lastEventId").GetString());
        using var again = await Client.OpenStreamAsync($"/api/stream/ideation/{state.Id()}", events[^1].Id);
        Assert.Equal(HttpStatusCode.NoContent, again.StatusCode);
    }
}
