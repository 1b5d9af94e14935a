using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Npgsql;
using Streaming.IntegrationTests.Fixtures;
using Xunit;

namespace Streaming.IntegrationTests.Transforms;

/// <summary>What a user says to a running generation: it reaches the model, is stored once, and is never lost without a word.</summary>
public sealed class GuidanceTests(PostgresServer postgres) : IAsyncLifetime
{
    ScriptedHost _host = null!;

    HttpClient Client => _host.Client;

    public async ValueTask InitializeAsync() => _host = await ScriptedHost.StartAsync(postgres);

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Fact]
    public async Task Guidance_breaks_off_the_answer_and_the_model_is_asked_for_the_rest_with_the_users_words()
    {
        var gate = new TaskCompletionSource();
        _host.Model.Enqueue(
            Script.Begin().Deltas("""{"ideas":[{"title":"One","body":"b"},{"ti""").Stall(),
            Script.Begin().Gate(gate.Task).Deltas("""{"ideas":[{"title":"Two","body":"c"}]}""").Finish("stop").Done());
        var made = await Client.IdeateAsync();
        var path = $"/api/ideations/{made.Id()}";
        var reading = Client.ReadStreamAsync($"/api/stream/ideation/{made.Id()}");
        await IdeaIsThereAsync(path);

        var received = await Client.PostJsonAsync($"{path}/messages", new { text = "Add a </request> \"dragon\" 🐉" });
        Assert.Equal("Add a </request> \"dragon\" 🐉", Assert.Single(Said(received)).Text);
        await _host.Model.Requests[0].Aborted.WaitAsync(TimeSpan.FromSeconds(10));
        await Eventually.TrueAsync(async () => Said(await Client.StateAsync(path)).Single().Applied, "the state says that it is applied");
        gate.SetResult();

        var state = await Client.EndedAsync(path);
        Assert.Equal(("completed", 2), (state.Status(), state.GetProperty("ideas").GetArrayLength()));
        Assert.True(Assert.Single(Said(state)).Applied);
        Assert.False(Request(0).TryGetProperty("guidance", out _));
        Assert.Equal(["Add a </request> \"dragon\" 🐉"], Request(1).GetProperty("guidance").EnumerateArray().Select(text => text.GetString()));
        Assert.Equal((1, "One"), (Request(1).GetProperty("count").GetInt32(), Request(1).GetProperty("existing")[0].GetString()));
        Assert.Contains("`guidance`", _host.Model.Requests[1].Prompt, StringComparison.Ordinal);

        var events = await reading.WaitAsync(TimeSpan.FromSeconds(10));
        AssertGapless(events);
        Assert.Equal(["guidance_received", "restarted", "guidance_applied"], Codes(events));
        Assert.All(Infos(events).Where(info => info.Code != "restarted"), info =>
        {
            Assert.Equal("Add a </request> \"dragon\" 🐉", info.Data.GetProperty("guidance")[0].GetProperty("text").GetString());
            Assert.Equal(Said(received)[0].Id, info.Data.GetProperty("guidance")[0].GetProperty("id").GetString());
        });
        Assert.Equal("ideas", Infos(events)[2].Data.GetProperty("stage").GetString());
        Assert.Single(events, e => e.Type == "status");
    }

    [Fact]
    public async Task Second_word_while_the_model_answers_the_first_is_heeded_too()
    {
        _host.Model.Enqueue(
            Script.Begin().Deltas("a").Stall(), Script.Begin().Deltas("b").Stall(),
            Script.Answer("""{"ideas":[{"title":"One","body":"b"},{"title":"Two","body":"c"}]}"""));
        var made = await Client.IdeateAsync();
        for (var n = 0; n < 2; n++)
        {
            await _host.Model.NextRequestAsync(TestContext.Current.CancellationToken);
            await Client.PostJsonAsync($"/api/ideations/{made.Id()}/messages", new { text = $"word {n}" });
        }

        Assert.Equal("completed", (await Client.EndedAsync($"/api/ideations/{made.Id()}")).Status());
        Assert.Equal(["word 0", "word 1"], Request(2).GetProperty("guidance").EnumerateArray().Select(text => text.GetString()));
    }

    [Fact]
    public async Task Later_stages_see_it_and_a_list_that_was_broken_off_is_gone_on_with()
    {
        _host.Model.Enqueue(
            Script.Answer("""{"title":"T","genre":"G","sellingPoints":"P","setting":"S","synopsis":"Y"}"""),
            Script.Begin().Deltas("""{"characters":[{"name":"Ada","role":"lead","description":"d"},{"na""").Stall(),
            Script.Answer("""{"characters":[{"name":"Bo","role":"foe","description":"d"}]}"""),
            Script.Answer("""[{"title":"Rise","episodes":"1-6","summary":"s"}]"""));
        var made = await Client.PostJsonAsync("/api/outlines", new { source = new { title = "t", text = "x" } });
        var path = $"/api/outlines/{made.Id()}";
        await Eventually.TrueAsync(
            async () => (await Client.StateAsync(path)).GetProperty("components").GetProperty("characters").GetArrayLength() == 1, "a character is there");
        await Client.PostJsonAsync($"{path}/messages", new { text = "No villains" });

        var state = await Client.EndedAsync(path);
        Assert.Equal(["Ada", "Bo"], state.GetProperty("components").GetProperty("characters").EnumerateArray().Select(one => one.GetProperty("name").GetString()));
        Assert.Equal("Ada", Request(2).GetProperty("existing")[0].GetString());
        Assert.All((int[])[2, 3], n => Assert.Equal("No villains", Request(n).GetProperty("guidance")[0].GetString()));
        var events = await Client.ReadStreamAsync($"/api/stream/outline/{made.Id()}");
        Assert.Equal(["guidance_received", "restarted", "guidance_applied"], Codes(events));
    }

    [Fact]
    public async Task Words_to_a_paused_generation_are_taken_in_when_it_goes_on()
    {
        _host.Model.Enqueue(
            Script.Begin().Deltas("x").Stall(),
            Script.Answer("""{"ideas":[{"title":"One","body":"b"},{"title":"Two","body":"c"}]}"""));
        var made = await Client.IdeateAsync();
        var path = $"/api/ideations/{made.Id()}";
        await _host.Model.NextRequestAsync(TestContext.Current.CancellationToken);
        await Client.PostJsonAsync($"{path}/pause", null);
        var paused = await Client.PostJsonAsync($"{path}/messages", new { text = "Add a dragon" });
        Assert.Equal(("paused", false), (paused.Status(), Assert.Single(Said(paused)).Applied));
        await Client.PostJsonAsync($"{path}/resume", null);
        Assert.True(Assert.Single(Said(await Client.EndedAsync(path))).Applied);
        Assert.Equal("Add a dragon", Request(1).GetProperty("guidance")[0].GetString());
    }

    [Fact]
    public async Task Words_outlive_a_service_that_stops_before_it_could_take_them_in()
    {
        // No worker: what is received stays queued.
        await using var first = await ScriptedHost.StartAsync(postgres, [new("Transforms:Concurrency", "0")]);
        var made = await first.Client.IdeateAsync();
        await first.Client.PostJsonAsync($"/api/ideations/{made.Id()}/messages", new { text = "Add a dragon" });
        await using var second = await ServiceHost.StartAsync(postgres, connectionString: first.Host.ConnectionString, settings: [new("Transforms:Concurrency", "0")]);
        await first.Host.StopAsync();
        Assert.Equal([("Add a dragon", false)], Said(await second.Client.StateAsync($"/api/ideations/{made.Id()}")).Select(said => (said.Text, said.Applied)));

        await using var worker = await ServiceHost.StartAsync(postgres, connectionString: first.Host.ConnectionString);
        var state = await worker.Client.EndedAsync($"/api/ideations/{made.Id()}");
        Assert.True(Assert.Single(Said(state)).Applied);
        Assert.All(state.GetProperty("ideas").EnumerateArray(), idea => Assert.Contains("dragon", idea.GetProperty("body").GetString(), StringComparison.Ordinal));
        Assert.Equal(["guidance_received", "guidance_applied"], Codes(await worker.Client.ReadStreamAsync($"/api/stream/ideation/{made.Id()}")));
    }

    [Fact]
    public async Task Words_said_to_one_server_reach_the_run_of_another()
    {
        await using var other = await ServiceHost.StartAsync(postgres, [new("Transforms:Concurrency", "0")], _host.Host.ConnectionString);
        _host.Model.Enqueue(Script.Begin().Deltas("x").Stall(), Script.Answer("""{"ideas":[{"title":"One","body":"b"},{"title":"Two","body":"c"}]}"""));
        var made = await other.Client.IdeateAsync();
        await _host.Model.NextRequestAsync(TestContext.Current.CancellationToken);
        await other.Client.PostJsonAsync($"/api/ideations/{made.Id()}/messages", new { text = "Add a dragon" });
        Assert.True(Assert.Single(Said(await Client.EndedAsync($"/api/ideations/{made.Id()}"))).Applied);
    }

    [Fact]
    public async Task Lost_notification_is_made_up_for()
    {
        await using var host = await ScriptedHost.StartAsync(postgres, [new("Transforms:PollInterval", "00:00:00.2")]);
        host.Model.Enqueue(Script.Begin().Deltas("x").Stall(), Script.Answer("""{"ideas":[{"title":"One","body":"b"},{"title":"Two","body":"c"}]}"""));
        var made = await host.Client.IdeateAsync();
        await host.Model.NextRequestAsync(TestContext.Current.CancellationToken);
        // As receive_guidance stores it, without its NOTIFY.
        await ExecuteAsync(host.Host, "insert into guidance (session_id, position, id, idempotency_key, text) select id, 0, gen_random_uuid(), 'k', 'Add a dragon' from sessions");
        Assert.True(Assert.Single(Said(await host.Client.EndedAsync($"/api/ideations/{made.Id()}"))).Applied);
    }

    [Fact]
    public async Task Killed_service_goes_by_what_it_had_received()
    {
        using var directory = new TemporaryDirectory();
        var service = await ServiceProcess.StartAsync(directory.Path, "--Models:Offline:TokensPerSecond=5");
        try
        {
            var id = (await service.Client.IdeateAsync(ideaCount: 1)).Id();
            await service.Client.PostJsonAsync($"/api/ideations/{id}/messages", new { text = "Add a dragon" });
            await service.KillAsync();
            await service.DisposeAsync();
            service = await ServiceProcess.StartAsync(directory.Path, "--Models:Offline:TokensPerSecond=0");
            var state = await service.Client.EndedAsync($"/api/ideations/{id}");
            Assert.True(Assert.Single(Said(state)).Applied);
            Assert.Contains("dragon", state.GetProperty("ideas")[0].GetProperty("body").GetString(), StringComparison.Ordinal);
        }
        finally
        {
            await service.DisposeAsync();
        }
    }

    [Fact]
    public async Task Ten_requests_at_once_with_one_key_are_stored_once_and_answered_alike()
    {
        _host.Model.Responder = _ => Script.Begin().Deltas("x").Stall();
        var made = await Client.IdeateAsync();
        var path = $"/api/ideations/{made.Id()}";
        var answers = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => GuideAsync(path, "Add a dragon", "key")));
        Assert.All(answers, answer => Assert.Equal(HttpStatusCode.Accepted, answer.Status));
        Assert.Single(answers.Select(answer => Assert.Single(Said(answer.Body)).Id).Distinct());

        var reused = await GuideAsync(path, "Add a cat", "key");
        Assert.Equal((HttpStatusCode.UnprocessableEntity, "idempotency_key_reused"), (reused.Status, reused.Body.GetProperty("code").GetString()));
        await Client.PostJsonAsync($"{path}/cancel", null);
        Assert.Single(Codes(await Client.ReadStreamAsync($"/api/stream/ideation/{made.Id()}")), "guidance_received");
        // A repeat is answered like the first, though a first one would come too late.
        Assert.Equal(HttpStatusCode.Accepted, (await GuideAsync(path, "Add a dragon", "key")).Status);
        Assert.Equal(HttpStatusCode.Conflict, (await GuideAsync(path, "Add a dragon", "another")).Status);
        Assert.Equal(HttpStatusCode.BadRequest, (await GuideAsync(path, "Add a dragon", new string('k', 201))).Status);
    }

    [Fact]
    public async Task Retry_goes_by_what_was_said_before()
    {
        _host.Model.Enqueue(
            Script.Begin().Deltas("x").Stall(), Script.Begin().Deltas("y").Stall(),
            Script.Answer("""{"ideas":[{"title":"One","body":"b"},{"title":"Two","body":"c"}]}"""));
        var made = await Client.IdeateAsync();
        var path = $"/api/ideations/{made.Id()}";
        await _host.Model.NextRequestAsync(TestContext.Current.CancellationToken);
        await Client.PostJsonAsync($"{path}/messages", new { text = "Add a dragon" });
        // The model is asked before the message that says so is committed.
        await Eventually.TrueAsync(async () => Said(await Client.StateAsync(path)) is [{ Applied: true }], "the guidance is applied");
        await Client.PostJsonAsync($"{path}/cancel", null);

        await Client.PostJsonAsync($"{path}/retry", null);
        Assert.True(Assert.Single(Said(await Client.EndedAsync(path))).Applied);
        Assert.Equal("Add a dragon", Request(2).GetProperty("guidance")[0].GetString());
        Assert.Equal(["guidance_applied"], Codes(await Client.ReadStreamAsync($"/api/stream/ideation/{made.Id()}")));
    }

    [Fact]
    public async Task Words_that_come_when_everything_is_written_are_said_to_be_not_applied()
    {
        _host.Model.Enqueue(Script.Begin().Deltas("""{"ideas":[{"title":"One","body":"b"},{"title":"Two","body":"c"}""").Stall());
        var made = await Client.IdeateAsync();
        var path = $"/api/ideations/{made.Id()}";
        await Eventually.TrueAsync(async () => (await Client.StateAsync(path)).GetProperty("ideas").GetArrayLength() == 2, "both ideas are there");
        await Client.PostJsonAsync($"{path}/messages", new { text = "Add a dragon" });
        var state = await Client.EndedAsync(path);
        Assert.Equal(("completed", false), (state.Status(), Assert.Single(Said(state)).Applied));
        var events = await Client.ReadStreamAsync($"/api/stream/ideation/{made.Id()}");
        Assert.Equal(["guidance_received", "guidance_not_applied"], Codes(events));
        Assert.Equal(["info", "result", "end"], events.TakeLast(3).Select(e => e.Type));
    }

    [Fact]
    public async Task Words_to_what_has_ended_are_a_conflict_that_shows_the_state()
    {
        _host.Model.Responder = _ => Script.Answer("""{"ideas":[{"title":"One","body":"b"},{"title":"Two","body":"c"}]}""");
        var made = await Client.IdeateAsync();
        await Client.EndedAsync($"/api/ideations/{made.Id()}");
        var problem = await Client.PostJsonAsync($"/api/ideations/{made.Id()}/messages", new { text = "x" }, HttpStatusCode.Conflict);
        Assert.Equal(("conflict", "completed"), (problem.GetProperty("code").GetString(), problem.GetProperty("state").Status()));
        Assert.Empty(Said(problem.GetProperty("state")));
    }

    [Fact]
    public async Task Words_after_the_last_stage_are_a_conflict()
    {
        await using var host = await ServiceHost.StartAsync(postgres, [new("Transforms:Concurrency", "0")]);
        var made = await host.Client.IdeateAsync();
        // As it stands between the end of the last stage and the end of the transform.
        await ExecuteAsync(host, "update transform_stages set status = 'completed'; update transforms set status = 'running'");
        var problem = await host.Client.PostJsonAsync($"/api/ideations/{made.Id()}/messages", new { text = "x" }, HttpStatusCode.Conflict);
        Assert.Equal(("conflict", "streaming"), (problem.GetProperty("code").GetString(), problem.GetProperty("state").Status()));
        Assert.Equal("1-0", problem.GetProperty("state").GetProperty("lastEventId").GetString());
    }

    /// <summary>The promise: 202 means that it is on the stream, and that the stream says what became of it.</summary>
    [Fact]
    public async Task Words_at_every_moment_up_to_the_end_are_refused_or_their_fate_is_told()
    {
        var seed = Environment.TickCount;
        TestContext.Current.SendDiagnosticMessage($"seed {seed}");
        var random = new Random(seed);
        await using var host = await ServiceHost.StartAsync(postgres, [new("Models:Offline:TokensPerSecond", "3000")]);
        var fates = new Dictionary<string, int> { ["refused"] = 0, ["guidance_applied"] = 0, ["guidance_not_applied"] = 0 };
        for (var round = 0; round < 8; round++)
        {
            var moments = Enumerable.Range(0, 4).Select(_ => random.Next(260)).ToList();
            foreach (var fate in await Task.WhenAll(moments.Select(stop => FateAsync(host, stop, seed))))
                fates[fate]++;
        }

        TestContext.Current.SendDiagnosticMessage(string.Join(", ", fates));
        Assert.True(fates["guidance_applied"] > 0, $"seed {seed}: {string.Join(", ", fates)}");
    }

    static async Task<string> FateAsync(ServiceHost host, int stop, int seed)
    {
        var id = (await host.Client.IdeateAsync(ideaCount: 1)).Id();
        await foreach (var item in host.Client.StreamAsync($"/api/stream/ideation/{id}"))
            if (item.Index >= stop)
                break;
        using var answer = await host.Client.PostAsJsonAsync($"/api/ideations/{id}/messages", new { text = "Add a dragon" });
        var state = await host.Client.EndedAsync($"/api/ideations/{id}");
        Assert.Equal("completed", state.Status());
        var events = await host.Client.ReadStreamAsync($"/api/stream/ideation/{id}");
        AssertGapless(events);
        Assert.Equal(1, events.Count(e => e.Type == "end"));
        var codes = Codes(events).Where(code => code != "restarted").ToList();
        if (answer.StatusCode == HttpStatusCode.Conflict)
        {
            Assert.Empty(codes);
            return "refused";
        }

        Assert.Equal(HttpStatusCode.Accepted, answer.StatusCode);
        Assert.True(codes is ["guidance_received", "guidance_applied" or "guidance_not_applied"], $"seed {seed}: {string.Join(", ", codes)}");
        Assert.Equal(codes[1] == "guidance_applied", Assert.Single(Said(state)).Applied);
        // What is applied can be seen in what is made.
        Assert.Equal(codes[1] == "guidance_applied", state.GetProperty("ideas")[0].GetProperty("body").GetString()!.Contains("dragon", StringComparison.Ordinal));
        return codes[1];
    }

    [Fact]
    public async Task Runs_beside_the_one_that_is_guided_are_not_disturbed()
    {
        await using var host = await ServiceHost.StartAsync(postgres, [new("Models:Offline:TokensPerSecond", "400")]);
        var ids = new List<string>();
        // The one that is guided is long enough to be there still, on any machine.
        for (var n = 0; n < 12; n++)
            ids.Add((await host.Client.IdeateAsync(ideaCount: n == 0 ? 20 : 2)).Id());
        for (var n = 0; n < 10; n++)
            await host.Client.PostJsonAsync($"/api/ideations/{ids[0]}/messages", new { text = $"Add dragon {n}" });
        foreach (var id in ids)
        {
            Assert.Equal("completed", (await host.Client.EndedAsync($"/api/ideations/{id}")).Status());
            var events = await host.Client.ReadStreamAsync($"/api/stream/ideation/{id}");
            AssertGapless(events);
            Assert.Equal(id == ids[0] ? 10 : 0, Codes(events).Count(code => code == "guidance_received"));
            Assert.Single(events, e => e.Type == "status");
        }
    }

    [Theory]
    [InlineData("""{"text":""}""", "invalid_fields")]
    [InlineData("""{"text":"  \n"}""", "invalid_fields")]
    [InlineData("""{"text":"\u0000"}""", "invalid_fields")]
    [InlineData("""{"text":7}""", "invalid_fields")]
    [InlineData("""{"text":null}""", "invalid_fields")]
    [InlineData("""{"text":["x"]}""", "invalid_fields")]
    [InlineData("""{"text":"\ud83d"}""", "invalid_fields")]
    [InlineData("{}", "invalid_fields")]
    [InlineData("[]", "invalid_fields")]
    [InlineData("\"x\"", "invalid_fields")]
    [InlineData("{\"text\":", "invalid_body")]
    [InlineData("", "invalid_body")]
    public async Task Body_that_is_not_right_stores_nothing(string body, string code)
    {
        _host.Model.Responder = _ => Script.Begin().Deltas("x").Stall();
        var made = await Client.IdeateAsync();
        using var content = new StringContent(body, System.Text.Encoding.UTF8, "application/json");
        using var response = await Client.PostAsync($"/api/ideations/{made.Id()}/messages", content);
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Equal(code, JsonSerializer.Deserialize<JsonElement>(await response.Content.ReadAsStringAsync()).GetProperty("code").GetString());
        Assert.Empty(Said(await Client.StateAsync($"/api/ideations/{made.Id()}")));
    }

    [Fact]
    public async Task Body_of_another_type_is_refused()
    {
        using var content = new StringContent("""{"text":"x"}""");
        using var response = await Client.PostAsync($"/api/ideations/{Guid.NewGuid()}/messages", content);
        Assert.Equal(HttpStatusCode.UnsupportedMediaType, response.StatusCode);
        await Client.PostJsonAsync($"/api/ideations/{Guid.NewGuid()}/messages", new { text = "x" }, HttpStatusCode.NotFound);
        await Client.PostJsonAsync("/api/ideations/7/messages", new { text = "x" }, HttpStatusCode.BadRequest);
    }

    [Fact]
    public async Task Limits_hold_at_the_edge()
    {
        await using var host = await ServiceHost.StartAsync(postgres, [
            new("Transforms:Concurrency", "0"), new("Limits:GuidanceCharactersMax", "10"), new("Limits:GuidancesMax", "2")]);
        var path = $"/api/ideations/{(await host.Client.IdeateAsync()).Id()}";
        await host.Client.PostJsonAsync($"{path}/messages", new { text = new string('x', 11) }, HttpStatusCode.BadRequest);
        await host.Client.PostJsonAsync($"{path}/messages", new { text = new string('x', 10) });
        await host.Client.PostJsonAsync($"{path}/messages", new { text = "y" });
        var problem = await host.Client.PostJsonAsync($"{path}/messages", new { text = "z" }, HttpStatusCode.Conflict);
        Assert.Equal("guidance_limit_reached", problem.GetProperty("code").GetString());
        Assert.Equal([new string('x', 10), "y"], Said(problem.GetProperty("state")).Select(said => said.Text));
    }

    [Fact]
    public async Task Conditional_read_sees_what_was_said()
    {
        _host.Model.Responder = _ => Script.Begin().Deltas("x").Stall();
        var made = await Client.IdeateAsync();
        var path = $"/api/ideations/{made.Id()}";
        await _host.Model.NextRequestAsync(TestContext.Current.CancellationToken);
        using var before = await Client.GetAsync(path);
        await Client.PostJsonAsync($"{path}/messages", new { text = "x" });
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.IfNoneMatch.Add(before.Headers.ETag!);
        using var after = await Client.SendAsync(request);
        Assert.Equal(HttpStatusCode.OK, after.StatusCode);
    }

    Task IdeaIsThereAsync(string path) =>
        Eventually.TrueAsync(async () => (await Client.StateAsync(path)).GetProperty("ideas").GetArrayLength() == 1, "an idea is there");

    async Task<(HttpStatusCode Status, JsonElement Body)> GuideAsync(string path, string text, string key)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"{path}/messages") { Content = JsonContent.Create(new { text }) };
        request.Headers.Add("Idempotency-Key", key);
        using var response = await Client.SendAsync(request);
        return (response.StatusCode, JsonSerializer.Deserialize<JsonElement>(await response.Content.ReadAsStringAsync()));
    }

    JsonElement Request(int n)
    {
        var prompt = _host.Model.Requests[n].Prompt;
        return JsonSerializer.Deserialize<JsonElement>(prompt[(prompt.IndexOf("<request>", StringComparison.Ordinal) + 9)..prompt.LastIndexOf("</request>", StringComparison.Ordinal)]);
    }

    static List<(string Id, string Text, bool Applied)> Said(JsonElement state) =>
    [
        .. state.GetProperty("guidance").EnumerateArray()
            .Select(said => (said.GetProperty("id").GetString()!, said.GetProperty("text").GetString()!, said.GetProperty("applied").GetBoolean())),
    ];

    static List<(string Code, JsonElement Data)> Infos(IEnumerable<StreamEvent> events) =>
        [.. events.Where(e => e.Type == "info").Select(e => (e.Data.GetProperty("code").GetString()!, e.Data))];

    static List<string> Codes(IEnumerable<StreamEvent> events) => [.. Infos(events).Select(info => info.Code)];

    static void AssertGapless(IEnumerable<StreamEvent> events)
    {
        var next = 0;
        foreach (var item in events.Where(item => item.Index is not null))
        {
            Assert.Equal(next, item.First);
            next = item.Index!.Value + 1;
        }
    }

    static async Task ExecuteAsync(ServiceHost host, string sql)
    {
        await using var connection = new NpgsqlConnection(host.ConnectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }
}
