using System.Text.Json;
using Npgsql;
using Xunit;

namespace Streaming.IntegrationTests.Database;

/// <summary>
/// The reads that every client causes touch only what they return, however much else there is: an index on each table.
/// </summary>
public sealed class QueryPlanTests(QueryPlanTests.FilledDatabase filled) : IClassFixture<QueryPlanTests.FilledDatabase>
{
    const int Transforms = 1000;
    const int MessagesEach = 220;
    const int OldTransforms = 20_000;
    const string Session = "md5('session500')::uuid";
    const string Transform = "md5('transform500')::uuid";

    // What each is run with, as an SQL expression by parameter.
    static readonly Dictionary<string, string> Values = new()
    {
        ["@grace"] = "interval '7 days'",
        ["@count"] = "5000",
    };

    static readonly string[] Many =
        [$"array[{Transform}, md5('transform7')::uuid, md5('transform999')::uuid]", "array[210, 5, 219]", "1000", "1048576"];

    static readonly Dictionary<string, string[]> Arguments = new()
    {
        ["messages/read_messages"] = Many,
        ["messages/read_page"] = [Transform, "17", "1000", "1048576"],
        ["sessions/read_state"] = [Session, "'ideation'", "'user50'", "1", "200"],
        ["sessions/read_state_messages"] = [Session, "'ideation'", "'user50'", "1", "200"],
        ["sessions/read_version"] = [Session, "'user50'"],
        ["sessions/read_versions"] = [$"array[{Session}]", "array['user50']"],
        ["messages/read_heads"] = [Many[0], Many[1]],
        ["estimation/read_stage_history"] = ["'ideation'", "'ideaCount'", "50", "array['ideas']"],
        ["estimation/read_outcomes"] = ["'ideation'", "300", "31"],
        ["status/count_in_progress"] = ["10000"],
        ["status/read_ended"] = ["array[null, interval '10 s', interval '5 s', interval '2 s']", "interval '12 s'", "interval '1 hour'", "10000"],
        ["status/read_runs"] = ["null", "51"],
        ["status/read_upload"] = ["10000", Session, "null"],
        ["status/read_history"] = ["now() - interval '1 hour'", "interval '3 s'"],
        ["status/read_instances"] = ["interval '75 s'", "1000"],
    };

    public static TheoryData<string, string> Cases => new(
        from name in (string[])["sessions/read_state", "sessions/read_state_messages", "sessions/read_version", "sessions/read_versions", "messages/read_messages", "messages/read_page", "messages/read_heads", "messages/remove_messages"]
        from mode in (string[])["force_generic_plan", "force_custom_plan"]
        select (name, mode));

    [Fact]
    public async Task Retention_finds_what_is_due_without_looking_at_what_is_gone()
    {
        await using var connection = await filled.Database.Source.OpenConnectionAsync(TestContext.Current.CancellationToken);
        var text = await PlanAsync(connection, "messages/remove_messages", "force_custom_plan");
        using var plan = JsonDocument.Parse(text);
        Assert.Contains(Nodes(plan.RootElement[0].GetProperty("Plan")), node => Text(node, "Index Name") == "transforms_with_messages");
    }

