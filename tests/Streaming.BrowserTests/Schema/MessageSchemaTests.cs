using System.Net;
using System.Text.Json;
using Npgsql;
using Streaming.Database;
using Streaming.Imports;
using Streaming.IntegrationTests.Fixtures;
using Streaming.Messages;
using Streaming.Protocol;
using Xunit;

namespace Streaming.BrowserTests.Schema;

/// <summary>What the service sends is what its published schema says, judged by a validator of others (ajv).</summary>
public sealed class MessageSchemaTests(PostgresServer postgres, TestPackages packages) : IClassFixture<TestPackages>
{
    static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);
    static readonly object Outline = new { source = new { title = "Storm jars", text = "A keeper collects storms." }, totalEpisodes = 6, episodeDuration = 20 };
    static readonly object Logo = new { brandName = "Harbor & Pine", description = "Boats, built by hand." };
    const string TwoIdeas = """{"ideas":[{"title":"One","body":"b"},{"title":"Two","body":"c"}]}""";
    const string OneIdeaAndMore = """{"ideas":[{"title":"One","body":"b"},{"ti""";

    readonly RecordedMessages _messages = new();

    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Every_message_of_every_pipeline_is_valid_by_the_schema_that_is_served_and_broken_ones_are_not()
    {
        packages.NeedsPackages();
        var schema = await PipelinesAsync();
        await RelayAsync();
        await ConnectionsAsync();
        await ImportAndRetentionAsync();
        await FaultsThatPassAsync();
        await FaultsThatLastAsync();
        await ControlAsync();

        var input = JsonSerializer.Serialize(new { schema, messages = _messages.All });
        var (exitCode, output, faults) = await packages.RunAsync("node", ["validate.js"], Patience, input);
        Assert.True(exitCode == 0, faults);
        var judged = JsonElement.Parse(output);

        Assert.True(judged.GetProperty("invalid").GetArrayLength() == 0, string.Join('\n', judged.GetProperty("invalid").EnumerateArray().Take(5)));
        Assert.DoesNotContain(judged.GetProperty("seen").EnumerateObject(), definition => definition.Value.GetInt32() == 0);
        Assert.Equal(Types, _messages.All.Select(message => message.GetProperty("type").GetString()!).Distinct().Where(type => type != "confetti").Order());
        Assert.Empty(Codes.Except(_messages.Codes));
        Assert.Empty(judged.GetProperty("survivors").EnumerateArray().Select(survivor => survivor.GetRawText()));
        Assert.InRange(judged.GetProperty("mutants").GetInt32(), 150, int.MaxValue);
        TestContext.Current.SendDiagnosticMessage($"{_messages.All.Count} messages, {judged.GetProperty("mutants")} broken ones refused, {judged.GetProperty("seen")}");
    }

    static readonly string[] Types = [.. typeof(MessageTypes).GetFields().Select(constant => (string)constant.GetRawConstantValue()!).Order()];

    /// <summary>All that docs/protocol.md lists, but for those that need a database or a service that fails in itself.</summary>
    static readonly string[] Codes =
    [
        "restarted", "guidance_received", "guidance_applied", "guidance_not_applied", "deleted", "too_many_streams",
        "provider_unavailable", "provider_rate_limited", "provider_timeout", "provider_incomplete", "provider_cut", "provider_refused", "provider_invalid_response",
        "provider_empty", "provider_output_too_long", "provider_circuit_open", "rasterizer_missing", "invalid_output", "output_too_large", "worker_lost",
    ];

    /// <summary>Each pipeline from start to end, often enough for estimates.</summary>
    async Task<JsonElement> PipelinesAsync()
    {
        await using var host = await ServiceHost.StartAsync(postgres, [new("Messages:ProgressInterval", "00:00:00"), new("Logos:Rasterizer", "no-such-program")]);
        await using var paced = await ServiceHost.StartAsync(postgres, [new("Models:Offline:TokensPerSecond", "1000")]);
        await _messages.ReadToEndAsync(host.Client, await host.Client.PostJsonAsync("/api/outlines", Outline));
        await _messages.ReadToEndAsync(host.Client, await host.Client.PostJsonAsync("/api/logos", Logo));
        for (var run = 0; run < 6; run++)
            await _messages.ReadToEndAsync(paced.Client, await paced.Client.IdeateAsync(ideaCount: 1));
        Assert.True(_messages.Has(message => message.TryGetProperty("estimate", out var estimate) && estimate.TryGetProperty("remainingMs", out _)));
        return await host.Client.StateAsync("/schemas/messages.json");
    }

    /// <summary>What others write: over HTTP and in SQL, types that nobody knows among it; silence; and a cursor that is none, which resets.</summary>
    async Task RelayAsync()
    {
        await using var host = await ServiceHost.StartAsync(postgres, [new("Subscriptions:HeartbeatInterval", "00:00:00.1")]);
        var relay = await host.Client.RelayAsync();
        var reading = _messages.ReadToEndAsync(host.Client, relay);
        await Eventually.TrueAsync(() => Task.FromResult(_messages.Has(message => message.GetProperty("type").GetString() == "heartbeat")), "a heartbeat");
        await host.Client.PostJsonAsync($"/api/relays/{relay.Id()}/messages", new object[]
        {
            new { type = "chunk", text = "no stage", tone = new { of = "voice" } },
            new { type = "cache", hit = true },
            new { type = "confetti", colors = new[] { "red" } },
        }, HttpStatusCode.OK);
        await ExecuteAsync(host, $"""
            select append_message(id, 'chunk', 'plain text') from transforms;
            select append_message(id, 'confetti', jsonb_build_object('index', 7, 'type', 'chunk', 'pieces', 3)) from transforms;
            """);
        await host.Client.PostJsonAsync($"/api/relays/{relay.Id()}/end", new { status = "failed" });
        await reading;
        await _messages.ReadAsync(host.Client, relay.GetProperty("streamUrl").GetString()!, "1-99");
    }

    /// <summary>What is about a connection: reconnect with a limit and for a stop, a session that is deleted.</summary>
    async Task ConnectionsAsync()
    {
        await using var host = await ServiceHost.StartAsync(postgres, [new("Limits:StreamsPerUserMax", "1")]);
        var (one, other) = (await host.Client.RelayAsync(), await host.Client.RelayAsync());
        var several = _messages.ReadAsync(host.Client, $"/api/stream?ids={one.Id()},{other.Id()}");
        await Eventually.TrueAsync(
            () => Task.FromResult(_messages.Has(message => message.GetProperty("type").GetString() == "start" && message.GetProperty("sessionId").GetString() == other.Id())), "both streams are open");
        await _messages.ReadAsync(host.Client, one.GetProperty("streamUrl").GetString()!);
        await host.Client.DeleteAsync($"/api/relays/{one.Id()}", Cancellation);
        await Eventually.TrueAsync(() => Task.FromResult(_messages.Codes.Contains("deleted")), "the reader is told");
        await host.StopAsync();
        await several;
        Assert.True(_messages.Has(message => message.TryGetProperty("reconnect", out _) && !message.TryGetProperty("code", out _)));
    }

    async Task ImportAndRetentionAsync()
    {
        await using var host = await ServiceHost.StartAsync(postgres, [new("Retention:GracePeriod", "00:00:00"), new("Retention:Interval", "1.00:00:00")]);
        var imported = Guid.NewGuid();
        using var lines = new StringReader($$$"""
            {"sourceId":"a","sessionId":"{{{imported}}}","index":0,"kind":"ideation","input":{"userInput":"old","ideaCount":1},"createdAt":"2025-05-01T10:00:00+02:00","text":"one ","timestamp":1746086401000}
            {"sourceId":"a","index":1,"data":"two"}
            {"sourceId":"a","index":2,"type":"confetti","data":{"pieces":3}}
            """);
        await new ChunkImport(host.Service<Postgres>(), new HashSet<string> { "ideation" }).RunAsync(lines, Cancellation);
        JsonElement[] made = [await host.Client.IdeateAsync(), await host.Client.PostJsonAsync("/api/outlines", Outline), await host.Client.PostJsonAsync("/api/logos", Logo)];
        foreach (var session in made)
            await host.Client.EndedAsync($"/api/{session.GetProperty("kind").GetString()}s/{session.Id()}");
        await _messages.ReadAsync(host.Client, $"/api/stream/ideation/{imported}");
        while (await host.Service<MessageRetention>().RemoveBatchAsync(Cancellation) is { Transforms: > 0 })
            continue;
        foreach (var session in made)
            await _messages.ReadAsync(host.Client, session.GetProperty("streamUrl").GetString()!, "1-2");
        Assert.True(_messages.Has(message => message.GetProperty("type").GetString() == "result" && message.TryGetProperty("first", out var first) && first.GetInt32() == 0));
    }

    /// <summary>A warning each, and the run goes on.</summary>
    async Task FaultsThatPassAsync()
    {
        await using var host = await ScriptedHost.StartAsync(postgres, [new("Models:BreakerRequestsMin", "1000"), new("Models:TokenTimeout", "00:00:01")]);
        Script[] faults =
        [
            Script.Failure(429, "0"), Script.Failure(503), Script.Begin().Deltas("""{"ideas":[{"ti"""), Script.Begin().Deltas(OneIdeaAndMore).Reset(),
            Script.Begin().Finish("stop").Done(), Script.Html(), Script.Begin().Stall(),
        ];
        foreach (var fault in faults)
        {
            host.Model.Enqueue(fault, Script.Answer(TwoIdeas));
            await _messages.ReadToEndAsync(host.Client, await host.Client.IdeateAsync());
        }
    }

    /// <summary>An error each; in the end the provider is left alone.</summary>
    async Task FaultsThatLastAsync()
    {
        await using var host = await ScriptedHost.StartAsync(postgres, [
            new("Models:BreakerRequestsMin", "1000"), new("Models:TextBytesMax", "5000"), new("Messages:DataBytesMax", "2000"), new("Transforms:PollInterval", "00:00:00.1")]);
        Script[][] faults =
        [
            [Script.Failure(401)],
            [Script.Answer("I would rather not."), Script.Answer("Really not.")],
            [Script.Answer(new string('x', 6000))],
            [Script.Answer($$"""{"ideas":[{"title":"One","body":"{{new string('b', 3000)}}"}]}""")],
        ];
        foreach (var fault in faults)
        {
            host.Model.Enqueue(fault);
            await _messages.ReadToEndAsync(host.Client, await host.Client.IdeateAsync());
        }

        host.Model.Enqueue(Script.Begin().Deltas("x").Stall());
        var lost = await host.Client.IdeateAsync();
        await host.Model.NextRequestAsync(Cancellation);
        await Eventually.TrueAsync(async () => (await host.Client.StateAsync($"/api/ideations/{lost.Id()}")).Status() == "streaming", "it runs");
        await ExecuteAsync(host.Host, "update transforms set attempt = 3, losses = 2, lease_owner = 'elsewhere', lease_expires_at = clock_timestamp() - interval '1 second' where status = 'running'");
        await _messages.ReadToEndAsync(host.Client, lost);

        await using var tired = await ScriptedHost.StartAsync(postgres, [new("Models:BreakerRequestsMin", "2"), new("Models:BreakerPause", "00:00:00.5")]);
        tired.Model.Responder = _ => Script.Failure(503);
        await _messages.ReadToEndAsync(tired.Client, await tired.Client.IdeateAsync());
    }

    /// <summary>What a user does: pause, resume, cancel, retry, guide.</summary>
    async Task ControlAsync()
    {
        await using var host = await ScriptedHost.StartAsync(postgres);
        host.Model.Enqueue(
            Script.Begin().Deltas(OneIdeaAndMore).Stall(), Script.Begin().Stall(), Script.Begin().Stall(),
            Script.Begin().Deltas("""{"ideas":[{"title":"One","body":"b"},{"title":"Two","body":"c"}""").Stall());
        var made = await host.Client.IdeateAsync();
        var path = $"/api/ideations/{made.Id()}";
        var reading = _messages.ReadAsync(host.Client, made.GetProperty("streamUrl").GetString()!);
        await Eventually.TrueAsync(async () => (await host.Client.StateAsync(path)).GetProperty("ideas").GetArrayLength() == 1, "an idea is there");
        await host.Client.PostJsonAsync($"{path}/pause", null);
        await host.Client.PostJsonAsync($"{path}/resume", null);
        await Eventually.TrueAsync(() => Task.FromResult(host.Model.Requests.Count == 2), "it goes on");
        await host.Client.PostJsonAsync($"{path}/messages", new { text = "Add a dragon" });
        await Eventually.TrueAsync(() => Task.FromResult(_messages.Codes.Contains("guidance_applied")), "the guidance is applied");
        await host.Client.PostJsonAsync($"{path}/cancel", null);
        await reading;
        await host.Client.PostJsonAsync($"{path}/retry", null);
        reading = _messages.ReadAsync(host.Client, made.GetProperty("streamUrl").GetString()!);
        await Eventually.TrueAsync(async () => (await host.Client.StateAsync(path)).GetProperty("ideas").GetArrayLength() == 2, "both ideas are there");
        await host.Client.PostJsonAsync($"{path}/messages", new { text = "And a knight" });
        await host.Client.EndedAsync(path);
        await reading;
    }

    static async Task ExecuteAsync(ServiceHost host, string sql)
    {
        await using var connection = new NpgsqlConnection(host.ConnectionString);
        await connection.OpenAsync(Cancellation);
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(Cancellation);
    }
}
