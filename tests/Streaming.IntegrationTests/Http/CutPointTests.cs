using System.Text.Json;
using Streaming.IntegrationTests.Fixtures;
using Xunit;

namespace Streaming.IntegrationTests.Http;

/// <summary>GET, then SSE from its <c>lastEventId</c>: nothing missed and nothing twice, wherever the cut is.</summary>
public sealed class CutPointTests(ServiceFixture service) : IClassFixture<ServiceFixture>
{
    [Fact]
    public async Task State_and_stream_join_at_every_cut_of_a_running_transform()
    {
        await using var host = await ServiceHost.StartAsync(service.Postgres, [new("Models:Offline:TokensPerSecond", "150")]);
        var client = host.Client;
        var id = (await client.IdeateAsync(ideaCount: 1)).Id();
        var joins = new List<Task<(string Text, int Cut)>>();
        string status;
        do
        {
            // Each state that a client may come upon, and the stream from there, while it runs.
            var state = await client.StateAsync($"/api/ideations/{id}");
            status = state.Status();
            joins.Add(JoinAsync(client, id, state));
        } while (status is "queued" or "streaming");

        var clean = (await client.ReadStreamAsync($"/api/stream/ideation/{id}")).TextOf();
        var texts = await Task.WhenAll(joins);
        Assert.All(texts[..^1], join => Assert.Equal(clean, join.Text));
        Assert.True(texts.Select(join => join.Cut).Distinct().Count() > 5, "the states were taken at different cuts");
    }

    [Fact]
    public async Task Readers_that_are_cut_at_random_get_every_message_once_and_in_order()
    {
        var seed = Environment.TickCount;
        TestContext.Current.SendDiagnosticMessage($"seed {seed}");
        await using var host = await ServiceHost.StartAsync(service.Postgres,
            [new("Models:Offline:TokensPerSecond", "150"), new("Subscriptions:WindowMessagesMax", "16")]);
        var id = (await host.Client.IdeateAsync(ideaCount: 1)).Id();
        var readers = await Task.WhenAll(Enumerable.Range(0, 20).Select(i => ReadWithCutsAsync(host.Client, id, new Random(seed + i))));
        var clean = await host.Client.ReadStreamAsync($"/api/stream/ideation/{id}");
        foreach (var (text, cuts, error) in readers)
        {
            Assert.True(error is null, $"seed {seed}: {error}");
            Assert.Equal(clean.TextOf(), text);
            Assert.True(cuts > 0);
        }
    }

    [Fact]
    public async Task Every_cursor_of_a_finished_stream_gives_the_rest_of_it()
    {
        var client = service.Host.Client;
        var id = (await client.IdeateAsync(ideaCount: 1)).Id();
        await client.EndedAsync($"/api/ideations/{id}");
        var clean = await client.ReadStreamAsync($"/api/stream/ideation/{id}");
        var (text, lastIndex) = (clean.TextOf(), clean[^1].Index!.Value);
        for (var index = 0; index < lastIndex; index++)
        {
            var rest = await client.ReadStreamAsync($"/api/stream/ideation/{id}", $"1-{index}");
            Assert.Equal(index + 1, rest[0].First);
            Assert.Equal(lastIndex, rest[^1].Index);
            Assert.EndsWith(rest.TextOf(), text, StringComparison.Ordinal);
        }
    }

    static async Task<(string Text, int Cut)> JoinAsync(HttpClient client, string id, JsonElement state)
    {
        var cursor = state.GetProperty("lastEventId").GetString()!;
        var (text, index) = ("", int.Parse(cursor.Split('-')[1], null));
        if (state.TryGetProperty("streamingData", out var live))
            text = string.Concat(live.GetProperty("chunks").EnumerateArray().Select(chunk => chunk.GetProperty("text").GetString()));
        var cut = index;
        await foreach (var item in client.StreamAsync($"/api/stream/ideation/{id}", cursor))
        {
            if (item.Index is null)
                continue;
            Assert.Equal(index + 1, item.First);
            index = item.Index.Value;
            text += item.Type == "chunk" ? item.Text : "";
        }

        return (text, cut);
    }

    static async Task<(string Text, int Cuts, string? Error)> ReadWithCutsAsync(HttpClient client, string id, Random random)
    {
        var (text, index, cuts, cursor) = ("", -1, 0, (string?)null);
        while (true)
        {
            var left = random.Next(1, 30);
            await foreach (var item in client.StreamAsync($"/api/stream/ideation/{id}", cursor))
            {
                if (item.Index is null)
                    continue;
                if (item.First != index + 1)
                    return (text, cuts, $"got {item.First} after {index}");
                (index, cursor) = (item.Index.Value, item.Id);
                text += item.Type == "chunk" ? item.Text : "";
                if (item.Type == "end")
                    return (text, cuts, null);
                if (--left == 0)
                    break;
            }

            cuts++;
        }
    }
}
