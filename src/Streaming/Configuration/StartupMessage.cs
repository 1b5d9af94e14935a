using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Streaming.Database;
using Streaming.Models;

namespace Streaming.Configuration;

/// <summary>Says where to look, once there is something to see.</summary>
public sealed class StartupMessage(
    Postgres postgres, IServer server, ModelClient model, IHostApplicationLifetime lifetime, ILogger<StartupMessage> log) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var started = new TaskCompletionSource();
        await using var registration = lifetime.ApplicationStarted.Register(started.SetResult);
        await started.Task.WaitAsync(stoppingToken);
        await postgres.WaitUntilOpenAsync(stoppingToken);
        var addresses = server.Features.Get<IServerAddressesFeature>()?.Addresses ?? [];
        log.LogInformation("Streaming is ready: open {Addresses} (generator: {Provider}, {Model})",
            string.Join(", ", addresses), model.Info.Provider, model.Info.Model);
    }
}
