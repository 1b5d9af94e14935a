using Streaming.IntegrationTests.Fixtures;
using Xunit;

namespace Streaming.IntegrationTests.Http;

public sealed class IconTests(ServiceFixture service) : IClassFixture<ServiceFixture>
{
    [Fact]
    public async Task Icon_is_where_browsers_look_for_it_unasked()
    {
        using var icon = await service.Host.Client.GetAsync("/favicon.ico");
        icon.EnsureSuccessStatusCode();
        Assert.Equal("image/svg+xml", icon.Content.Headers.ContentType!.MediaType);
    }
}
