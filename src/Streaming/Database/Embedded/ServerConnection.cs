using Npgsql;

namespace Streaming.Database.Embedded;

/// <summary>Connection strings to the embedded server, and its one database.</summary>
static class ServerConnection
{
    /// <summary>The database that the service works in.</summary>
    public const string Database = "streaming";

    public static string String(string socketFolder, int port, string password, string database, bool pooling) =>
        new NpgsqlConnectionStringBuilder
        {
            Host = socketFolder,
            Port = port,
            Username = ServerData.Role,
            Password = password,
            Database = database,
            Pooling = pooling,
        }.ConnectionString;

    /// <summary>Proves that the server answers to the stored password; creates the database on first start.</summary>
    public static async Task EnsureDatabaseAsync(
        string socketFolder, string password, CancellationToken cancellation)
    {
        await using var source = ConnectionSettings.Source(String(socketFolder, ServerFolders.Port, password, "postgres", pooling: false));
        await using var connection = source.CreateConnection();
        await connection.OpenAsync(cancellation);
        await using var find = new NpgsqlCommand("select 1 from pg_database where datname = $1", connection)
        {
            Parameters = { new() { Value = Database } },
        };
        if (await find.ExecuteScalarAsync(cancellation) is not null)
            return;

        // The C collation orders by bytes, the same on every system and in every version of its libraries.
        const string Create =
            $"create database {Database} template template0 encoding 'UTF8' lc_collate 'C' lc_ctype 'C'";
        await using var create = new NpgsqlCommand(Create, connection);
        await create.ExecuteNonQueryAsync(cancellation);
    }

    /// <summary>How a developer gets in with psql; names the password's file, not the password.</summary>
    public static string PsqlLine(string socketFolder, string passwordFile) =>
        $"PGPASSWORD=\"$(cat '{passwordFile}')\" "
        + $"psql -h '{socketFolder}' -p {ServerFolders.Port} -U {ServerData.Role} {Database}";
}
