using System.Reflection;
using Microsoft.Extensions.Options;
using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;
using Streaming.Configuration;

namespace Streaming.Telemetry;

/// <summary>
/// Sends traces and metrics to an OTLP receiver, if one is named (<c>Telemetry:OtlpEndpoint</c>, or a variable of OpenTelemetry). Registered
/// before all other hosted services: it starts first, and sends what it has when the others have stopped.
/// </summary>
public sealed class OtlpExport(IOptions<TelemetryOptions> options, ILogger<OtlpExport> log) : IHostedService, IDisposable
{
    // A receiver that is away must not hold up the stop of the service.
    const int FlushMillisecondsMax = 5000;

    TracerProvider? _traces;
    MeterProvider? _metrics;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        var endpoint = options.Value.OtlpEndpoint;
        var (traces, metrics) = (IsAskedFor("TRACES"), IsAskedFor("METRICS"));
        if (!traces && !metrics)
            return Task.CompletedTask;
        // Without it the framework's spans have no method, path and status.
        AppContext.SetSwitch("Microsoft.AspNetCore.Hosting.SuppressActivityOpenTelemetryData", false);
        // Variables come last, so that OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES win.
        var resource = ResourceBuilder.CreateEmpty()
            .AddService("streaming", serviceVersion: Version, serviceInstanceId: $"{Environment.MachineName}/{Environment.ProcessId}/{Guid.NewGuid():N}")
            .AddTelemetrySdk().AddEnvironmentVariableDetector();
        _traces = !traces ? null : Sdk.CreateTracerProviderBuilder().SetResourceBuilder(resource)
            .AddSource(Traces.SourceName, "Microsoft.AspNetCore")
            .AddOtlpExporter(exporter => Address(exporter, endpoint, "v1/traces")).Build();
        _metrics = !metrics ? null : Sdk.CreateMeterProviderBuilder().SetResourceBuilder(resource)
            .AddMeter(ServiceMetrics.MeterName, "Microsoft.AspNetCore.Hosting", "Microsoft.AspNetCore.Server.Kestrel", "Npgsql", "System.Runtime")
            .AddOtlpExporter(exporter => Address(exporter, endpoint, "v1/metrics")).Build();
        log.LogInformation("Traces and metrics are sent to {Endpoint}", endpoint?.GetLeftPart(UriPartial.Authority) ?? "the address of the OTEL_ variables");
        return Task.CompletedTask;
    }

    public async Task StopAsync(CancellationToken cancellationToken) =>
        // Both wait for the receiver on the thread that calls them.
        await Task.WhenAll(
            Task.Run(() => _traces?.Shutdown(FlushMillisecondsMax), CancellationToken.None),
            Task.Run(() => _metrics?.Shutdown(FlushMillisecondsMax), CancellationToken.None));

    bool IsAskedFor(string signal) =>
        options.Value.OtlpEndpoint is not null || HasVariable("OTEL_EXPORTER_OTLP_ENDPOINT") || HasVariable($"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT");

    static bool HasVariable(string name) => Environment.GetEnvironmentVariable(name) is { Length: > 0 };

    /// <summary>An address that is set here must be whole: only that of the variable is a base.</summary>
    static void Address(OtlpExporterOptions exporter, Uri? endpoint, string path)
    {
        if (endpoint is null)
            return;
        exporter.Protocol = OtlpExportProtocol.HttpProtobuf;
        exporter.Endpoint = new Uri($"{endpoint.AbsoluteUri.TrimEnd('/')}/{path}");
    }

    static string Version => typeof(OtlpExport).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "0";

    public void Dispose()
    {
        _traces?.Dispose();
        _metrics?.Dispose();
    }
}
