using System.Net.WebSockets;
using Streaming.FaultTests.Rigs;
using Streaming.IntegrationTests.Fixtures;
using Xunit;

namespace Streaming.FaultTests;

/// <summary>kill -9 of the service in mid-stream, and the next one on the same port: a user's channel goes on from its cursor.</summary>
public sealed class WebSocketKillTests(PostgresServer postgres)
{
    const int Sessions = 6;

    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Channel_of_a_service_that_is_killed_goes_on_at_the_next_and_misses_and_repeats_nothing()
    {
        var kills = Faults.Pick(shortForm: 3, longForm: 15);
        var random = Faults.Random();
        var database = await Rig.DatabaseAsync(postgres, Cancellation);
        string[] options = [.. Rig.Resilient, "--Models:Offline:TokensPerSecond=150"];
        var port = ServiceProcess.FreePort();
        var service = await ServiceProcess.StartOnAsync(database, port, options);
        var address = service.Client.BaseAddress!;
        try
        {
            var log = new ChannelLog();
            await using (var first = await WebSocketReader.OpenAsync(address))
                log.Begin((await first.SubscribeAsync("user:local:streams"))[0].GetProperty("cursor"));
            var sessions = new List<string>();
            for (var i = 0; i < Sessions; i++)
                sessions.Add((await service.Client.IdeateAsync(ideaCount: 3)).Id());
            var (connections, isOver) = (0, false);
            var following = FollowAsync();

            for (var kill = 0; kill < kills; kill++)
            {
                // In mid-stream: not before something has come of this process.
                var before = log.Messages.Count;
                await Eventually.TrueAsync(() => Task.FromResult(Volatile.Read(ref connections) > kill && log.Messages.Count > before + Sessions), "messages arrive");
                await Task.Delay(random.NextTimeSpan(TimeSpan.Zero, TimeSpan.FromSeconds(1)), TimeProvider.System, Cancellation);
                await service.KillAsync();
                await service.DisposeAsync();
                service = await ServiceProcess.StartOnAsync(database, port, options);
                // One that nobody saw begin.
                sessions.Add((await service.Client.IdeateAsync(ideaCount: 1)).Id());
            }

            foreach (var id in sessions)
                await service.Client.EndedAsync($"/api/ideations/{id}");
            await Eventually.TrueAsync(() => Task.FromResult(sessions.TrueForAll(id => log.Sessions.ContainsKey(id)) && sessions.TrueForAll(HasEnded)), "everything was told");
            isOver = true;
            await following;

            Faults.Say($"{kills} kills, {connections} connections, {log.Messages.Count} messages of {sessions.Count} sessions");
            foreach (var id in sessions)
            {
                Assert.Null(log.Fault(id));
                var single = await service.Client.ReadStreamAsync($"/api/stream/ideation/{id}", cancellation: Cancellation);
                Assert.Equal((single.TextOf(), single[^1].Id), (log.Of(id).TextOf(), log.Of(id).Last().Id));
            }

            bool HasEnded(string id)
            {
                lock (log)
                    return log.Of(id).LastOrDefault()?.Type == "end";
            }

            async Task FollowAsync()
            {
                while (!isOver)
                {
                    try
                    {
                        await using var reader = await WebSocketReader.OpenAsync(address);
                        await reader.SubscribeAsync(new { channel = "user:local:streams", cursor = log.Cursor });
                        connections++;
                        while (!isOver)
                        {
                            var message = await reader.ReceiveAsync(TimeSpan.FromSeconds(15)) ?? throw new WebSocketException("closed");
                            lock (log)
                                log.Take(message);
                        }
                    }
                    catch (Exception fault) when (fault is WebSocketException or InvalidOperationException or OperationCanceledException)
                    {
                        await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System, Cancellation);
                    }
                }
            }
        }
        finally
        {
            await service.DisposeAsync();
        }
    }
}
