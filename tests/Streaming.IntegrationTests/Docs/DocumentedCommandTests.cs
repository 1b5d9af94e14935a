using System.Diagnostics;
using System.IO.Compression;
using System.Text.Json;
using System.Text.RegularExpressions;
using Npgsql;
using Streaming.IntegrationTests.Fixtures;
using Streaming.Tests.Docs;
using Xunit;

namespace Streaming.IntegrationTests.Docs;

/// <summary>What the documents tell the reader to type is typed here.</summary>
public sealed partial class DocumentedCommandTests(ServiceFixture service) : IClassFixture<ServiceFixture>
{
    const string AddressInDocuments = "http://127.0.0.1:5080";
    static readonly MarkdownFile Readme = MarkdownFile.Read("README.md");

    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static TheoryData<string, string> SqlBlocks => new(
        from document in Repository.Documents()
        from block in MarkdownFile.Read(document).Blocks
        where block.Language == "sql"
        select (document, block.Text));

    [Fact]
    public async Task The_curl_example_shows_the_state_and_the_stream_twice()
    {
        var output = await BashAsync(Block("curl"));

        var state = JsonSerializer.Deserialize<JsonElement>(output[..output.IndexOf("retry:", StringComparison.Ordinal)]);
        Assert.Equal("ideation", state.GetProperty("kind").GetString());
        Assert.Equal(2, state.GetProperty("ideaCount").GetInt32());
        var ids = Id().Matches(output).Select(match => match.Groups[1].Value).ToList();
        Assert.Equal("1-0", ids[0]);
        // The second stream goes on after 1-10 and comes to the same end.
        var end = ids.IndexOf(ids[^1]);
        Assert.True(end < ids.Count - 1);
        Assert.All(ids.Skip(end + 1), id => Assert.True(int.Parse(id.Split('-')[1], null) > 10, id));
        Assert.Equal(2, Regex.Count(output, "\"type\":\"end\".*\"status\":\"completed\""));
    }

    [Fact]
    public async Task The_logo_example_shows_two_sessions_on_one_connection_and_leaves_the_files()
    {
        var folder = Directory.CreateTempSubdirectory();
        try
        {
            var output = await BashAsync(Block("logo"), folder.FullName);

            Assert.Contains("\"type\":\"preview\"", output, StringComparison.Ordinal);
            Assert.Equal(2, Regex.Count(output, "\"type\":\"end\".*\"status\":\"completed\""));
            Assert.Equal(2, Session().Matches(output).Select(match => match.Groups[1].Value).Distinct().Count());
            using var zip = ZipFile.OpenRead(Path.Combine(folder.FullName, "logo.zip"));
            Assert.Contains("logo.svg", zip.Entries.Select(entry => entry.FullName));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public async Task The_relay_example_writes_what_its_stream_shows()
    {
        var output = await BashAsync(Block("relay"));

        Assert.Contains("{\"lastEventId\":\"1-1\",\"firstIndex\":1,\"lastIndex\":1,\"duplicate\":false}", output, StringComparison.Ordinal);
        Assert.Contains("\"text\":\"Compiling. \"", output, StringComparison.Ordinal);
        Assert.Contains("\"text\":\"Half way.\"", output, StringComparison.Ordinal);
        Assert.Contains("\"type\":\"end\"", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_SQL_example_reaches_the_readers_of_a_relay()
    {
        var relay = await service.Host.Client.RelayAsync();

        await SqlAsync(Block("sql"), relay.Id(), relay.GetProperty("streamingData").GetProperty("transformId").GetString()!);

        await foreach (var item in service.Host.Client.StreamAsync($"/api/stream/relay/{relay.Id()}", cancellation: Cancellation))
            if (item.Text == "Hello from SQL.")
                return;
        Assert.Fail("The message did not come.");
    }

    [Theory]
    [MemberData(nameof(SqlBlocks))]
    public async Task SQL_in_a_document_can_be_run(string document, string sql)
    {
        Assert.EndsWith(".md", document, StringComparison.Ordinal);
        var relay = await service.Host.Client.RelayAsync();

        await SqlAsync(sql, relay.Id(), relay.GetProperty("streamingData").GetProperty("transformId").GetString()!);
    }

    [Fact]
    public async Task Old_sessions_leave_nothing_behind_when_they_are_removed_as_the_document_says()
    {
        var state = await service.Host.Client.IdeateAsync();
        await service.Host.Client.EndedAsync($"/api/ideations/{state.Id()}");
        var removal = MarkdownFile.Read("docs/operations.md").Blocks.Single(block => block.Text.Contains("delete from sessions", StringComparison.Ordinal));
        await SqlAsync("update sessions set created_at = created_at - interval '91 days' where id = :'session'", state.Id(), state.Id());

        await SqlAsync(removal.Text, state.Id(), state.Id());

        await using var database = NpgsqlDataSource.Create(service.Host.ConnectionString);
        await using var left = database.CreateCommand("""
            select (select count(*) from sessions where id = $1) + (select count(*) from artifacts where session_id = $1)
                 + (select count(*) from transform_chunks where transform_id not in (select id from transforms))
            """);
        left.Parameters.Add(new NpgsqlParameter { Value = Guid.Parse(state.Id()) });
        Assert.Equal(0L, await left.ExecuteScalarAsync(Cancellation));
    }

    static string Block(string test) => Assert.Single(Readme.Blocks, block => block.Test == test).Text;

    async Task SqlAsync(string sql, string session, string transform)
    {
        await using var database = NpgsqlDataSource.Create(service.Host.ConnectionString);
        await using var command = database.CreateCommand(sql
            .Replace(":'session'", $"'{Guid.Parse(session)}'", StringComparison.Ordinal)
            .Replace(":'transform'", $"'{Guid.Parse(transform)}'", StringComparison.Ordinal));
        await command.ExecuteNonQueryAsync(Cancellation);
    }

    async Task<string> BashAsync(string script, string folder = "")
    {
        Assert.Contains(AddressInDocuments, script, StringComparison.Ordinal);
        using var bash = Process.Start(new ProcessStartInfo("bash", ["-euo", "pipefail", "-c",
            script.Replace(AddressInDocuments, service.Host.Address.ToString().TrimEnd('/'), StringComparison.Ordinal)])
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        var (output, errors) = (bash.StandardOutput.ReadToEndAsync(Cancellation), bash.StandardError.ReadToEndAsync(Cancellation));
        await bash.WaitForExitAsync(Cancellation);
        Assert.True(bash.ExitCode == 0, $"{await errors}\n{await output}");
        return await output;
    }

    [GeneratedRegex("^id: (.+)$", RegexOptions.Multiline)]
    private static partial Regex Id();

    [GeneratedRegex("\"sessionId\":\"([^\"]+)\"")]
    private static partial Regex Session();
}
