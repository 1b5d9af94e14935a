using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Npgsql;
using Streaming.IntegrationTests.Fixtures;
using Xunit;

namespace Streaming.IntegrationTests.Http;

/// <summary>Any writer counts: HTTP, <c>append_message</c>, and a row inserted by hand reach an open stream alike.</summary>
public sealed class RelayTests(ServiceFixture service) : IClassFixture<ServiceFixture>
{
    static readonly TimeSpan Promptly = TimeSpan.FromMilliseconds(100);

    HttpClient Client => service.Host.Client;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Body_counts_with_and_without_a_length(bool isChunked)
    {
        using var content = JsonContent.Create(new { title = "of any length" });
        if (!isChunked)
            await content.LoadIntoBufferAsync(TestContext.Current.CancellationToken);
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/relays") { Content = content };
        request.Headers.TransferEncodingChunked = isChunked;
        using var response = await service.Host.Client.SendAsync(request);
        Assert.Contains("of any length", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Messages_are_answered_when_durable_and_stream_in_order()
    {
        var relay = await Client.RelayAsync();
        var one = await AppendAsync(relay.Id(), new { type = "chunk", text = "a", extra = new { deep = true } });
        Assert.Equal(("1-1", 1, 1, false), (one.GetProperty("lastEventId").GetString(), one.GetProperty("firstIndex").GetInt32(), one.GetProperty("lastIndex").GetInt32(), one.GetProperty("duplicate").GetBoolean()));
        var many = await AppendAsync(relay.Id(), new object[] { new { type = "chunk", text = "b" }, new { type = "custom", value = 7 } });
        Assert.Equal((2, 3), (many.GetProperty("firstIndex").GetInt32(), many.GetProperty("lastIndex").GetInt32()));
        await Client.PostJsonAsync($"/api/relays/{relay.Id()}/end", null);

        var events = await Client.ReadStreamAsync($"/api/stream/relay/{relay.Id()}");
        Assert.Equal(["start", "chunk", "chunk", "custom", "end"], events.Select(e => e.Type));
        Assert.True(events[1].Data.GetProperty("extra").GetProperty("deep").GetBoolean());
        Assert.Equal(7, events[3].Data.GetProperty("value").GetInt32());
        Assert.Equal("completed", (await Client.StateAsync($"/api/relays/{relay.Id()}")).Status());
    }

    [Fact]
    public async Task Repeated_sequence_is_written_once()
    {
        var relay = await Client.RelayAsync();
        var first = await AppendAsync(relay.Id(), new { producerId = "p", sequence = 5, type = "chunk", text = "a" });
        var again = await AppendAsync(relay.Id(), new { producerId = "p", sequence = 5, type = "chunk", text = "a" });
        Assert.Equal(first.GetProperty("lastEventId").GetString(), again.GetProperty("lastEventId").GetString());
        Assert.True(again.GetProperty("duplicate").GetBoolean());
        await AppendAsync(relay.Id(), new { producerId = "q", sequence = 5, messages = new[] { new { type = "chunk", text = "b" }, new { type = "chunk", text = "c" } } });
        await AppendAsync(relay.Id(), new { producerId = "q", sequence = 5, messages = new[] { new { type = "chunk", text = "b" }, new { type = "chunk", text = "c" } } });
        await AppendAsync(relay.Id(), new[] { new { producerId = "p", sequence = 5, type = "chunk", text = "a" }, new { producerId = "p", sequence = 4, type = "chunk", text = "d" } });
        Assert.Equal("abcd", string.Concat((await Client.StateAsync($"/api/relays/{relay.Id()}")).GetProperty("streamingData").GetProperty("chunks").EnumerateArray().Select(chunk => chunk.GetProperty("text").GetString())));
    }

    [Fact]
    public async Task Same_sequence_from_many_requests_at_once_is_written_once()
    {
        var relay = await Client.RelayAsync();
        var answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => AppendAsync(relay.Id(), new { producerId = "p", sequence = 1, type = "chunk", text = "a" })));
        Assert.Equal(7, answers.Count(answer => answer.GetProperty("duplicate").GetBoolean()));
        Assert.Equal("1-1", (await Client.StateAsync($"/api/relays/{relay.Id()}")).GetProperty("lastEventId").GetString());
    }