    [Theory]
    [InlineData("estimation/read_stage_history", "transforms_completed", "transform_stages_pkey", "sessions_pkey")]
    [InlineData("estimation/read_outcomes", "estimate_outcomes_of_kind")]
    [InlineData("status/count_in_progress", "transforms_running", "transforms_queued")]
    [InlineData("status/read_ended", "transforms_ended")]
    [InlineData("status/read_runs", "transforms_pkey", "sessions_pkey")]
    [InlineData("status/read_upload", "sessions_pkey", "transforms_session_id_ordinal_key", "transforms_queued", "transform_chunks_pkey", "transform_outputs_pkey", "artifacts_pkey")]
    [InlineData("status/read_history", "status_samples_pkey")]
    [InlineData("status/read_instances", "status_samples_pkey")]
    public async Task What_there_is_much_of_is_found_by_index(string name, params string[] indexes)
    {
        await using var connection = await filled.Database.Source.OpenConnectionAsync(TestContext.Current.CancellationToken);
        foreach (var mode in (string[])["force_generic_plan", "force_custom_plan"])
        {
            var text = await PlanAsync(connection, name, mode);
            using var plan = JsonDocument.Parse(text);
            var nodes = Nodes(plan.RootElement[0].GetProperty("Plan")).ToList();
            Assert.DoesNotContain(nodes, node => Text(node, "Node Type") == "Seq Scan");
            Assert.All(indexes, index => Assert.True(nodes.Exists(node => Text(node, "Index Name") == index), text));
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task A_read_uses_an_index_of_every_table(string name, string planCacheMode)
    {
        await using var connection = await filled.Database.Source.OpenConnectionAsync(TestContext.Current.CancellationToken);
        var text = await PlanAsync(connection, name, planCacheMode);

        using var plan = JsonDocument.Parse(text);
        var nodes = Nodes(plan.RootElement[0].GetProperty("Plan")).ToList();
        Assert.DoesNotContain(nodes, node => Text(node, "Node Type") == "Seq Scan");
        var messages = nodes.Where(node => Text(node, "Relation Name") == "transform_chunks" && Text(node, "Node Type") != "ModifyTable").ToList();
        Assert.NotEmpty(messages);
        Assert.All(messages, node =>
        {
            Assert.True(Text(node, "Node Type") is "Index Scan" or "Index Only Scan" or "Bitmap Heap Scan", text);
            Assert.Contains(Nodes(node), below => Text(below, "Index Name") == "transform_chunks_pkey");
        });
    }

    static async Task<string> PlanAsync(NpgsqlConnection connection, string name, string planCacheMode)
    {
        var statement = PreparedStatement.Named(name);
        await ExecuteAsync(connection, $"set plan_cache_mode = {planCacheMode}");
        await statement.PrepareAsync(connection, TestContext.Current.CancellationToken);
        var arguments = Arguments.TryGetValue(name, out var numbered) ? numbered : statement.Parameters.Select(parameter => Values[parameter]);

        await using var command = new NpgsqlCommand($"explain (format json) execute statement ({string.Join(", ", arguments)})", connection);
        var text = (string)(await command.ExecuteScalarAsync(TestContext.Current.CancellationToken))!;
        await ExecuteAsync(connection, "deallocate statement; reset plan_cache_mode");
        return text;
    }

    static IEnumerable<JsonElement> Nodes(JsonElement node) =>
        node.TryGetProperty("Plans", out var plans) ? plans.EnumerateArray().SelectMany(Nodes).Prepend(node) : [node];

    static string? Text(JsonElement node, string name) => node.TryGetProperty(name, out var value) ? value.GetString() : null;

    static async Task ExecuteAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
    }

    /// <summary>A thousand sessions of a hundred users, 220,000 messages, every tenth transform still running.</summary>
    public sealed class FilledDatabase(Fixtures.PostgresServer postgres) : IAsyncLifetime
    {
        public MigratedDatabase Database { get; } = new(postgres);

        public async ValueTask InitializeAsync()
        {
            await Database.InitializeAsync();
            await using var connection = await Database.Source.OpenConnectionAsync(TestContext.Current.CancellationToken);
            // Without the triggers: a fifth of the time.
            await ExecuteAsync(connection, $$"""
                set session_replication_role = replica;
                insert into sessions (id, kind, user_id, input)
                select md5('session' || n)::uuid, 'ideation', 'user' || n / 10, '{}' from generate_series(1, {{Transforms}}) as n;
                insert into transforms (id, session_id, ordinal, kind, status, attempt)
                select md5('transform' || n)::uuid, md5('session' || n)::uuid, 1, 'ideation', case when n % 10 = 0 then 'running' else 'completed' end, 1
                from generate_series(1, {{Transforms}}) as n;
                update transforms set ended_at = now() - interval '30 days' + id_number * interval '1 minute'
                from (select id as done, row_number() over () as id_number from transforms where status = 'completed') as numbered
                where id = done;
                -- What was asked long ago, and has kept no messages.
                insert into transforms (id, session_id, ordinal, kind, status, ended_at, last_index, messages_removed_at)
                select md5('old' || n)::uuid, md5('session' || n % {{Transforms}} + 1)::uuid, 2 + n / {{Transforms}}, 'ideation', 'failed', now() - interval '90 days', 219, now()
                from generate_series(1, {{OldTransforms}}) as n;
                insert into transform_stages (transform_id, stage, position, weight, label)
                select md5('transform' || n)::uuid, 'stage' || s, s, 1, 'A stage' from generate_series(1, {{Transforms}}) as n, generate_series(1, 3) as s;
                insert into transform_chunks (transform_id, chunk_index, chunk_type, chunk_data)
                select md5('transform' || n)::uuid, i, case when i % 10 = 0 then 'progress' else 'chunk' end, '{"stage":"ideas","text":"some text of a usual length"}'
                from generate_series(1, {{Transforms}}) as n, generate_series(0, {{MessagesEach - 1}}) as i;
                insert into artifacts (id, session_id, user_id, type, position, data)
                select md5('artifact' || n || '-' || p)::uuid, md5('session' || n)::uuid, 'user' || n / 10, 'idea', p, '{"title":"a","body":"b"}'
                from generate_series(1, {{Transforms}}) as n, generate_series(0, 4) as p;
                insert into transform_outputs (transform_id, artifact_id)
                select md5('transform' || n)::uuid, md5('artifact' || n || '-' || p)::uuid from generate_series(1, {{Transforms}}) as n, generate_series(0, 4) as p;
                insert into guidance (session_id, position, id, idempotency_key, text)
                select md5('session' || n)::uuid, p, gen_random_uuid(), p, 'something that was said' from generate_series(1, {{Transforms}}) as n, generate_series(0, 2) as p;
                insert into estimate_outcomes (transform_id, kind, counts, created_at)
                select id, kind, array_fill(1, array[31]), ended_at from transforms where status = 'completed';
                -- A day of four instances.
                insert into status_samples (taken_at, instance, role, open_streams, readers, slow_readers, runs, places, append_queue, messages_per_second, working_set_bytes,
                                            heap_bytes, memory_load, gc_pause_share, cpu_share, threads, active_streams, active_uploads, queued)
                select now() - n * interval '30 seconds', 'instance' || i, 'all', 1, 1, 0, 1, 69, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0
                from generate_series(1, 2880) as n, generate_series(1, 4) as i;
                reset session_replication_role;
                """);
            await ExecuteAsync(connection, "vacuum analyze");
        }

        public ValueTask DisposeAsync() => Database.DisposeAsync();
    }
}
