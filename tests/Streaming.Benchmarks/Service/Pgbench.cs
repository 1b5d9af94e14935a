using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using Npgsql;
using Streaming.Database;

namespace Streaming.Benchmarks.Service;

/// <summary>PostgreSQL's own meter: what a statement takes without the service.</summary>
static partial class Pgbench
{
    /// <summary>The statement of the unified GET, for a whole state.</summary>
    public static string ReadState(string relay) => OfRelay("sessions/read_state", relay);

    /// <summary>The statement of a GET with a matching ETag.</summary>
    public static string ReadVersion(string relay) => OfRelay("sessions/read_version", relay).Replace("$1", $"'{relay}'").Replace("$2", "'local'");

    /// <summary>A row by its primary key.</summary>
    public static string LookUp(string relay) => $"select * from sessions where id = '{relay}';";

    static string OfRelay(string statement, string relay) => Parameter().Replace(Sql.Named(statement), parameter => parameter.Value switch
    {
        "@session" => $"'{relay}'",
        "@kind" => "'relay'",
        "@user" => "'local'",
        "@afterOrdinal" => "0",
        "@afterIndex" => "-1",
        var other => throw new BenchmarkException($"{other} of {statement} has no value here"),
    }) + ";";

    /// <summary>Average milliseconds of a statement, prepared, one after the other on one connection.</summary>
    public static async Task<double> MillisecondsAsync(DatabaseProcess database, string statement, TimeSpan time, CancellationToken cancellation)
    {
        var connection = new NpgsqlConnectionStringBuilder(database.ConnectionString);
        var script = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(script, OneLine(statement), cancellation);
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

    // pgbench takes each line for a command of its own only when it ends in a semicolon, but a comment may hold one.
    static string OneLine(string statement) => string.Join(' ', statement.Split('\n').Where(line => !line.StartsWith("--", StringComparison.Ordinal)));

    static string Program() =>
        Directory.Exists("/usr/lib/postgresql") && Directory.EnumerateFiles("/usr/lib/postgresql", "pgbench", SearchOption.AllDirectories).Order().LastOrDefault() is { } debian
            ? debian
            : "pgbench";

    [GeneratedRegex("@[a-zA-Z]+")]
    private static partial Regex Parameter();

    [GeneratedRegex(@"latency average = ([\d.]+) ms")]
    private static partial Regex Latency();
}
