using Streaming.IntegrationTests.Fixtures;
using Xunit;

namespace Streaming.IntegrationTests.Transforms;

/// <summary>kill -9 in mid-stream, and a reader that goes on from its cursor.</summary>
public sealed class KillTests
{
    [Fact]
    public async Task Killed_service_goes_on_at_its_next_start_and_its_readers_miss_nothing()
    {
        using var directory = new TemporaryDirectory();
        var service = await ServiceProcess.StartAsync(directory.Path, "--Models:Offline:TokensPerSecond=100");
        try
        {
            var id = (await service.Client.IdeateAsync(ideaCount: 2)).Id();
            var (index, cursor, kills, restarts, ended) = (-1, (string?)null, 0, 0, false);
            // Well below the length of a lease: a start that has the database to itself waits for none.
            using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(25));
            while (!ended)
            {
                try
                {
                    await foreach (var item in service.Client.StreamAsync($"/api/stream/ideation/{id}", cursor, deadline.Token))
                    {
                        if (item.Index is null)
                            continue;
                        Assert.Equal(index + 1, item.First);
                        (index, cursor) = (item.Index.Value, item.Id);
                        restarts += item.Type == "info" ? 1 : 0;
                        ended = item.Type == "end";
                        if (kills == 0 && index > 60)
                        {
                            kills++;
                            await service.KillAsync();
                        }
                    }
                }
                catch (Exception fault) when (fault is IOException or HttpRequestException && kills == 1 && !ended)
                {
                    await service.DisposeAsync();
                    service = await ServiceProcess.StartAsync(directory.Path, "--Models:Offline:TokensPerSecond=0");
                }
            }

            Assert.Equal((1, 1), (kills, restarts));
            var state = await service.Client.StateAsync($"/api/ideations/{id}");
            Assert.Equal(("completed", 2), (state.Status(), state.GetProperty("ideas").GetArrayLength()));
        }
        finally
        {
            await service.DisposeAsync();
        }
    }
}
