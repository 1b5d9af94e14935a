using System.Globalization;
using Streaming.IntegrationTests.Fixtures;
using Xunit;

namespace Streaming.BrowserTests;

/// <summary>One service for a test class, slow enough to act while it writes, and quick to be reconnected to.</summary>
public sealed class PacedService(PostgresServer postgres) : IAsyncLifetime
{
    const int TokensPerSecond = 120;

    /// <summary>Keeps a test with several reconnects short; what a browser waits is what the service asked for.</summary>
    public static readonly KeyValuePair<string, string>[] QuickRetry =
    [
        new("Subscriptions:RetryMin", "00:00:00.2"),
        new("Subscriptions:RetryMax", "00:00:00.4"),
    ];

    public ServiceHost Host { get; private set; } = null!;

    public PostgresServer Postgres => postgres;

    public async ValueTask InitializeAsync() => Host = await ServiceHost.StartAsync(postgres,
        [.. QuickRetry, new("Models:Offline:TokensPerSecond", TokensPerSecond.ToString(CultureInfo.InvariantCulture))]);

    public ValueTask DisposeAsync() => Host.DisposeAsync();
}
