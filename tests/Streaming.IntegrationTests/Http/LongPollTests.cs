using System.Globalization;
using System.Net;
using System.Text.Json;
using Streaming.IntegrationTests.Fixtures;
using Xunit;

namespace Streaming.IntegrationTests.Http;

/// <summary>The fallback of a client whose stream is held back: the state by <c>?after=</c> and <c>Prefer: wait</c>, again and again.</summary>
public sealed class LongPollTests(ServiceFixture service) : IClassFixture<ServiceFixture>
{
    [Fact]
    public async Task Long_polls_from_every_cursor_of_a_running_generation_put_together_the_text_of_the_stream()
    {
        const string Tail = """the end"}]}""";
        var mayFinish = new TaskCompletionSource();
        await using var scripted = await ScriptedHost.StartAsync(service.Postgres);
        var pieces = Enumerable.Range(0, 60).Select(i => $"of storm {i}, ").ToArray();
        var script = Script.Begin().Deltas("""{"ideas":[{"title":"One","body":" """);
        // Let out while the readers are at it; the last piece is out before the generation may end.
        var gates = pieces.Select(_ => new TaskCompletionSource()).ToArray();
        for (var i = 0; i < pieces.Length; i++)
            script.Deltas(pieces[i]).Gate(gates[i].Task);

        scripted.Model.Enqueue(script.Gate(mayFinish.Task).Deltas(Tail).Finish("stop").Usage().Done());
        var client = scripted.Client;
        var path = $"/api/ideations/{(await client.IdeateAsync(ideaCount: 1)).Id()}";

        // One more reader with each piece, from the cursor of that moment: who falls back holds what came before.
        var readers = new List<Task<string>>();
        for (var i = 0; i < pieces.Length; i++)
        {
            var state = await SeenAsync(client, path, pieces[i]);
            readers.Add(PollAsync(client, path, state, until: pieces[^1]));
            gates[i].SetResult();
        }

        var texts = await Task.WhenAll(readers).WaitAsync(TimeSpan.FromSeconds(60));
        mayFinish.SetResult();
        await client.EndedAsync(path);
        var stream = (await client.ReadStreamAsync($"/api/stream/ideation/{path.Split('/')[^1]}")).TextOf();
        Assert.EndsWith(Tail, stream, StringComparison.Ordinal);
        Assert.All(texts, text => Assert.Equal(stream[..^Tail.Length], text));
    }

    [Fact]
    public async Task Every_cursor_of_a_running_transform_gives_the_rest_of_it()
    {
        const int Count = 50;
        var client = service.Host.Client;
        var relay = (await client.RelayAsync()).Id();
        for (var i = 0; i < Count; i++)
            await client.PostJsonAsync($"/api/relays/{relay}/messages", new { type = "chunk", text = $"{i} " }, HttpStatusCode.OK);
        for (var index = 0; index < Count; index++)
        {
            var state = await client.StateAsync($"/api/relays/{relay}?after=1-{index.ToString(CultureInfo.InvariantCulture)}");
            Assert.Equal(string.Concat(Enumerable.Range(index, Count - index).Select(i => $"{i} ")), Text(state));
        }
    }

    static async Task<JsonElement> SeenAsync(HttpClient client, string path, string piece)
    {
        JsonElement state = default;
        await Eventually.TrueAsync(async () => Text(state = await client.StateAsync(path)).Contains(piece, StringComparison.Ordinal), piece);
        return state;
    }

    /// <summary>As docs/protocol.md says under "When a proxy buffers".</summary>
    static async Task<string> PollAsync(HttpClient client, string path, JsonElement state, string until)
    {
        var text = Text(state);
        string? tag = null;
        while (!text.Contains(until, StringComparison.Ordinal))
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, $"{path}?after={state.GetProperty("lastEventId").GetString()}");
            request.Headers.Add("Prefer", "wait=25");
            if (tag is not null)
                request.Headers.TryAddWithoutValidation("If-None-Match", tag);
            using var response = await client.SendAsync(request);
            if (response.StatusCode == HttpStatusCode.NotModified)
                continue;
            response.EnsureSuccessStatusCode();
            tag = response.Headers.ETag!.Tag;
            state = JsonSerializer.Deserialize<JsonElement>(await response.Content.ReadAsStringAsync());
            text += Text(state);
        }

        return text;
    }

    static string Text(JsonElement state) => state.TryGetProperty("streamingData", out var data)
        ? string.Concat(data.GetProperty("chunks").EnumerateArray().Select(chunk => chunk.GetProperty("text").GetString())) : "";
}
