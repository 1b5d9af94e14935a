using System.Text;
using Npgsql;
using Streaming.IntegrationTests.Database;
using Streaming.Messages;
using Xunit;

namespace Streaming.IntegrationTests.Messages;

public sealed class LostLeaseTests(MigratedDatabase database) : IClassFixture<MigratedDatabase>
{
    /// <summary>A process that takes over a run of its own has both leases for a while, and their messages may meet in one commit.</summary>
    [Fact]
    public async Task Of_two_leases_of_one_run_in_one_commit_only_the_later_one_has_written()
    {
        await using var connection = await database.Source.OpenConnectionAsync(TestContext.Current.CancellationToken);
        var (session, transform) = (Guid.NewGuid(), Guid.NewGuid());
        await using (var command = new NpgsqlCommand($$"""
            insert into sessions (id, kind, user_id, input) values ('{{session}}', 'ideation', 'ada', '{}');
            insert into transforms (id, session_id, ordinal, kind, status, attempt) values ('{{transform}}', '{{session}}', 1, 'ideation', 'running', 2)
            """, connection))
            await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
        var earlier = new RunLease(transform, session, ordinal: 1, attempt: 1, nextIndex: 0);
        var later = new RunLease(transform, session, ordinal: 1, attempt: 2, nextIndex: 0);
        var batch = new AppendBatch();
        foreach (var lease in (RunLease[])[earlier, later])
            batch.Add(new Append(lease, "start", Encoding.UTF8.GetBytes($$"""{"attempt":{{lease.Attempt}}}""")) { Index = 0, Time = DateTimeOffset.UnixEpoch });

        var lost = await batch.WriteAsync(connection, TimeSpan.FromSeconds(1), TestContext.Current.CancellationToken);

        Assert.Equal([earlier], lost);
        await using var written = new NpgsqlCommand($"select string_agg(chunk_data, ' ') from transform_chunks where transform_id = '{transform}'", connection);
        Assert.Equal("""{"attempt":2}""", await written.ExecuteScalarAsync(TestContext.Current.CancellationToken));
    }
}
