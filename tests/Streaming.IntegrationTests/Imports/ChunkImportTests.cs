using System.Text.Json;
using Npgsql;
using Streaming.Configuration;
using Streaming.Database;
using Streaming.Imports;
using Streaming.IntegrationTests.Fixtures;
using Xunit;

namespace Streaming.IntegrationTests.Imports;

/// <summary>Chunks of an older system become sessions that are served like any other, however often they are imported.</summary>
public sealed class ChunkImportTests(PostgresServer postgres) : IAsyncLifetime
{
    ServiceHost _host = null!;

    HttpClient Client => _host.Client;

    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _host = await ServiceHost.StartAsync(postgres);

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Fact]
    public async Task Imported_session_is_served_by_the_state_and_the_stream()
    {
        var session = Guid.NewGuid();
        var report = await ImportAsync(
            $$$"""{"sourceId":"a","sessionId":"{{{session}}}","index":0,"kind":"ideation","input":{"userInput":"old","ideaCount":1},"createdAt":"2025-05-01T10:00:00+02:00","text":"one ","timestamp":1746086401000}""",
            """{"sourceId":"a","index":2,"type":"artifact","data":{"artifactType":"idea","position":0,"data":{"title":"T","body":"B"}}}""",
            """{"sourceId":"a","index":1,"data":"two"}""");
        Assert.Equal((1, 5L, 0), (report.SessionsMade, report.MessagesWritten, report.ExitCode));

        var state = await Client.StateAsync($"/api/ideations/{session}");
        Assert.Equal(("completed", "old", "1-4"), (state.Status(), state.GetProperty("userInput").GetString(), state.GetProperty("lastEventId").GetString()));
        Assert.Equal("T", state.GetProperty("ideas")[0].GetProperty("title").GetString());
        Assert.Equal(new DateTimeOffset(2025, 5, 1, 8, 0, 0, TimeSpan.Zero), state.GetProperty("createdAt").GetDateTimeOffset());
        var events = await Client.ReadStreamAsync($"/api/stream/ideation/{session}");
        Assert.Equal(["start", "chunk", "artifact", "end"], events.Select(e => e.Type));
        Assert.Equal("one two", events.TextOf());
        Assert.Equal(["artifact", "end"], (await Client.ReadStreamAsync($"/api/stream/ideation/{session}", "1-2")).Select(e => e.Type));
    }

    [Fact]
    public async Task Importing_again_changes_no_row()
    {
        string[] lines = [Line("a", 0, "x"), Line("a", 1, "y"), Line("b", 0, "z")];
        Assert.Equal((2, 7L), Made(await ImportAsync(lines)));
        var before = await RowsAsync();
        var again = await ImportAsync(lines);
        Assert.Equal((0, 0L), Made(again));
        Assert.Equal((2, 7L, 0), (again.SessionsThere, again.MessagesThere, again.ExitCode));
        Assert.Equal(before, await RowsAsync());
    }

    [Fact]
    public async Task Same_file_makes_the_same_ids_in_another_database()
    {
        await using var other = await ServiceHost.StartAsync(postgres);
        await ImportAsync(Line("a", 0, "x"));
        using var reader = new StringReader(Line("a", 0, "x"));
        await new ChunkImport(other.Service<Postgres>(), new HashSet<string> { "relay" }).RunAsync(reader, Cancellation);
        const string Ids = "select string_agg(s.id || ' ' || t.id, ',') from sessions as s join transforms as t on t.session_id = s.id";
        Assert.Equal(await ScalarAsync(_host, Ids), await ScalarAsync(other, Ids));
    }

    [Theory]
    [InlineData("nonsense", "not JSON")]
    [InlineData("[]", "object")]
    [InlineData("""{"index":0,"text":"x"}""", "sourceId")]
    [InlineData("""{"sourceId":"bad","index":-1,"text":"x","kind":"relay"}""", "index")]
    [InlineData("""{"sourceId":"bad","index":0,"kind":"relay"}""", "text or data")]
    [InlineData("""{"sourceId":"bad","index":0,"text":"x","kind":"relay","status":"running"}""", "status")]
    [InlineData("""{"sourceId":"bad","index":0,"text":"x","kind":"relay","type":"end"}""", "type")]
    [InlineData("""{"sourceId":"bad","index":0,"text":"x","kind":"relay","timestamp":-5}""", "timestamp")]
    [InlineData("""{"sourceId":"bad","index":0,"text":"x","kind":"relay","createdAt":"yesterday"}""", "createdAt")]
    [InlineData("""{"sourceId":"bad","index":0,"text":"\ud800","kind":"relay"}""", "Unicode")]
    [InlineData("""{"sourceId":"bad","index":0,"text":"x"}""", "kind")]
    [InlineData("""{"sourceId":"bad","index":0,"text":"x","kind":"poem"}""", "kind")]
    [InlineData("""{"sourceId":"bad","index":1,"text":"x","kind":"relay"}""", "index 0 is missing")]
    [InlineData("""{"sourceId":"bad","index":0,"type":"artifact","data":{},"kind":"relay"}""", "artifactType")]
    [InlineData("""{"sourceId":"bad","index":0,"text":"x","kind":"relay","input":{"a":"\u0000"}}""", "unsupported Unicode")]
    public async Task Line_that_is_not_valid_is_reported_and_the_rest_goes_on(string line, string reason)
    {
        var report = await ImportAsync(line, Line("good", 0, "x"));
        Assert.Equal((1, 3L), Made(report));
        Assert.Equal(2, report.ExitCode);
        Assert.Contains(report.Reasons, text => text.Contains(reason, StringComparison.Ordinal));
        Assert.Equal(1L, await ScalarAsync(_host, "select count(*) from sessions"));
    }

    [Theory]
    [InlineData("nonsense")]
    [InlineData("""{"sourceId":"a","index":"two"}""")]
    public async Task Source_with_a_refused_line_is_left_out_and_imported_when_it_is_corrected(string line)
    {
        Assert.Equal((1, 3L), Made(await ImportAsync(Line("a", 0, "x"), line, Line("b", 0, "x"))));
        Assert.Equal((1, 4L), Made(await ImportAsync(Line("a", 0, "x"), Line("a", 1, "y"), Line("b", 0, "x"))));
    }

    [Fact]
    public async Task Repeated_line_is_taken_once_and_a_contradiction_is_refused()
    {
        Assert.Equal((1, 3L), Made(await ImportAsync(Line("a", 0, "x"), Line("a", 0, "x"))));
        Assert.Equal(2, (await ImportAsync(Line("b", 0, "x"), Line("b", 0, "y"))).ExitCode);
        Assert.Contains("imported before with 3 messages", Assert.Single((await ImportAsync(Line("a", 0, "x"), Line("a", 1, "y"))).Reasons), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Command_imports_a_file_beside_the_service_and_answers_with_its_exit_code()
    {
        using var folder = new TemporaryDirectory();
        var file = Path.Combine(folder.Path, "cache.ndjson");
        await File.WriteAllLinesAsync(file, [Line("a", 0, "x")], Cancellation);
        var settings = $"--ConnectionStrings:Streaming={_host.ConnectionString}";
        Assert.Equal(0, await ImportCommand.RunAsync([file, settings]));
        await File.AppendAllLinesAsync(file, ["nonsense"], Cancellation);
        Assert.Equal(2, await ImportCommand.RunAsync([file, settings]));
        Assert.Equal(1, await ImportCommand.RunAsync([file + ".missing", settings]));
        Assert.Single((await Client.StateAsync("/api/relays")).GetProperty("items").EnumerateArray());
    }

    static string Line(string source, int index, string text) =>
        JsonSerializer.Serialize(new { sourceId = source, index, kind = "relay", createdAt = "2025-05-01T10:00:00Z", text });

    static (int, long) Made(ImportReport report) => (report.SessionsMade, report.MessagesWritten);

    async Task<ImportReport> ImportAsync(params string[] lines)
    {
        using var reader = new StringReader(string.Join('\n', lines));
        return await new ChunkImport(_host.Service<Postgres>(), new HashSet<string> { "relay", "ideation", "outline" }).RunAsync(reader, Cancellation);
    }

    async Task<string> RowsAsync() => $"""
        {await ScalarAsync(_host, "select string_agg(s::text, ';' order by id) from sessions as s")}
        {await ScalarAsync(_host, "select string_agg(t::text, ';' order by id) from transforms as t")}
        {await ScalarAsync(_host, "select string_agg(c::text, ';' order by transform_id, chunk_index) from transform_chunks as c")}
        """;

    static async Task<object?> ScalarAsync(ServiceHost host, string sql)
    {
        await using var connection = new NpgsqlConnection(host.ConnectionString);
        await connection.OpenAsync(Cancellation);
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync(Cancellation);
    }
}
