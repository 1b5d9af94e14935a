using System.Net.Http.Json;
using System.Text.Json;
using Streaming.IntegrationTests.Fixtures;
using Streaming.Tests.Images;
using Xunit;

namespace Streaming.IntegrationTests.Analysis;

/// <summary>kill -9 between two suggestions: the phases that were over are not done again, and no suggestion comes twice.</summary>
public sealed class AnalysisKillTests
{
    [Fact]
    public async Task Killed_service_goes_on_with_the_suggestions_that_are_missing()
    {
        using var directory = new TemporaryDirectory();
        var service = await ServiceProcess.StartAsync(directory.Path, "--Models:Offline:TokensPerSecond=25");
        try
        {
            using var response = await service.Client.SendAnalysisAsync(TestImages.Png(640, 400), "?suggestionCount=4&timeBudgetMs=12000");
            var id = (await response.Content.ReadFromJsonAsync<JsonElement>()).Id();
            var (index, cursor, isKilled, all) = (-1, (string?)null, false, new List<StreamEvent>());
            using var deadline = new CancellationTokenSource(TimeSpan.FromMinutes(2));
            while (all.Count == 0 || all[^1].Type != "end")
            {
                try
                {
                    await foreach (var item in service.Client.StreamAsync($"/api/stream/analysis/{id}", cursor, deadline.Token))
                    {
                        if (item.Index is null)
                            continue;
                        Assert.Equal(index + 1, item.First);
                        (index, cursor) = (item.Index.Value, item.Id);
                        all.Add(item);
                        if (!isKilled && Artifacts(all, "suggestion").Count > 0)
                        {
                            isKilled = true;
                            await service.KillAsync();
                        }
                    }
                }
                catch (Exception fault) when (fault is IOException or HttpRequestException && isKilled && all[^1].Type != "end")
                {
                    await service.DisposeAsync();
                    service = await ServiceProcess.StartAsync(directory.Path, "--Models:Offline:TokensPerSecond=0");
                }
            }

            Assert.Contains(all, item => item.Type == "info" && item.Data.GetProperty("code").GetString() == "restarted");
            Assert.Single(Artifacts(all, "image_analysis"));
            Assert.Single(Artifacts(all, "strategy"));
            var positions = Artifacts(all, "suggestion").Select(item => item.Data.GetProperty("position").GetInt32()).ToList();
            Assert.Equal(positions.Distinct(), positions);
            var state = await service.Client.StateAsync($"/api/analyses/{id}");
            Assert.Equal("completed", state.Status());
            Assert.NotEmpty(state.Suggestions());
        }
        finally
        {
            await service.DisposeAsync();
        }
    }

    static List<StreamEvent> Artifacts(List<StreamEvent> events, string type) =>
        [.. events.Where(item => item.Type == "artifact" && item.Data.GetProperty("artifactType").GetString() == type)];
}
