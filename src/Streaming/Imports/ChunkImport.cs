using System.Text;
using Dapper;
using Npgsql;
using Streaming.Database;
using Streaming.Messages;

namespace Streaming.Imports;

/// <summary>What an import has done.</summary>
public sealed class ImportReport
{
    /// <summary>Refused lines and sources that are listed at most; all are counted.</summary>
    const int ReasonsMax = 1000;

    public int SessionsMade { get; set; }
    public int SessionsThere { get; set; }
    public long MessagesWritten { get; set; }
    public long MessagesThere { get; set; }
    public long LinesRefused { get; private set; }
    public List<string> Reasons { get; } = [];

    public void Refuse(string reason, int lines)
    {
        LinesRefused += lines;
        if (Reasons.Count < ReasonsMax)
            Reasons.Add(reason);
    }

    /// <summary>0 if everything is in the database now, 2 if something was refused.</summary>
    public int ExitCode => Reasons.Count == 0 ? 0 : 2;
}

/// <summary>
/// Brings chunks that an older system kept in a cache into the table: one source after the other, each in one statement, whole
/// or not at all. Running it again changes nothing.
/// </summary>
public sealed class ChunkImport(Postgres postgres, IReadOnlySet<string> kinds)
{
    /// <summary>Imports NDJSON; the lines of one source stand together, in any order.</summary>
    /// <exception cref="DatabaseUnavailableException">What was imported before stays; run it again.</exception>
    public async Task<ImportReport> RunAsync(TextReader file, CancellationToken cancellation)
    {
        var report = new ImportReport();
        ImportSource? source = null;
        for (var number = 1; await file.ReadLineAsync(cancellation) is { } text; number++)
        {
            if (string.IsNullOrWhiteSpace(text))
                continue;
            try
            {
                var line = ImportLine.Parse(text);
                if (source is not null && source.Id != line.SourceId)
                {
                    await WriteAsync(source, report, cancellation);
                    source = null;
                }

                (source ??= new ImportSource(line.SourceId)).Add(line);
            }
            catch (ImportRefusedException refusal)
            {
                report.Refuse($"line {number}: {refusal.Message}", 1);
                if (refusal.SourceId is { } id && id != source?.Id)
                {
                    if (source is not null)
                        await WriteAsync(source, report, cancellation);
                    source = new ImportSource(id);
                }

                // A line that does not even say whose it is may be the last of the source that is being read.
                source?.Refuse($"line {number} was refused");
            }
        }

        if (source is not null)
            await WriteAsync(source, report, cancellation);
        return report;
    }

    async Task WriteAsync(ImportSource source, ImportReport report, CancellationToken cancellation)
    {
        try
        {
            var messages = source.Messages();
            if (!kinds.Contains(source.Kind))
                throw new ImportRefusedException($"there is no kind \"{source.Kind}\"");
            var isMade = await postgres.RunAsync(connection => WriteAsync(connection, source, messages, cancellation), cancellation);
            if (isMade)
                (report.SessionsMade, report.MessagesWritten) = (report.SessionsMade + 1, report.MessagesWritten + messages.Count);
            else
                (report.SessionsThere, report.MessagesThere) = (report.SessionsThere + 1, report.MessagesThere + messages.Count);
        }
        catch (ImportRefusedException refusal)
        {
            report.Refuse($"source \"{source.Id}\": {refusal.Message}; nothing of it was imported", source.Lines);
        }
        // What the database refuses is the data's fault: an id that is taken, NUL in a JSON value.
        catch (PostgresException refusal)
        {
            report.Refuse($"source \"{source.Id}\": {refusal.MessageText}; nothing of it was imported", source.Lines);
        }
    }

    static async Task<bool> WriteAsync(
        NpgsqlConnection connection, ImportSource source, IReadOnlyList<MessageRow> messages, CancellationToken cancellation)
    {
        var there = await connection.QuerySingleOrDefaultAsync<int?>(new CommandDefinition(
            Sql.Named("imports/find_import"), new { user = source.UserId, kind = source.Kind, key = source.Key }, cancellationToken: cancellation));
        if (there is { } count && count != messages.Count)
            throw new ImportRefusedException($"it was imported before with {count} messages, and has {messages.Count} now");
        if (there is not null)
            return false;
        var artifacts = source.Artifacts();
        return await connection.QuerySingleAsync<int>(new CommandDefinition(Sql.Named("imports/import_session"), new
        {
            session = source.SessionId,
            kind = source.Kind,
            user = source.UserId,
            input = source.Input,
            key = source.Key,
            created = source.CreatedAt,
            transform = source.TransformId,
            status = source.Status,
            types = messages.Select(message => message.Type).ToArray(),
            data = messages.Select(message => Encoding.UTF8.GetString(message.Data)).ToArray(),
            times = messages.Select(message => message.Time).ToArray(),
            artifacts = artifacts.Select(artifact => artifact.Id).ToArray(),
            artifactTypes = artifacts.Select(artifact => artifact.Type).ToArray(),
            positions = artifacts.Select(artifact => artifact.Position).ToArray(),
            artifactData = artifacts.Select(artifact => artifact.Data).ToArray(),
        }, cancellationToken: cancellation)) == 1;
    }
}
