using Microsoft.Extensions.Options;
using Streaming.Configuration;

namespace Streaming.Status;

/// <summary>This process among those on the same database.</summary>
public sealed class ServiceInstance(IOptions<ServiceOptions> service, TimeProvider clock)
{
    const int HostCharactersMax = 100;

    /// <summary>Machine, process, and something that no other process ever has.</summary>
    public string Id { get; } = $"{Environment.MachineName[..Math.Min(HostCharactersMax, Environment.MachineName.Length)]}/{Environment.ProcessId}/{Guid.NewGuid().ToString("N")[..8]}";

    public string Role => service.Value.Role;

    public DateTimeOffset StartedAt { get; } = clock.GetUtcNow();

    public TimeSpan Uptime => clock.GetUtcNow() - StartedAt;
}
