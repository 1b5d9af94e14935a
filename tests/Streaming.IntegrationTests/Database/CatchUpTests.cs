using Streaming.Database;
using Streaming.IntegrationTests.Fixtures;
using Xunit;

namespace Streaming.IntegrationTests.Database;

/// <summary>Streams that catch up wait for each other, and nobody else waits for them.</summary>
public sealed class CatchUpTests(PostgresServer server)
{
    [Fact]
    public async Task No_more_catch_up_at_once_than_may_and_other_requests_go_on()
    {
        await using var host = await ServiceHost.StartAsync(server, [new("Database:CatchUpsMax", "1")]);
        var postgres = host.Service<Postgres>();
        var (begun, done) = (new TaskCompletionSource(), new TaskCompletionSource());
        var first = postgres.CatchUpAsync(async _ =>
        {
            begun.SetResult();
            await done.Task;
            return 1;
        }, TestContext.Current.CancellationToken);
        await begun.Task;

        var second = postgres.CatchUpAsync(_ => Task.FromResult(2), TestContext.Current.CancellationToken);
        Assert.Equal(3, await postgres.RunAsync(_ => Task.FromResult(3), TestContext.Current.CancellationToken));
        Assert.False(second.IsCompleted);
        done.SetResult();
        Assert.Equal((1, 2), (await first, await second));
    }
}
