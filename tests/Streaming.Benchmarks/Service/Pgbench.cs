using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using Npgsql;
using Streaming.Database;

namespace Streaming.Benchmarks.Service;

/// <summary>PostgreSQL's own meter: what a statement takes without the service.</summary>
static partial class Pgbench
{
    /// <summary>The statements of the unified GET, for a whole state, in one round trip as the service sends them.</summary>
    public static string ReadState(string relay) => string.Join('\n',
        "\\startpipeline", "begin isolation level repeatable read read only;",
        With("sessions/read_state", $"'{relay}'", "'relay'", "'local'", "0", "-1"),
        With("sessions/read_state_messages", $"'{relay}'", "'relay'", "'local'", "0", "-1"),
        "commit;", "\\endpipeline");

    /// <summary>The statement of a GET with a matching ETag.</summary>
    public static string ReadVersion(string relay) => With("sessions/read_version", $"'{relay}'", "'local'");

    /// <summary>A row by its primary key.</summary>
    public static string LookUp(string relay) => $"select * from sessions where id = '{relay}';";

    /// <summary>A statement with values for its parameters, on one line as pgbench wants it.</summary>
    static string With(string statement, params string[] values) =>
        Parameter().Replace(
            string.Join(' ', Sql.Named(statement).Split('\n').Where(line => !line.StartsWith("--", StringComparison.Ordinal))),
            parameter => values[int.Parse(parameter.Groups[1].Value, CultureInfo.InvariantCulture) - 1]) + ";";

    /// <summary>Average milliseconds of a statement, prepared, one after the other on one connection.</summary>
    public static async Task<double> MillisecondsAsync(DatabaseProcess database, string statement, TimeSpan time, CancellationToken cancellation)
    {
        var connection = new NpgsqlConnectionStringBuilder(database.ConnectionString);
        var script = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(script, statement, cancellation);
            var start = new ProcessStartInfo(Program(),
            [
                "--no-vacuum", "--client=1", "--protocol=prepared", $"--time={Math.Max(1, (int)time.TotalSeconds)}", $"--file={script}",
                $"--host={connection.Host}", $"--port={connection.Port}", $"--username={connection.Username}", connection.Database!,
            ])
            { RedirectStandardOutput = true, RedirectStandardError = true };
            start.Environment["PGPASSWORD"] = connection.Password;
            start.Environment["PGOPTIONS"] = "-c jit=off";
            using var process = Process.Start(start)!;
            var errors = process.StandardError.ReadToEndAsync(cancellation);
            var output = await process.StandardOutput.ReadToEndAsync(cancellation);
            await process.WaitForExitAsync(cancellation);
            return Latency().Match(output) is { Success: true } latency
                ? double.Parse(latency.Groups[1].Value, CultureInfo.InvariantCulture)
                : throw new BenchmarkException($"pgbench: {output}\n{await errors}");
        }
        finally
        {
            File.Delete(script);
        }
    }

    static string Program() =>
        Directory.Exists("/usr/lib/postgresql") && Directory.EnumerateFiles("/usr/lib/postgresql", "pgbench", SearchOption.AllDirectories).Order().LastOrDefault() is { } debian
            ? debian
            : "pgbench";

    [GeneratedRegex(@"\$(\d+)")]
    private static partial Regex Parameter();

    [GeneratedRegex(@"latency average = ([\d.]+) ms")]
    private static partial Regex Latency();
}
