using System.Security.Cryptography;
using System.Text;
using Npgsql;

namespace Streaming.Database;

/// <summary>Thrown when the database holds a migration that differs from this program's of the same name.</summary>
public sealed class MigrationException(string message) : Exception(message);

/// <summary>
/// Brings a database to the newest schema: the files of <c>db/migrations</c> in the order of their names, forward only.
/// Each is recorded with its checksum in <c>schema_migrations</c>, in the transaction that ran it.
/// </summary>
public static class Migrator
{
    // Any number will do, as long as every version of this program takes the same one.
    const long AdvisoryLock = 0x53_74_72_65_61_6d;

    // The planner takes the arrays that statements get for long ones and compiles code for each execution, which took a third
    // of the database's time. Set for the role, not in the connection: PgBouncer refuses startup parameters that it does not
    // know. At each start, because a dump and restore loses it.
    const string SwitchCompilationOff = """
        do $$
        begin
            if current_setting('jit')::boolean then
                execute format('alter role current_user in database %I set jit = off', current_database());
            end if;
        exception when insufficient_privilege then
            raise warning 'jit stays on for %: commits take longer', current_user;
        end $$
        """;

    /// <summary>
    /// Applies what is missing and returns the names of it; switches the compilation of statements off for the role in this
    /// database. Safe for several instances at once: the second waits for the first and then finds nothing to do.
    /// </summary>
    /// <exception cref="MigrationException">An applied migration differs from this program's file of that name.</exception>
    public static async Task<IReadOnlyList<string>> MigrateAsync(NpgsqlDataSource dataSource, CancellationToken cancellation)
    {
        await using var connection = await dataSource.OpenConnectionAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        await ExecuteAsync($"select pg_advisory_xact_lock({AdvisoryLock})");
        await ExecuteAsync("""
            create table if not exists schema_migrations (
                name text primary key, checksum text not null, applied_at timestamptz not null default clock_timestamp())
            """);

        var applied = new Dictionary<string, string>();
        await using (var command = new NpgsqlCommand("select name, checksum from schema_migrations", connection, transaction))
        await using (var reader = await command.ExecuteReaderAsync(cancellation))
            while (await reader.ReadAsync(cancellation))
                applied.Add(reader.GetString(0), reader.GetString(1));

        var fresh = new List<string>();
        foreach (var resource in Sql.Resources("migrations/"))
        {
            var name = Path.GetFileNameWithoutExtension(resource);
            var text = Sql.Read(resource).ReplaceLineEndings("\n");
            var checksum = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
            if (applied.Remove(name, out var known))
            {
                if (known != checksum)
                    throw new MigrationException($"Migration {name} was changed after it had been applied to this database.");
                continue;
            }

            await ExecuteAsync(text);
            await using var record = new NpgsqlCommand(
                "insert into schema_migrations (name, checksum) values ($1, $2)", connection, transaction)
            {
                Parameters = { new() { Value = name }, new() { Value = checksum } },
            };
            await record.ExecuteNonQueryAsync(cancellation);
            fresh.Add(name);
        }

        // Names left over come from a newer program. Changes are additive, so this one works with them: that is what lets
        // an instance restart in the middle of a rolling upgrade.
        await ExecuteAsync(SwitchCompilationOff);
        await transaction.CommitAsync(cancellation);
        // A session takes the role's settings when it begins: the next use of this one's pool begins a new one.
        dataSource.Clear();
        return fresh;

        async Task ExecuteAsync(string sql)
        {
            await using var command = new NpgsqlCommand(sql, connection, transaction);
            await command.ExecuteNonQueryAsync(cancellation);
        }
    }
}
