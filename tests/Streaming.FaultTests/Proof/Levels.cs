using System.Globalization;
using System.Text;
using Npgsql;
using Streaming.FaultTests.Rigs;
using Streaming.IntegrationTests.Fixtures;
using Streaming.Subscriptions;
using Streaming.Tests.Docs;

namespace Streaming.FaultTests.Proof;

/// <summary>One look at everything that could grow while a soak goes on.</summary>
/// <param name="At">Since its start.</param>
/// <param name="HeapMiB">Managed memory of the first service after a full collection; the readers share its process.</param>
/// <param name="ResidentMiB">Memory of the second service, which has its process to itself.</param>
/// <param name="Threads">Of the second service.</param>
/// <param name="Handles">Open files and sockets of the second service.</param>
/// <param name="DatabaseConnections">Of both services.</param>
/// <param name="Subscribers">Streams that the first service writes.</param>
/// <param name="TableMiB">Size of <c>transform_chunks</c> with its index.</param>
/// <param name="Rows">Messages in it.</param>
/// <param name="Delivered">Messages that readers have got so far.</param>
/// <param name="Faults">Faults so far.</param>
public readonly record struct Levels(
    TimeSpan At, double HeapMiB, double ResidentMiB, int Threads, int Handles, int DatabaseConnections, int Subscribers, double TableMiB, long Rows,
    long Delivered, int Faults)
{
    const double MiB = 1024 * 1024;

    public static async Task<Levels> MeasureAsync(
        TimeSpan at, ServiceHost first, ServiceProcess second, NpgsqlDataSource database, long delivered, int faults, CancellationToken cancellation)
    {
        var figures = ProcessFigures.Of(second.Id);
        await using var command = database.CreateCommand(
            """
            select (select count(*) from pg_stat_activity where datname = current_database() and application_name like 'streaming%')::int,
                   pg_total_relation_size('transform_chunks'), (select count(*) from transform_chunks)
            """);
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        await reader.ReadAsync(cancellation);
        return new Levels(
            at, GC.GetTotalMemory(forceFullCollection: true) / MiB, figures.ResidentBytes / MiB, figures.Threads, figures.Handles, reader.GetInt32(0),
            first.Service<LiveReaders>().SubscriberCount, reader.GetInt64(1) / MiB, reader.GetInt64(2), delivered, faults);
    }

    /// <summary>How fast a level grows, in its unit per minute: the slope of the least-squares line.</summary>
    public static double Slope(IReadOnlyCollection<Levels> levels, Func<Levels, double> level)
    {
        var (minutes, mean) = (levels.Average(sample => sample.At.TotalMinutes), levels.Average(level));
        return levels.Sum(sample => (sample.At.TotalMinutes - minutes) * (level(sample) - mean))
            / levels.Sum(sample => Math.Pow(sample.At.TotalMinutes - minutes, 2));
    }
}

/// <summary>What a soak found: every sample in <c>artifacts/soak.csv</c>, and the section of docs/reliability.md.</summary>
public static class SoakReport
{
    const string Begin = "<!-- soak: begin -->";
    const string End = "<!-- soak: end -->";

    /// <summary>Rows of the table in the document.</summary>
    const int RowsMax = 12;

    public static string SamplesPath => Repository.Path("artifacts/soak.csv");

    public static void Start()
    {
        Directory.CreateDirectory(Repository.Path("artifacts"));
        File.WriteAllText(SamplesPath,
            "seconds,heap_mib,resident_mib,threads,handles,database_connections,subscribers,table_mib,rows,delivered,faults,checked,lost,repeated,different\n");
    }

    public static void Add(Levels now, Account account) => File.AppendAllText(SamplesPath, string.Create(CultureInfo.InvariantCulture,
        $"{now.At.TotalSeconds:F0},{now.HeapMiB:F1},{now.ResidentMiB:F1},{now.Threads},{now.Handles},{now.DatabaseConnections},{now.Subscribers},{now.TableMiB:F1},{now.Rows},{now.Delivered},{now.Faults},{account.MessagesChecked},{account.Lost},{account.Repeated},{account.Different}\n"));

    /// <summary>Writes the section.</summary>
    /// <param name="levels">All samples.</param>
    /// <param name="steady">Those after the warm-up.</param>
    /// <param name="faults">How often each fault was tried.</param>
    /// <param name="account">What the readers had.</param>
    public static void Document(
        IReadOnlyList<Levels> levels, IReadOnlyList<Levels> steady, IEnumerable<KeyValuePair<string, int>> faults, Account account)
    {
        var text = new StringBuilder();
        var last = levels[^1];
        text.Append(CultureInfo.InvariantCulture, $"{TimeProvider.System.GetUtcNow():yyyy-MM-dd}, commit {Report.Commit()}, seed {Faults.Seed}: {last.At.TotalMinutes:F0} minutes, ");
        text.Append(CultureInfo.InvariantCulture, $"{last.Faults:N0} faults, {account.Streams:N0} streams with {account.Readers:N0} readers that connected again {account.Reconnects:N0} times; ");
        text.Append(CultureInfo.InvariantCulture, $"**{account.MessagesChecked:N0} messages checked, {account.Lost:N0} lost, {account.Repeated:N0} repeated, {account.Different:N0} different.**\n\n");
        text.Append("| Fault | Times |\n|---|--:|\n");
        foreach (var (fault, times) in faults.OrderByDescending(each => each.Value))
            text.Append(CultureInfo.InvariantCulture, $"| {fault} | {times:N0} |\n");
        text.Append("\n| Minute | Delivered/s | Heap MiB | Resident MiB | Threads | Handles | Database connections | Subscribers | Table MiB | Rows |\n");
        text.Append("|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n");
        var step = Math.Max(1, levels.Count / RowsMax);
        for (var i = step; i < levels.Count; i += step)
        {
            var (now, before) = (levels[i], levels[i - step]);
            var rate = (now.Delivered - before.Delivered) / (now.At - before.At).TotalSeconds;
            text.Append(CultureInfo.InvariantCulture, $"| {now.At.TotalMinutes:F1} | {rate:N0} | {now.HeapMiB:F1} | {now.ResidentMiB:F0} | {now.Threads} | {now.Handles} | {now.DatabaseConnections} | {now.Subscribers} | {now.TableMiB:F0} | {now.Rows:N0} |\n");
        }

        text.Append(CultureInfo.InvariantCulture, $"\nSlope from minute {steady[0].At.TotalMinutes:F0} on, a minute: heap {Levels.Slope(steady, at => at.HeapMiB):+0.00;-0.00} MiB, ");
        text.Append(CultureInfo.InvariantCulture, $"resident {Levels.Slope(steady, at => at.ResidentMiB):+0.00;-0.00} MiB, threads {Levels.Slope(steady, at => at.Threads):+0.00;-0.00}, ");
        text.Append(CultureInfo.InvariantCulture, $"handles {Levels.Slope(steady, at => at.Handles):+0.00;-0.00}, database connections {Levels.Slope(steady, at => at.DatabaseConnections):+0.00;-0.00}, ");
        text.Append(CultureInfo.InvariantCulture, $"table {Levels.Slope(steady, at => at.TableMiB):+0.00;-0.00} MiB.\n");

        var path = Repository.Path("docs/reliability.md");
        var document = File.ReadAllText(path);
        var (begin, end) = (document.IndexOf(Begin, StringComparison.Ordinal) + Begin.Length, document.IndexOf(End, StringComparison.Ordinal));
        File.WriteAllText(path, $"{document[..begin]}\n{text}{document[end..]}");
    }
}
