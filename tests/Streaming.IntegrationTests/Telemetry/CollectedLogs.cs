using System.Collections.Concurrent;
using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Serilog;
using Serilog.Core;
using Serilog.Events;
using Serilog.Extensions.Logging;

namespace Streaming.IntegrationTests.Telemetry;

/// <summary>What a service logs, through Serilog as it does, with everything that is attached to it.</summary>
public sealed class CollectedLogs : ILogEventSink
{
    readonly ConcurrentQueue<LogEvent> _events = new();

    public IReadOnlyCollection<LogEvent> Events => _events;

    /// <summary>Each event as text: message, exception, and all properties.</summary>
    public IEnumerable<string> Lines => _events.Select(e =>
        $"{e.RenderMessage(CultureInfo.InvariantCulture)} {e.Exception} {string.Join(' ', e.Properties.Select(p => $"{p.Key}={p.Value}"))}");

    public void Emit(LogEvent logEvent) => _events.Enqueue(logEvent);

    /// <summary>In place of the console.</summary>
    public void AddTo(IServiceCollection services)
    {
        services.RemoveAll<ILoggerProvider>();
        services.AddSingleton<ILoggerProvider>(_ => new SerilogLoggerProvider(
            new LoggerConfiguration().MinimumLevel.Debug().Enrich.FromLogContext().WriteTo.Sink(this).CreateLogger(), dispose: true));
    }
}
