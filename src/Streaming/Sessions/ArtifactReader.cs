using Dapper;
using Streaming.Database;

namespace Streaming.Sessions;

/// <summary>An artifact as it can be downloaded; <see cref="Bytes"/> long.</summary>
public sealed record ArtifactEntry(Guid? Id, string? Type, int? Position, string? Name, string? ContentType, string? ContentHash, int? Bytes);

/// <summary>The content of an artifact: its file, or its data as JSON where it has none.</summary>
public sealed record ArtifactContent(string Type, int Position, string? Name, string? ContentType, string? ContentHash, byte[] Content);

/// <summary>Reads what sessions have made, to be downloaded. Another user's session is as good as none.</summary>
public sealed class ArtifactReader(Postgres postgres)
{
    /// <summary>In the order of the state; null if the user has no such session.</summary>
    /// <exception cref="DatabaseUnavailableException"/>
    public Task<List<ArtifactEntry>?> ListAsync(string kind, Guid sessionId, string userId, CancellationToken cancellation) =>
        postgres.RunAsync(async connection =>
        {
            var rows = (await connection.QueryAsync<ArtifactEntry>(new CommandDefinition(
                Sql.Named("sessions/list_artifacts"), new { kind, session = sessionId, user = userId }, cancellationToken: cancellation))).AsList();
            return rows.Count == 0 ? null : rows.FindAll(row => row.Id is not null);
        }, cancellation);

    /// <summary>The files of one type that all runs of a session have made, in the order of their position, for the run that goes on with them.</summary>
    /// <exception cref="DatabaseUnavailableException"/>
    public Task<List<(string Data, byte[] Content)>> ReadAllAsync(Guid sessionId, string type, CancellationToken cancellation) =>
        postgres.RunAheadAsync(async connection => (await connection.QueryAsync<(string, byte[])>(new CommandDefinition(
            Sql.Named("sessions/read_contents"), new { session = sessionId, type }, cancellationToken: cancellation))).AsList(), cancellation);

    /// <summary>Null if the user has no such session, or it no such artifact.</summary>
    /// <exception cref="DatabaseUnavailableException"/>
    public Task<ArtifactContent?> ReadAsync(string kind, Guid sessionId, string userId, Guid artifactId, CancellationToken cancellation) =>
        postgres.RunAsync(connection => connection.QuerySingleOrDefaultAsync<ArtifactContent>(new CommandDefinition(
            Sql.Named("sessions/read_content"), new { kind, session = sessionId, user = userId, artifact = artifactId },
            cancellationToken: cancellation)), cancellation);
}
