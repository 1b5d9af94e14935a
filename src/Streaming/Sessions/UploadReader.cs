using Dapper;
using Streaming.Database;

namespace Streaming.Sessions;

/// <summary>Reads the bytes of uploads for those who run them.</summary>
public sealed class UploadReader(Postgres postgres)
{
    /// <summary>As they came; null: they were made smaller, or refused for good.</summary>
    /// <exception cref="DatabaseUnavailableException"/>
    public Task<byte[]?> ReadAsync(Guid sessionId, CancellationToken cancellation) =>
        postgres.RunAheadAsync(connection => connection.QuerySingleOrDefaultAsync<byte[]>(new CommandDefinition(
            Sql.Named("uploads/read_upload"), new { session = sessionId }, cancellationToken: cancellation)), cancellation);
}
