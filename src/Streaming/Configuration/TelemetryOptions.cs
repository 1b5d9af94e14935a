namespace Streaming.Configuration;

/// <summary>Section <c>Telemetry</c>: where traces and metrics go, and what they and the log may say.</summary>
public sealed class TelemetryOptions
{
    /// <summary>
    /// Base address of an OTLP receiver that takes <c>http/protobuf</c>, such as <c>http://127.0.0.1:4318</c>. Default none: then the
    /// standard <c>OTEL_EXPORTER_OTLP_…</c> variables are looked at, and without those nothing is sent anywhere.
    /// </summary>
    public Uri? OtlpEndpoint { get; set; }

    /// <summary>
    /// Whether the log has the provider's own words about a fault; default no. They can repeat the prompt, and with it what the
    /// user wrote, and hold account names and parts of keys.
    /// </summary>
    public bool LogProviderWords { get; set; }
}
