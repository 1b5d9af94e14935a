using System.Text;
using System.Text.Json;
using Npgsql;
using Streaming.IntegrationTests.Fixtures;
using Xunit;

namespace Streaming.IntegrationTests.Http.Limits;

/// <summary>No message of a run is larger than <c>Messages:DataBytesMax</c>, whatever a model writes.</summary>
public sealed class MessageSizeTests(PostgresServer postgres) : IAsyncLifetime
{
    const int BytesMax = 4096;

    ScriptedHost _host = null!;

    HttpClient Client => _host.Client;

    public async ValueTask InitializeAsync() => _host = await ScriptedHost.StartAsync(
        postgres, [new("Messages:DataBytesMax", $"{BytesMax}"), new("Models:TextBytesMax", $"{16 * 1024 * 1024}")]);

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Fact]
    public async Task Delta_of_5_megabytes_is_sent_in_pieces_that_cut_no_character()
    {
        // Of one, two, three and four bytes in UTF-8, what JSON escapes, and a pair at every place of a piece's end.
        var text = string.Concat(Enumerable.Repeat("aé漢🙂\"\n\u0001🙂", 5 * 1024 * 1024 / 19));
        const string Idea = """{"ideas":[{"title":"One","body":"b"}]}""";
        _host.Model.Enqueue(Script.Answer(text, Idea));
        var made = await Client.IdeateAsync(ideaCount: 1);
        Assert.Equal("completed", (await Client.EndedAsync($"/api/ideations/{made.Id()}")).Status());

        var events = await Client.ReadStreamAsync(made.GetProperty("streamUrl").GetString()!);
        Assert.Equal(text + Idea, events.TextOf());
        Assert.InRange(await LargestAsync(), BytesMax / 4, BytesMax);
    }

    [Fact]
    public async Task Chunk_at_the_limit_is_one_message_and_one_byte_more_is_several()
    {
        var room = BytesMax - Encoding.UTF8.GetByteCount("""{"stage":"ideas","text":""}""");
        foreach (var (characters, chunks) in ((int, int)[])[(room, 1), (room + 1, 7)])
        {
            _host.Model.Enqueue(Script.Answer(new string('x', characters)), Script.Answer("""{"ideas":[{"title":"One","body":"b"}]}"""));
            var made = await Client.IdeateAsync(ideaCount: 1);
            await Client.EndedAsync($"/api/ideations/{made.Id()}");
            Assert.Equal(chunks, await ScalarAsync<long>(
                $"select count(*) from transform_chunks join transforms on id = transform_id where session_id = '{made.Id()}' and chunk_type = 'chunk' and chunk_data like '%xx%'"));
        }

        Assert.Equal(BytesMax, await LargestAsync());
    }

    [Fact]
    public async Task Artifact_over_the_limit_fails_the_run_and_what_was_made_before_is_kept()
    {
        // Its own fields and those of the message around it.
        var room = BytesMax - Encoding.UTF8.GetByteCount(
            $$$"""{"artifactType":"idea","artifactId":"{{{Guid.NewGuid()}}}","position":1,"data":{"title":"Two","body":""}}""");
        var (whole, _) = await RunAsync(room);
        Assert.Equal("completed", whole.Status());
        Assert.Equal(2, whole.GetProperty("ideas").GetArrayLength());

        var (refused, events) = await RunAsync(room + 1);
        Assert.Equal("output_too_large", refused.GetProperty("error").GetProperty("code").GetString());
        Assert.Equal("One", Assert.Single(refused.GetProperty("ideas").EnumerateArray()).GetProperty("title").GetString());
        Assert.Equal(["error", "end"], events.TakeLast(2).Select(e => e.Type));
        Assert.Equal(BytesMax, await ScalarAsync<int>("select max(octet_length(chunk_data)) from transform_chunks where chunk_type = 'artifact'"));
        Assert.InRange(await LargestAsync(), 1, BytesMax);

        async Task<(JsonElement, List<StreamEvent>)> RunAsync(int characters)
        {
            _host.Model.Enqueue(Script.Answer(
                $$$"""{"ideas":[{"title":"One","body":"b"},{"title":"Two","body":"{{{new string('x', characters)}}}"}]}"""));
            var made = await Client.IdeateAsync(ideaCount: 2);
            var state = await Client.EndedAsync($"/api/ideations/{made.Id()}");
            return (state, await Client.ReadStreamAsync(made.GetProperty("streamUrl").GetString()!));
        }
    }

    [Fact]
    public async Task Result_at_the_limit_is_sent_and_one_byte_more_fails_the_run_with_all_parts_kept()
    {
        var room = BytesMax - Encoding.UTF8.GetByteCount("""{"ideas":[{"title":"1","body":""},{"title":"2","body":""}]}""");
        foreach (var (characters, expected) in ((int, string)[])[(room, "completed"), (room + 1, "failed")])
        {
            var (one, two) = (new string('x', characters / 2), new string('y', characters - characters / 2));
            _host.Model.Enqueue(Script.Answer($$$"""{"ideas":[{"title":"1","body":"{{{one}}}"},{"title":"2","body":"{{{two}}}"}]}"""));
            var made = await Client.IdeateAsync(ideaCount: 2);
            var state = await Client.EndedAsync($"/api/ideations/{made.Id()}");
            Assert.Equal(expected, state.Status());
            Assert.Equal([one, two], state.GetProperty("ideas").EnumerateArray().Select(idea => idea.GetProperty("body").GetString()!));
            if (expected == "failed")
                Assert.Equal("output_too_large", state.GetProperty("error").GetProperty("code").GetString());
        }

        Assert.Equal(BytesMax, await ScalarAsync<int>("select max(octet_length(chunk_data)) from transform_chunks where chunk_type = 'result'"));
    }

    [Fact]
    public async Task Part_that_is_nested_too_deep_is_not_taken_and_one_at_the_limit_can_be_read_by_everybody()
    {
        _host.Model.Enqueue(
            Script.Answer("""{"title":"T","genre":"g","sellingPoints":"s","setting":"s","synopsis":"s"}"""),
            // The element stands two levels down and its list holds so many more.
            Script.Answer($$$"""{"characters":[{"name":"Ada","role":"r","description":"d","more":{{{Nested(29)}}}},{"name":"Deep","role":"r","description":"d","more":{{{Nested(30)}}}}]}"""),
            Script.Answer("""{"stages":[{"title":"One","episodes":"1","summary":"s"}]}"""));
        var made = await Client.PostJsonAsync("/api/outlines", new { source = new { title = "t", text = "x" } });
        var state = await Client.EndedAsync($"/api/outlines/{made.Id()}");
        Assert.Equal("completed", state.Status());
        Assert.Equal("Ada", Assert.Single(state.GetProperty("components").GetProperty("characters").EnumerateArray()).GetProperty("name").GetString());
        var events = await Client.ReadStreamAsync(made.GetProperty("streamUrl").GetString()!);
        Assert.Contains(events, e => e.Type == "artifact" && e.Data.GetProperty("data").GetProperty("name").GetString() == "characters");

        static string Nested(int depth) => new string('[', depth) + new string(']', depth);
    }

    Task<int> LargestAsync() => ScalarAsync<int>("select max(octet_length(chunk_data)) from transform_chunks");

    async Task<T> ScalarAsync<T>(string sql)
    {
        await using var source = NpgsqlDataSource.Create(_host.Host.ConnectionString);
        await using var command = source.CreateCommand(sql);
        return (T)(await command.ExecuteScalarAsync(TestContext.Current.CancellationToken))!;
    }
}
