using System.Net;
using Streaming.IntegrationTests.Fixtures;
using Xunit;

namespace Streaming.IntegrationTests.Http;

/// <summary>The browser client under <c>/client</c>, as it lies in src/web-client.</summary>
public sealed class ClientFilesTests(ServiceFixture service) : IClassFixture<ServiceFixture>
{
    [Theory]
    [InlineData("index.js")]
    [InlineData("many.js")]
    [InlineData("react.js")]
    [InlineData("lib/stream-processor.js")]
    public async Task Module_of_the_client_is_served_as_it_is_and_asked_for_anew_each_time(string name)
    {
        using var answer = await service.Host.Client.GetAsync($"/client/{name}");

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal("text/javascript", answer.Content.Headers.ContentType!.MediaType);
        Assert.Equal("no-cache", answer.Headers.CacheControl!.ToString());
        Assert.Equal(await File.ReadAllTextAsync(Path.Combine(RepositoryRoot(), "src", "web-client", name)), await answer.Content.ReadAsStringAsync());
    }

    [Theory]
    [InlineData("package.json")]
    [InlineData("tests/fake-service.js")]
    [InlineData("../appsettings.json")]
    public async Task Nothing_else_is_served(string name)
    {
        using var answer = await service.Host.Client.GetAsync($"/client/{name}");

        Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
    }

    static string RepositoryRoot()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "Streaming.sln")))
            folder = folder.Parent!;
        return folder.FullName;
    }
}
