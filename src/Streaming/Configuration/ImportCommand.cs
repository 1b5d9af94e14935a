using System.Globalization;
using Streaming.Database;
using Streaming.Imports;
using Streaming.Pipelines.Ideation;
using Streaming.Pipelines.Outline;
using Streaming.Sessions;

namespace Streaming.Configuration;

/// <summary>The command <c>import FILE.ndjson</c>: the service's database and settings, without the service.</summary>
public static class ImportCommand
{
    const int Failure = 1;

    /// <summary>Imports a file and writes the report; returns the exit code of docs/migration.md.</summary>
    /// <param name="arguments">The file, then settings as the service takes them.</param>
    public static async Task<int> RunAsync(string[] arguments)
    {
        if (arguments is not [var file, .. var settings] || !File.Exists(file))
        {
            await Console.Error.WriteLineAsync("Usage: import FILE.ndjson [--ConnectionStrings:Streaming=…]; the file must exist.");
            return Failure;
        }

        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { Args = settings, ContentRootPath = AppContext.BaseDirectory });
        builder.AddLogs();
        builder.AddOptions();
        builder.Services.AddSingleton(TimeProvider.System);
        builder.Services.AddDatabase();
        await using var app = builder.Build();
        // Only the database is started: no port is opened, and nothing runs.
        var startup = app.Services.GetServices<IHostedService>().OfType<DatabaseStartup>().Single();
        await startup.StartAsync(CancellationToken.None);
        try
        {
            var postgres = app.Services.GetRequiredService<Postgres>();
            await postgres.WaitUntilOpenAsync(app.Lifetime.ApplicationStopping);
            using var reader = File.OpenText(file);
            var import = new ChunkImport(postgres, new HashSet<string> { RelayKind.KindName, IdeationPipeline.KindName, OutlinePipeline.KindName });
            var report = await import.RunAsync(reader, app.Lifetime.ApplicationStopping);
            await WriteAsync(report);
            return report.ExitCode;
        }
        catch (Exception fault) when (fault is OperationCanceledException or DatabaseUnavailableException or IOException)
        {
            await Console.Error.WriteLineAsync($"The import has failed: {fault.Message} What was imported stays; run it again.");
            return Failure;
        }
        finally
        {
            await startup.StopAsync(CancellationToken.None);
        }
    }

    static async Task WriteAsync(ImportReport report)
    {
        foreach (var reason in report.Reasons)
            await Console.Error.WriteLineAsync(reason);
        await Console.Out.WriteLineAsync(string.Create(CultureInfo.InvariantCulture,
            $"sessions made {report.SessionsMade}, already there {report.SessionsThere}; messages written {report.MessagesWritten}, already there {report.MessagesThere}; lines refused {report.LinesRefused}"));
    }
}
