using System.Text.Json;
using Npgsql;
using Streaming.Database;
using Streaming.Protocol;

namespace Streaming.Files;

/// <summary>What uploads and downloads have in common when they are taken up again.</summary>
static class FileCheckpoints
{
    /// <summary>Takes a stream over from whoever had it, at its last checkpoint; null if the user has none such, or it has ended.</summary>
    /// <exception cref="DatabaseUnavailableException"/>
    public static Task<FileCheckpoint?> OpenAsync(Postgres postgres, Guid fileId, string userId, Guid transformId, CancellationToken cancellation) =>
        postgres.RunAsync(async connection =>
        {
            await using var command = new NpgsqlCommand(Sql.Named("files/open_stream"), connection)
            {
                Parameters = { new NpgsqlParameter<Guid>("file", fileId), new NpgsqlParameter<string>("user", userId), new NpgsqlParameter<Guid>("transform", transformId) },
            };
            await using var row = await command.ExecuteReaderAsync(cancellation);
            return await row.ReadAsync(cancellation)
                ? new FileCheckpoint(row.GetInt32(0), row.GetInt64(1), (uint)row.GetInt64(2), new FileStamp(row.GetInt64(3), row.GetDateTime(4)), row.GetDouble(5))
                : null;
        }, cancellation);

    /// <summary>The checksum of what <paramref name="crc32C"/> is of, followed by a part of a file.</summary>
    /// <exception cref="FileFaultException"/>
    public static async Task<uint> SumAsync(FileSource source, FileOperation operation, long from, long to, uint crc32C, CancellationToken cancellation)
    {
        await foreach (var chunk in FileReader.ReadAsync(source, operation, from, to, cancellation))
            using (chunk)
                crc32C = Crc32C.Append(crc32C, chunk.Bytes.Span);
        return crc32C;
    }

    /// <summary>Says that a stream goes on where it broke off.</summary>
    public static InfoMessage Continued(long position) => new("continued", $"Goes on at byte {position}.");

    /// <summary>Says that a stream begins anew, and why: <c>size</c>, <c>timestamp</c> or <c>checksum</c> of the file are not as they were.</summary>
    public static InfoMessage Reread(string reason) => new("reread", $"Begins anew: the {reason} of the file is not what it was.");

    public static ResultMessage Result(JsonElement file) => new() { Parts = { ["file"] = file } };
}
