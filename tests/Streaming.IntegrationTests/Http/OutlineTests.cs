using System.Text.Json;
using Streaming.IntegrationTests.Fixtures;
using Xunit;

namespace Streaming.IntegrationTests.Http;

public sealed class OutlineTests(ServiceFixture service) : IClassFixture<ServiceFixture>
{
    HttpClient Client => service.Host.Client;

    [Fact]
    public async Task Outline_of_an_idea_keeps_to_the_genres_and_the_platform_of_its_ideation()
    {
        var ideation = await Client.PostJsonAsync("/api/ideations", new
        {
            userInput = "A dragon who keeps a lighthouse",
            selectedPlatform = "Podcast",
            genrePaths = new object[] { new[] { "Drama", "Family" }, "Mystery" },
            genreProportions = new[] { 30, 70 },
            ideaCount = 1,
        });
        await Client.EndedAsync($"/api/ideations/{ideation.Id()}");

        var made = await Client.PostJsonAsync("/api/outlines", new { ideationId = ideation.Id(), ideaIndex = 0 });
        var outline = await Client.EndedAsync($"/api/outlines/{made.Id()}");

        var source = outline.GetProperty("sourceArtifact");
        foreach (var name in (string[])["genrePaths", "genreProportions", "selectedPlatform"])
            Assert.True(JsonElement.DeepEquals(ideation.GetProperty(name), source.GetProperty(name)), name);
        Assert.Equal("Mystery, with family", outline.GetProperty("components").GetProperty("genre").GetString());
        Assert.Contains("made for Podcast", outline.GetProperty("components").GetProperty("setting").GetString());
    }

    [Fact]
    public async Task Outline_of_a_text_has_no_genres_but_its_own()
    {
        var made = await Client.PostJsonAsync("/api/outlines", new { source = new { title = "T", text = "A comedy of errors." } });
        var outline = await Client.EndedAsync($"/api/outlines/{made.Id()}");
        Assert.Equal(["title", "text"], outline.GetProperty("sourceArtifact").EnumerateObject().Select(property => property.Name).OrderDescending());
        Assert.Equal("Comedy", outline.GetProperty("components").GetProperty("genre").GetString());
    }
}
