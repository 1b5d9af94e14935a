using Npgsql;
using Streaming.IntegrationTests.Fixtures;
using Streaming.IntegrationTests.Telemetry;
using Xunit;

namespace Streaming.IntegrationTests.Transforms;

/// <summary>A run that breaks outside of its pipeline fails at once: each of its attempts would come to the same.</summary>
public sealed class BrokenRunTests(PostgresServer postgres)
{
    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    // Before it is open: what the clients were told last cannot be read.
    [InlineData("""{"userInput":"x","ideaCount":1}""", """select append_message(id, 'progress', '{"label":"how far?"}') from transforms""")]
    // Before the pipeline begins: the estimate needs a number.
    [InlineData("""{"userInput":"x","ideaCount":"three"}""", "select 1")]
    public async Task Run_that_cannot_begin_fails_as_internal_in_its_first_attempt_and_is_found_by_its_trace_id(string input, string sql)
    {
        var logs = new CollectedLogs();
        // Too long a lease for another attempt to begin while the test waits.
        await using var host = await ServiceHost.StartAsync(postgres,
            [new("Transforms:LeaseSeconds", "600"), new("Transforms:PollInterval", "00:00:00.2")], services: logs.AddTo);
        var id = (await host.Client.RelayAsync()).Id();
        await using var database = NpgsqlDataSource.Create(host.ConnectionString);
        await using (var command = database.CreateCommand($"""
            {sql};
            update sessions set kind = 'ideation', input = '{input}';
            update transforms set kind = 'ideation', status = 'queued', attempt = 0;
            """))
            await command.ExecuteNonQueryAsync(Cancellation);

        var state = await host.Client.EndedAsync($"/api/ideations/{id}");

        Assert.Equal("failed", state.Status());
        var error = state.GetProperty("error");
        Assert.Equal(("internal", "internal"), (error.GetProperty("code").GetString(), error.GetProperty("category").GetString()));
        await using var asked = database.CreateCommand("select split_part(traceparent, '-', 2) from transforms where losses = 0");
        Assert.Equal(await asked.ExecuteScalarAsync(Cancellation), error.GetProperty("traceId").GetString());
        Assert.Contains(logs.Events, line => line is { Level: Serilog.Events.LogEventLevel.Error, Exception: not null }
            && line.TraceId?.ToHexString() == error.GetProperty("traceId").GetString());
        var events = await host.Client.ReadStreamAsync($"/api/stream/ideation/{id}", cancellation: Cancellation);
        Assert.Equal(["error", "end"], events.TakeLast(2).Select(message => message.Type));
        Assert.Equal("internal", events[^2].Data.GetProperty("code").GetString());
    }
}