    [Fact]
    public async Task Many_writers_at_once_leave_no_gap()
    {
        var relay = await Client.RelayAsync();
        await Task.WhenAll(Enumerable.Range(0, 40).Select(i => AppendAsync(relay.Id(), new { type = "chunk", text = $"{i};" })));
        await Client.PostJsonAsync($"/api/relays/{relay.Id()}/end", null);
        var events = await Client.ReadStreamAsync($"/api/stream/relay/{relay.Id()}");
        Assert.Equal(Enumerable.Range(0, 40).Order(), events.TextOf().Split(';', StringSplitOptions.RemoveEmptyEntries).Select(int.Parse).Order());
        Assert.Equal(41, events[^1].Index);
    }

    [Fact]
    public async Task Ended_relay_refuses_messages_but_not_a_repeat_of_an_old_one()
    {
        var relay = await Client.RelayAsync();
        await AppendAsync(relay.Id(), new { producerId = "p", sequence = 1, type = "chunk", text = "a" });
        await Client.PostJsonAsync($"/api/relays/{relay.Id()}/end", new { status = "failed" });
        await Client.PostJsonAsync($"/api/relays/{relay.Id()}/end", new { status = "failed" });
        await Client.PostJsonAsync($"/api/relays/{relay.Id()}/end", null, HttpStatusCode.Conflict);
        await Client.PostJsonAsync($"/api/relays/{relay.Id()}/messages", new { type = "chunk", text = "b" }, HttpStatusCode.Conflict);
        Assert.True((await AppendAsync(relay.Id(), new { producerId = "p", sequence = 1, type = "chunk", text = "a" })).GetProperty("duplicate").GetBoolean());
        Assert.Equal("failed", (await Client.StateAsync($"/api/relays/{relay.Id()}")).Status());
    }

    [Theory]
    [InlineData("""{"text":"no type"}""")]
    [InlineData("""{"type":""}""")]
    [InlineData("""{"type":"chunk","text":5}""")]
    [InlineData("[]")]
    [InlineData("[1]")]
    [InlineData("7")]
    [InlineData("""{"type":"chunk","producerId":"p"}""")]
    [InlineData("""{"type":"chunk","sequence":-1,"producerId":"p"}""")]
    public async Task Message_that_is_not_valid_is_refused(string body)
    {
        var relay = await Client.RelayAsync();
        await Client.PostJsonAsync($"/api/relays/{relay.Id()}/messages", JsonSerializer.Deserialize<JsonElement>(body), HttpStatusCode.BadRequest);
        Assert.Equal("1-0", (await Client.StateAsync($"/api/relays/{relay.Id()}")).GetProperty("lastEventId").GetString());
    }

    [Theory]
    [InlineData("insert into transform_chunks (transform_id, chunk_index, chunk_type, chunk_data) values ('{0}', {1}, 'chunk', '{{\"text\":\"{2}\"}}')")]
    [InlineData("insert into transform_chunks (transform_id, chunk_index, chunk_type, chunk_data) values ('{0}', {1}, 'chunk', '{2}')")]
    [InlineData("select append_message('{0}', 'chunk', '{2}')")]
    [InlineData("select append_message('{0}', 'chunk', jsonb_build_object('text', '{2}'))")]
    public async Task Row_of_another_program_reaches_an_open_stream_in_under_100_ms(string sql)
    {
        var relay = await Client.RelayAsync();
        var transform = relay.GetProperty("streamingData").GetProperty("transformId").GetString();
        await using var connection = new NpgsqlConnection(service.Host.ConnectionString);
        await connection.OpenAsync();
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        var delays = new List<TimeSpan>();
        await using var events = Client.StreamAsync($"/api/stream/relay/{relay.Id()}", "1-0", deadline.Token).GetAsyncEnumerator();
        for (var i = 1; i <= 5; i++)
        {
            var watch = Stopwatch.StartNew();
            await using var command = new NpgsqlCommand(string.Format(null, sql, transform, i, $"row {i}"), connection);
            await command.ExecuteNonQueryAsync();
            Assert.True(await events.MoveNextAsync());
            delays.Add(watch.Elapsed);
            Assert.Equal((i, $"row {i}"), (events.Current.Index, events.Current.Text));
        }

        // The median: the first has the stream still on its way, and the machine may pause any one of them.
        Assert.True(delays.Order().ElementAt(2) < Promptly, string.Join(", ", delays));
    }

