using System.Net.Http.Json;
using Streaming.IntegrationTests.Fixtures;
using Streaming.IntegrationTests.Telemetry;
using Xunit;

namespace Streaming.IntegrationTests.Messages;

/// <summary>What the way of a message costs in round trips to the database: counts, which no slow machine changes.</summary>
public sealed class QueryCountTests(PostgresServer postgres)
{
    const int GenerationCount = 5;

    const int QueriesPerThousandMax = 100;
    const int OtherQueriesPerThousandMax = 80;

    [Fact]
    public async Task Messages_that_come_faster_than_commits_are_committed_in_groups()
    {
        var (queries, _, messages) = await CountAsync(tokensPerSecond: 0);
        Assert.InRange(queries, 1, messages * QueriesPerThousandMax / 1_000);
    }

    /// <summary>The NOTIFY of a commit often comes before its answer, and the rows are handed over after that.</summary>
    [Fact]
    public async Task Messages_of_this_process_are_not_read_again()
    {
        var (queries, commits, messages) = await CountAsync(tokensPerSecond: 200);
        Assert.InRange(commits, messages / 10, messages);
        Assert.InRange(queries - commits, 1, messages * OtherQueriesPerThousandMax / 1_000);
    }

    /// <summary>Who says what is there already costs a look at the version first; who does not, none.</summary>
    [Fact]
    public async Task State_is_one_query()
    {
        const int Reads = 200;
        await using var host = await ServiceHost.StartAsync(postgres, []);
        // A relay: nothing else is written meanwhile.
        using var created = await host.Client.PostAsJsonAsync("/api/relays", new { title = "x" }, TestContext.Current.CancellationToken);
        var url = created.Headers.Location;
        using var queries = new QueryCount(host.ConnectionString);
        for (var i = 0; i < Reads; i++)
            using (var response = await host.Client.GetAsync(url, TestContext.Current.CancellationToken))
                response.EnsureSuccessStatusCode();
        // The rest is of what the service looks after.
        Assert.InRange(queries.Total, Reads, 3 * Reads / 2);
    }

    async Task<(int Queries, int Commits, int Messages)> CountAsync(int tokensPerSecond)
    {
        await using var host = await ServiceHost.StartAsync(postgres, [new("Models:Offline:TokensPerSecond", $"{tokensPerSecond}")]);
        using var measured = new Measurements(host);
        using var queries = new QueryCount(host.ConnectionString);
        var readers = new List<Task<List<StreamEvent>>>();
        for (var i = 0; i < GenerationCount; i++)
            readers.Add(host.Client.ReadStreamAsync((await host.Client.IdeateAsync()).GetProperty("streamUrl").GetString()!));
        var messages = (await Task.WhenAll(readers)).Sum(events => events[^1].Index!.Value + 1);
        var (total, commits) = (queries.Total, measured["streaming.commit.duration"].Count);
        TestContext.Current.SendDiagnosticMessage($"{total} queries, {commits} of them commits, for {messages} messages");
        return (total, commits, messages);
    }
}
