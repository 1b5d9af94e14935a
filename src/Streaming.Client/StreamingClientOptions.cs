namespace Streaming.Client;

/// <summary>How a <see cref="StreamingClient"/> signs in, waits and gives up.</summary>
public sealed class StreamingClientOptions
{
    /// <summary>
    /// The bearer token for the next request; none (default) for a service in mode <c>none</c>. Called for each request; with true when the
    /// service has just refused the token it returned before, so that a new one is asked for.
    /// </summary>
    public Func<bool, CancellationToken, ValueTask<string?>>? Token { get; set; }

    /// <summary>Silence after which a connection is taken for dead; default 25 s, two heartbeats and a half.</summary>
    public TimeSpan SilenceMax { get; set; } = TimeSpan.FromSeconds(25);

    /// <summary>Longest time to wait for the headers of an answer; default 10 s. A service sends those of a stream at once.</summary>
    public TimeSpan OpenTimeMax { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Longest wait before a reconnect; default 30 s. The first one waits as long as the service's <c>retry:</c> says.</summary>
    public TimeSpan RetryDelayMax { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>How long to go on trying while nothing comes through at all; default 10 min. Then the last fault is thrown.</summary>
    public TimeSpan Patience { get; set; } = TimeSpan.FromMinutes(10);

    /// <summary>Connections in a row that bring no message although there are some, before it polls instead; default 3.</summary>
    public int EmptyConnectionsMax { get; set; } = 3;

    /// <summary>Clock and source of chance, for tests.</summary>
    public TimeProvider Clock { get; set; } = TimeProvider.System;

    /// <inheritdoc cref="Clock"/>
    public Random Random { get; set; } = Random.Shared;
}
