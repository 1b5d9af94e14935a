using System.Net;
using Streaming.IntegrationTests.Fixtures;
using Xunit;

namespace Streaming.IntegrationTests.Transforms;

/// <summary>Requests and generations in processes of their own.</summary>
public sealed class RoleTests(PostgresServer postgres)
{
    Task<ServiceHost> StartAsync(string role, string? database = null) =>
        ServiceHost.StartAsync(postgres, [new("Streaming:Role", role)], database);

    [Fact]
    public async Task Worker_runs_what_an_api_is_asked_for()
    {
        await using var api = await StartAsync("api");
        var path = $"/api/ideations/{(await api.Client.IdeateAsync()).Id()}";
        // Ready, with nobody there who would run it.
        Assert.Equal("""{"status":"ready","checks":{"database":true,"listener":true,"worker":null,"replica":null}}""", await api.Client.GetStringAsync("/health/ready"));
        Assert.Equal("queued", (await api.Client.StateAsync(path)).Status());
        using var stream = await api.Client.OpenStreamAsync(path.Replace("/ideations/", "/stream/ideation/", StringComparison.Ordinal));

        await using var worker = await StartAsync("worker", api.ConnectionString);

        await using var body = await stream.Content.ReadAsStreamAsync();
        var events = await body.EventsAsync().ToListAsync();
        Assert.Equal("end", events[^1].Type);
        Assert.Equal(Enumerable.Range(0, events.Count), events.Select(e => e.First!.Value));
        Assert.Equal("completed", (await api.Client.StateAsync(path)).Status());
    }

    [Theory]
    [InlineData("/")]
    [InlineData("/api/ideations")]
    [InlineData("/api/stream/ideation/00000000-0000-0000-0000-000000000000")]
    [InlineData("/openapi/v1.json")]
    [InlineData("/schemas/messages.json")]
    public async Task Worker_answers_nothing_but_its_health(string path)
    {
        await using var worker = await StartAsync("worker");

        using var answer = await worker.Client.GetAsync(path);

        Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
        Assert.Contains("not_found", await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Equal("""{"status":"ready","checks":{"database":true,"listener":true,"worker":true,"replica":null}}""", await worker.Client.GetStringAsync("/health/ready"));
    }
}
