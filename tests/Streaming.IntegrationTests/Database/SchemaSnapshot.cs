using System.Text;
using Npgsql;

namespace Streaming.IntegrationTests.Database;

/// <summary>
/// The schema of a database as SQL that makes it, read from the catalog: the same text from every version of PostgreSQL.
/// </summary>
public static class SchemaSnapshot
{
    const string Header =
        """
        -- The schema as all migrations leave it: for reading. Written by SchemaSnapshotTests, which compares it with a freshly
        -- migrated database; after a new migration run the test with UPDATE_SNAPSHOTS=1.
        set check_function_bodies = off;

        """;

    const string Tables =
        """
        select c.oid::int8, c.relname, array_to_string(c.reloptions, ', ')
        from pg_class as c
        where c.relnamespace = 'public'::regnamespace and c.relkind = 'r'
        order by c.relname collate "C"
        """;

    const string Columns =
        """
        select quote_ident(a.attname) || ' ' || format_type(a.atttypid, a.atttypmod)
               || coalesce(' default ' || pg_get_expr(d.adbin, d.adrelid), '') || case when a.attnotnull then ' not null' else '' end
        from pg_attribute as a left join pg_attrdef as d on d.adrelid = a.attrelid and d.adnum = a.attnum
        where a.attrelid = $1::oid and a.attnum > 0 and not a.attisdropped
        order by a.attnum
        """;

    // Since version 18 a NOT NULL is a constraint of its own (contype n); it stands with its column.
    const string Constraints =
        """
        select 'constraint ' || quote_ident(conname) || ' ' || pg_get_constraintdef(oid)
        from pg_constraint
        where conrelid = $1::oid and contype in ('p', 'u', 'c')
        order by array_position(array['p', 'u', 'c'], contype::text), conname collate "C"
        """;

    const string ForeignKeys =
        """
        select 'alter table ' || conrelid::regclass || ' add constraint ' || quote_ident(conname) || ' ' || pg_get_constraintdef(oid)
        from pg_constraint
        where connamespace = 'public'::regnamespace and contype = 'f'
        order by conrelid::regclass::text collate "C", conname collate "C"
        """;

    const string Indexes =
        """
        select replace(pg_get_indexdef(i.indexrelid), ' ON public.', ' ON ')
        from pg_index as i join pg_class as c on c.oid = i.indexrelid
        where c.relnamespace = 'public'::regnamespace and not exists (select from pg_constraint as k where k.conindid = i.indexrelid and k.contype in ('p', 'u'))
        order by c.relname collate "C"
        """;

    const string Functions =
        """
        select replace(pg_get_functiondef(oid), 'FUNCTION public.', 'FUNCTION ')
        from pg_proc
        where pronamespace = 'public'::regnamespace
        order by proname collate "C", oidvectortypes(proargtypes) collate "C"
        """;

    const string Triggers =
        """
        select replace(replace(pg_get_triggerdef(oid), ' ON public.', ' ON '), 'EXECUTE FUNCTION public.', 'EXECUTE FUNCTION ')
        from pg_trigger
        where not tgisinternal and tgrelid in (select oid from pg_class where relnamespace = 'public'::regnamespace)
        order by tgrelid::regclass::text collate "C", tgname collate "C"
        """;

    public static async Task<string> ReadAsync(NpgsqlDataSource database, CancellationToken cancellation)
    {
        var sql = new StringBuilder(Header);
        await foreach (var (oid, name, storage) in TablesAsync(database, cancellation))
        {
            var lines = await LinesAsync(database, Columns, cancellation, oid);
            lines.AddRange(await LinesAsync(database, Constraints, cancellation, oid));
            sql.Append($"\ncreate table {name} (\n    {string.Join(",\n    ", lines)}\n)");
            sql.Append(storage is null ? ";\n" : $" with ({storage});\n");
        }

        foreach (var (title, query) in new[]
        {
            ("Foreign keys", ForeignKeys), ("Indexes besides those of the keys", Indexes), ("Functions", Functions), ("Triggers", Triggers),
        })
        {
            sql.Append($"\n-- {title}\n");
            foreach (var statement in await LinesAsync(database, query, cancellation))
                sql.Append(statement.TrimEnd()).Append(";\n");
        }

        return sql.ToString();
    }

    static async IAsyncEnumerable<(long Oid, string Name, string? Storage)> TablesAsync(
        NpgsqlDataSource database, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellation)
    {
        await using var command = database.CreateCommand(Tables);
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        while (await reader.ReadAsync(cancellation))
            yield return (reader.GetInt64(0), reader.GetString(1), reader.IsDBNull(2) ? null : reader.GetString(2));
    }

    static async Task<List<string>> LinesAsync(NpgsqlDataSource database, string query, CancellationToken cancellation, long? table = null)
    {
        await using var command = database.CreateCommand(query);
        if (table is not null)
            command.Parameters.Add(new NpgsqlParameter { Value = table.Value });
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        var lines = new List<string>();
        while (await reader.ReadAsync(cancellation))
            lines.Add(reader.GetString(0));
        return lines;
    }
}