    [Fact]
    public async Task Psql_writes_into_an_open_stream()
    {
        var psql = Environment.GetEnvironmentVariable("PATH")!.Split(':').Select(folder => Path.Combine(folder, "psql")).FirstOrDefault(File.Exists);
        Assert.SkipWhen(psql is null, "psql is not on the PATH");
        var relay = await Client.RelayAsync();
        var transform = relay.GetProperty("streamingData").GetProperty("transformId").GetString();
        var settings = new NpgsqlConnectionStringBuilder(service.Host.ConnectionString);
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        await using var events = Client.StreamAsync($"/api/stream/relay/{relay.Id()}", "1-0", deadline.Token).GetAsyncEnumerator();
        var next = events.MoveNextAsync();
        var start = new ProcessStartInfo(psql!, ["-h", settings.Host!, "-p", settings.Port.ToString(null, null), "-U", settings.Username!, "-d", settings.Database!, "-v", "ON_ERROR_STOP=1",
            "-c", $"insert into transform_chunks (transform_id, chunk_index, chunk_type, chunk_data) values ('{transform}', 1, 'chunk', 'by hand'), ('{transform}', 2, 'end', '{{}}')"])
        {
            Environment = { ["PGPASSWORD"] = settings.Password },
        };
        using var process = Process.Start(start)!;
        await process.WaitForExitAsync(deadline.Token);
        Assert.Equal(0, process.ExitCode);
        Assert.True(await next);
        Assert.Equal("by hand", events.Current.Text);
        Assert.True(await events.MoveNextAsync());
        Assert.Equal("end", events.Current.Type);
        Assert.Equal("completed", (await Client.StateAsync($"/api/relays/{relay.Id()}")).Status());
    }

    [Theory]
    [InlineData("insert into transform_chunks (transform_id, chunk_index, chunk_type, chunk_data) values ('{0}', 2, 'chunk', 'x')", "23514")]
    [InlineData("insert into transform_chunks (transform_id, chunk_index, chunk_type, chunk_data) values ('{0}', 1, 'chunk', 'x'), ('{0}', 3, 'chunk', 'x')", "23514")]
    [InlineData("insert into transform_chunks (transform_id, chunk_index, chunk_type, chunk_data) values ('{0}', 0, 'chunk', 'x')", "23505")]
    [InlineData("insert into transform_chunks (transform_id, chunk_index, chunk_type, chunk_data) values ('{0}', 1, 'end', '{{}}'); insert into transform_chunks (transform_id, chunk_index, chunk_type, chunk_data) values ('{0}', 2, 'chunk', 'x')", "23514")]
    [InlineData("update transform_chunks set chunk_data = 'x' where transform_id = '{0}'", "23000")]
    [InlineData("select append_message('0198c0de-0000-7000-8000-000000000001', 'chunk', 'x')", "55000")]
    public async Task Database_itself_refuses_what_would_break_a_stream(string sql, string state)
    {
        var relay = await Client.RelayAsync();
        await using var connection = new NpgsqlConnection(service.Host.ConnectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(string.Format(null, sql, relay.GetProperty("streamingData").GetProperty("transformId").GetString()), connection);
        var fault = await Assert.ThrowsAsync<PostgresException>(() => command.ExecuteNonQueryAsync());
        Assert.Equal(state, fault.SqlState);
    }

    [Fact]
    public async Task Artifact_of_another_program_appears_in_the_state_and_wakes_a_poll()
    {
        var relay = await Client.RelayAsync();
        using var known = await Client.GetAsync($"/api/relays/{relay.Id()}");
        using var request = new HttpRequestMessage(HttpMethod.Get, $"/api/relays/{relay.Id()}");
        request.Headers.Add("Prefer", "wait=20");
        request.Headers.IfNoneMatch.Add(known.Headers.ETag!);
        var waiting = Client.SendAsync(request);
        await using var connection = new NpgsqlConnection(service.Host.ConnectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand($$"""insert into artifacts (id, session_id, user_id, type, data) values (gen_random_uuid(), '{{relay.Id()}}', 'local', 'note', '{"x":1}')""", connection);
        await command.ExecuteNonQueryAsync();
        using var response = await waiting.WaitAsync(TimeSpan.FromSeconds(10));
        var state = JsonSerializer.Deserialize<JsonElement>(await response.Content.ReadAsStringAsync());
        Assert.Equal("note", state.GetProperty("artifacts")[0].GetProperty("type").GetString());
    }

    Task<JsonElement> AppendAsync(string relay, object body) => Client.PostJsonAsync($"/api/relays/{relay}/messages", body, HttpStatusCode.OK);
}
