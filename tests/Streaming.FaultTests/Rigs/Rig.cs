using Streaming.IntegrationTests.Fixtures;

namespace Streaming.FaultTests.Rigs;

/// <summary>What the services of these tests have in common.</summary>
public static class Rig
{
    /// <summary>For connection strings: idle connections close within seconds, so that those which are left over show.</summary>
    public const string QuickPool = "Connection Idle Lifetime=2;Connection Pruning Interval=1;Timeout=5;Command Timeout=10";

    /// <summary>A lease of 2 s, as many attempts as there may be kills, and quick retries.</summary>
    public static readonly string[] Resilient =
    [
        "--Transforms:LeaseSeconds=2", "--Transforms:AttemptsMax=1000", "--Transforms:PollInterval=00:00:01",
    ];

    /// <summary><see cref="Resilient"/> for a <see cref="ServiceHost"/>.</summary>
    public static IEnumerable<KeyValuePair<string, string>> Settings(params IEnumerable<string> options) => options
        .Select(option => option.TrimStart('-').Split('=', 2)).Select(parts => KeyValuePair.Create(parts[0], parts[1]));

    /// <summary>An empty database on the shared server, which the service migrates.</summary>
    public static async Task<string> DatabaseAsync(PostgresServer postgres, CancellationToken cancellation) =>
        $"{await postgres.CreateDatabaseAsync(null, cancellation)};{QuickPool}";

    /// <summary>A client whose connections end with it.</summary>
    public static HttpClient Client(Uri address) =>
        new(new SocketsHttpHandler { UseProxy = false, UseCookies = false }) { BaseAddress = address, Timeout = Timeout.InfiniteTimeSpan };
}
